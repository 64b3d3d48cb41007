//! `cancel` and `settle`: the end of a doubt about an id, or about all that wait in an outbox.

use std::io::Write;
use std::path::Path;

use crate::client::{Client, Reason, Undecided};
use crate::types::{Consistency, Fate, Id, Outcome, Verdict};

use super::arguments::{Cancel, Options, Settle};
use super::exit::Exit;
use super::lookup::Answer;
use super::output::{self, Format};
use super::report::{self, Problem};

/// An id that has taken effect can't be cancelled any more: its outcome is printed, and the exit code says *conflict*.
pub(super) async fn cancel(
    client: &Client,
    options: &Options,
    cancel: Cancel,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let id = cancel.id.get()?;
    let outcome = client.cancel(&id).await?.outcome;
    let exit = exit_of_cancel(&outcome);
    let mut fate = Fate::Decided { outcome, compensated_by: None };
    if exit == Exit::Conflict {
        // What was done about it since, a cancel does not say.
        fate = client.lookup(&id, Consistency::Linearizable).await?;
        tell_of_a_late_cancel(options.output, &id, &fate);
    }
    output::print_one(out, options.output, &Answer::new(&id, &fate))?;
    Ok(exit)
}

fn tell_of_a_late_cancel(format: Format, id: &Id, fate: &Fate) {
    let message = format!("cannot cancel id `{id}`: it has taken effect already");
    let advice = match fate {
        Fate::Decided { compensated_by: Some(_), .. } => "Its outcome is printed, and what has undone it.",
        _ => "Its outcome is printed. To undo it, submit a command that compensates it.",
    };
    // Where even errors cannot be written, the exit code still tells.
    let _unheard = report::print_plainly(&mut anstream::stderr(), format, &message, advice);
}

/// What became of the id; if nothing has, it is left or cancelled, as was asked.
pub(super) async fn settle(
    client: &Client,
    options: &Options,
    settle: Settle,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let undecided = if settle.cancel { Undecided::Cancel } else { Undecided::Leave };
    if let Some(path) = &settle.outbox {
        return outbox(client, options, path, undecided, out).await;
    }
    let Some(id) = settle.id()? else { return Ok(Exit::Usage) };
    let fate = client.settle(&id, undecided).await?;
    output::print_one(out, options.output, &Answer::new(&id, &fate))?;
    Ok(Exit::of_fate(&fate))
}

/// The same for all that wait in an outbox. What is decided goes from the file once that is printed; what is not, and what
/// is too old to be known, stays. What is for a space that is not there has never taken effect: it stays, too, unless all
/// that is undecided is to be cancelled, since this file is the only one that could send it again.
async fn outbox(
    client: &Client,
    options: &Options,
    path: &Path,
    undecided: Undecided,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    if !path.exists() {
        return Err(Problem::NotThere {
            message: format!("there is no outbox {}", path.display()),
            advice: "Name the file that `append --outbox` was given.",
        });
    }
    let sender = super::outbox::open(client, path).await?;
    let (mut answers, mut decided) = (Vec::new(), Vec::new());
    let mut result = Ok(Exit::Done);
    for kept in sender.waiting().await? {
        let append = &kept.entry().append;
        match client.in_space(append.space.clone()).settle(&append.id, undecided).await {
            Ok(fate) => {
                answers.push(Answer::new(&append.id, &fate));
                match Exit::of_fate(&fate) {
                    Exit::Done => decided.push(kept),
                    open => result = Ok(open),
                }
            }
            Err(error) if error.reason() == Some(Reason::NoSuchSpace) => {
                answers.push(Answer::without_space(&append.id, &append.space));
                match undecided {
                    Undecided::Cancel => decided.push(kept),
                    Undecided::Leave => result = Ok(Exit::NotFound),
                }
            }
            // What was settled before is told all the same.
            Err(error) => {
                result = Err(error.into());
                break;
            }
        }
    }
    output::print_many(out, options.output, "settled", &answers)?;
    out.flush()?;
    for kept in decided {
        kept.confirm().await?;
    }
    sender.outbox().clone().close().await?;
    result
}

fn exit_of_cancel(outcome: &Outcome) -> Exit {
    match outcome.verdict {
        // Either way it never takes effect.
        Verdict::Cancelled | Verdict::Refused(_) => Exit::Done,
        Verdict::Applied(_) | Verdict::NothingToUndo => Exit::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Found, History, LogTime, Offset, Refusal, Sequence, Step};

    use super::*;

    #[test]
    fn only_what_has_taken_effect_cannot_be_cancelled() {
        let exit = |verdict| {
            exit_of_cancel(&Outcome { verdict, sequence: Sequence(1), history: History(1), time: LogTime::ZERO })
        };
        let refusal = Refusal { step: Step::Guard(0), found: Found::LogEnd(Offset(1)) };
        assert_eq!(exit(Verdict::Cancelled), Exit::Done);
        assert_eq!(exit(Verdict::Refused(refusal)), Exit::Done);
        assert_eq!(exit(Verdict::Applied(Vec::new())), Exit::Conflict);
        assert_eq!(exit(Verdict::NothingToUndo), Exit::Conflict);
    }
}
