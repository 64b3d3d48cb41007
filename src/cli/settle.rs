//! `cancel` and `settle`: the end of a doubt about an id.

use std::io::Write;

use crate::client::{Client, Undecided};
use crate::types::{Fate, Outcome, Verdict};

use super::arguments::{Cancel, Options, Settle};
use super::exit::Exit;
use super::lookup::Answer;
use super::output;
use super::report::Problem;

/// An id that has taken effect can't be cancelled any more: its outcome is printed, and the exit code says *conflict*.
pub(super) async fn cancel(
    client: &Client,
    options: &Options,
    cancel: Cancel,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let decided = client.cancel(&cancel.id).await?;
    let exit = exit_of_cancel(&decided.outcome);
    output::print_one(out, options.output, &Answer::new(&cancel.id, &Fate::Decided(decided.outcome)))?;
    Ok(exit)
}

/// What became of the id; if nothing has, it is left or cancelled, as was asked.
pub(super) async fn settle(
    client: &Client,
    options: &Options,
    settle: Settle,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let undecided = if settle.cancel { Undecided::Cancel } else { Undecided::Leave };
    let fate = client.settle(&settle.id, undecided).await?;
    output::print_one(out, options.output, &Answer::new(&settle.id, &fate))?;
    Ok(Exit::of_fate(&fate))
}

fn exit_of_cancel(outcome: &Outcome) -> Exit {
    match outcome.verdict {
        // Either way it never takes effect.
        Verdict::Cancelled | Verdict::Refused(_) => Exit::Done,
        Verdict::Applied(_) => Exit::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{History, LogTime, Offset, Refusal, Sequence};

    use super::*;

    #[test]
    fn only_what_has_taken_effect_cannot_be_cancelled() {
        let exit = |verdict| {
            exit_of_cancel(&Outcome { verdict, sequence: Sequence(1), history: History(1), time: LogTime::ZERO })
        };
        assert_eq!(exit(Verdict::Cancelled), Exit::Done);
        assert_eq!(exit(Verdict::Refused(Refusal::LogEnd { guard: 0, found: Offset(1) })), Exit::Done);
        assert_eq!(exit(Verdict::Applied(Vec::new())), Exit::Conflict);
    }
}
