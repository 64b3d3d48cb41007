//! `lookup`, `cancel` and `settle`: what became of an id, and the end of a doubt about it.

use std::path::Path;

use crate::client::{Error, Reason, Undecided};
use crate::types::{Command, Consistency, Fate, FateKind, Id, LogTime, Outcome, SpaceName, Verdict};

use super::arguments::{KnownId, Settle};
use super::call::{self, Call};
use super::column::Column;
use super::exit::Exit;
use super::problem::Problem;
use super::value;
use super::{json, outbox};

/// The word for an id of a space that was never made.
const NO_SUCH_SPACE: &str = "no_such_space";

struct Answer {
    id: Id,
    word: &'static str,
    details: Option<String>,
    outcome: Option<Outcome>,
    compensated_by: Option<Id>,
    /// The time below which its space has forgotten, if it is too old.
    floor: Option<LogTime>,
    deleted: Option<LogTime>,
}

impl Answer {
    fn new(id: Id, fate: Fate) -> Self {
        let word = fate.kind().map_or("too_old", FateKind::as_str);
        let undecided =
            Self { id, word, details: None, outcome: None, compensated_by: None, floor: None, deleted: None };
        match fate {
            Fate::Unknown => undecided,
            Fate::TooOld { floor } => {
                let details = Some(format!("ids born before {} are forgotten", value::time(floor)));
                Self { details, floor: Some(floor), ..undecided }
            }
            Fate::Decided { outcome, compensated_by } => {
                let undone =
                    compensated_by.as_ref().map_or_else(String::new, |by| format!("; undone by {}", by.text()));
                let details = json::details(&outcome).map(|details| details + &undone);
                Self { details, outcome: Some(outcome), compensated_by, ..undecided }
            }
        }
    }

    /// The answer that lies in an error: the id's space does not exist.
    fn of_absent_space(id: &Id, space: &SpaceName, error: Error) -> Result<Self, Error> {
        if error.reason() != Some(Reason::NoSuchSpace) {
            return Err(error);
        }
        let deleted = error.space_deleted();
        let (word, details) = match deleted {
            None => (NO_SUCH_SPACE, format!("there is no space {space}, so the id has never taken effect")),
            Some(at) => {
                let at = value::time(at);
                ("space_deleted", format!("space {space} was deleted at {at}; what became of the id is forgotten"))
            }
        };
        Ok(Self { word, details: Some(details), deleted, ..Self::new(id.clone(), Fate::Unknown) })
    }

    /// An id that is undecided or forgotten is not found.
    fn exit(&self) -> Exit {
        if self.outcome.is_some() { Exit::Done } else { Exit::NotFound }
    }

    /// Whether an outbox need not keep the id any longer. The file is the only one that could send again what is for a space
    /// that was never made, so that goes only if all that is undecided is to be cancelled. What is for a deleted space may
    /// have taken effect, so it stays, as what is too old does.
    fn ends_doubt(&self, undecided: Undecided) -> bool {
        self.outcome.is_some() || (self.word == NO_SUCH_SPACE && undecided == Undecided::Cancel)
    }

    fn print(self, call: &mut Call) -> Result<Exit, Problem> {
        call.out.one(&columns(), &self)?;
        Ok(self.exit())
    }
}

fn columns() -> Vec<Column<Answer>> {
    let results = |outcome: &Outcome| match &outcome.verdict {
        Verdict::Applied(results) => Some(json::results(results)),
        Verdict::NothingToUndo | Verdict::Refused(_) | Verdict::Cancelled => None,
    };
    let refusal = |outcome: &Outcome| match &outcome.verdict {
        Verdict::Refused(refusal) => Some(json::refusal(refusal)),
        Verdict::Applied(_) | Verdict::NothingToUndo | Verdict::Cancelled => None,
    };
    let nothing_to_undo = |outcome: &Outcome| (outcome.verdict == Verdict::NothingToUndo).then_some(true);
    vec![
        Column::new("fate", "FATE", |answer: &Answer| answer.word),
        Column::json("compensated_by", |answer: &Answer| answer.compensated_by.as_ref().map(json::id)),
        Column::json("nothing_to_undo", of(nothing_to_undo)),
        Column::new("sequence", "SEQUENCE", of(|outcome| outcome.sequence.0)),
        Column::shown("DETAILS", |answer: &Answer| answer.details.clone()),
        call::id_column(|answer: &Answer| &answer.id),
        Column::json("birth_ms", |answer: &Answer| value::birth_beside(&answer.id)),
        Column::json("history", of(|outcome| outcome.history.0)),
        Column::json("time_ms", of(|outcome| outcome.time)),
        Column::json("results", of(results)),
        Column::json("refusal", of(refusal)),
        Column::json("floor_ms", |answer: &Answer| answer.floor),
        Column::json("deleted_ms", |answer: &Answer| answer.deleted),
    ]
}

/// What an outcome says, if there is one.
fn of<V>(read: fn(&Outcome) -> V) -> impl Fn(&Answer) -> Option<V> {
    move |answer| answer.outcome.as_ref().map(read)
}

/// An id that was never decided, or was forgotten, is not found; that is printed, too.
pub(super) async fn lookup(call: &mut Call, id: KnownId, consistency: Consistency) -> Result<Exit, Problem> {
    let id = id.get()?;
    let fate = call.client.lookup(&id, consistency).await?;
    Answer::new(id, fate).print(call)
}

/// An id that has taken effect can't be cancelled any more: its outcome is printed, and the exit code says *conflict*.
pub(super) async fn cancel(call: &mut Call, id: KnownId) -> Result<Exit, Problem> {
    let id = id.get()?;
    call.out.answers(&id);
    let outcome = call.client.cancel(&id).await?.outcome;
    if !has_taken_effect(&outcome) {
        return Answer::new(id, Fate::Decided { outcome, compensated_by: None }).print(call);
    }
    // What was done about it since, a cancel does not say.
    let answer = Answer::new(id.clone(), call.client.lookup(&id, Consistency::Linearizable).await?);
    let advice = match answer.compensated_by {
        Some(_) => "Its outcome is printed, and the id that has undone it.",
        None => "Its outcome is printed. To undo it, submit a command that compensates it.",
    };
    let problem = Problem::conflict(format!("cannot cancel id `{id}`: it has taken effect already"), advice);
    call.out.report(&problem);
    answer.print(call)?;
    Ok(problem.exit())
}

/// What was refused never takes effect, as what was cancelled.
fn has_taken_effect(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Verdict::Applied(_) | Verdict::NothingToUndo)
}

/// What became of the id; if nothing has, it is left or cancelled, as was asked.
pub(super) async fn settle(call: &mut Call, settle: Settle) -> Result<Exit, Problem> {
    let undecided = if settle.cancel { Undecided::Cancel } else { Undecided::Leave };
    if let Some(path) = &settle.outbox {
        return settle_all(call, path, undecided).await;
    }
    let Some(id) = settle.id()? else { return Ok(Exit::Usage) };
    call.out.answers(&id);
    let fate = call.client.settle(&id, undecided).await?;
    Answer::new(id, fate).print(call)
}

/// The same for all that wait in an outbox. An entry leaves the file once its answer is printed, if that ends the doubt.
/// The others stay.
async fn settle_all(call: &mut Call, path: &Path, undecided: Undecided) -> Result<Exit, Problem> {
    if !path.exists() {
        return Err(Problem::not_found(
            format!("there is no outbox {}", path.display()),
            "Name the file that `append --outbox` was given.",
        ));
    }
    let sender = outbox::open(&call.client, path).await?;
    let (mut answers, mut decided) = (Vec::new(), Vec::new());
    let mut result = Ok(Exit::Done);
    for kept in sender.waiting().await? {
        let Command { id, space, .. } = &kept.entry().command;
        let settled = call.client.in_space(space.clone()).settle(id, undecided).await;
        let settled = settled.map(|fate| Answer::new(id.clone(), fate));
        let answer = match settled.or_else(|error| Answer::of_absent_space(id, space, error)) {
            Ok(answer) => answer,
            Err(error) => {
                // What was settled before is told all the same.
                result = Err(error.into());
                break;
            }
        };
        if answer.ends_doubt(undecided) {
            decided.push(kept);
        } else {
            result = Ok(Exit::NotFound);
        }
        answers.push(answer);
    }
    call.out.many("settled", &columns(), &answers)?;
    call.out.flush()?;
    for kept in decided {
        kept.confirm().await?;
    }
    sender.outbox().clone().close().await?;
    result
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output;
    use crate::client;
    use crate::types::{ActionResult, Found, History, LogTime, Offset, Refusal, Sequence, Step};

    use super::*;

    fn printed(format: Format, fate: &Fate) -> String {
        output::printed(format, |out| out.one(&columns(), &Answer::new(Id::new("pay-1").unwrap(), fate.clone())))
    }

    fn decided(verdict: Verdict) -> Fate {
        let time = LogTime::from_ms(5).unwrap();
        let outcome = Outcome { verdict, sequence: Sequence(9), history: History(3), time };
        Fate::Decided { outcome, compensated_by: None }
    }

    #[test]
    fn every_fate_is_printed() {
        let applied = decided(Verdict::Applied(vec![ActionResult::Appended { first: Offset(41), count: 1 }]));
        let refused = decided(Verdict::Refused(Refusal { step: Step::Guard(0), found: Found::LogEnd(Offset(17)) }));
        let too_old = Fate::TooOld { floor: LogTime::from_ms(1_760_000_000_123).unwrap() };
        let plain = |fate: &Fate| printed(Format::Plain, fate);
        assert_eq!(plain(&applied), "applied\t9\toffset 41\tpay-1\n");
        assert_eq!(plain(&refused), "refused\t9\tits first guard: the log ends at 17\tpay-1\n");
        assert_eq!(plain(&decided(Verdict::Cancelled)), "cancelled\t9\t-\tpay-1\n");
        assert_eq!(plain(&Fate::Unknown), "unknown\t-\t-\tpay-1\n");
        assert_eq!(plain(&too_old), "too_old\t-\tids born before 2025-10-09T08:53:20.123Z are forgotten\tpay-1\n");
    }

    #[test]
    fn json_has_the_whole_outcome() {
        let applied = decided(Verdict::Applied(vec![ActionResult::Appended { first: Offset(41), count: 2 }]));
        let expected = "{\"fate\":\"applied\",\"sequence\":9,\"id\":\"pay-1\",\"history\":3,\"time_ms\":5,\
                        \"results\":[{\"appended\":{\"first_offset\":41,\"count\":2}}]}\n";
        assert_eq!(printed(Format::Jsonl, &applied), expected);
        let refused = decided(Verdict::Refused(Refusal { step: Step::Action(1), found: Found::OutOfBounds(30) }));
        let expected = "{\"fate\":\"refused\",\"sequence\":9,\"id\":\"pay-1\",\"history\":3,\"time_ms\":5,\
                        \"refusal\":{\"step\":\"action\",\"index\":1,\"found\":\"out_of_bounds\",\"value\":30}}\n";
        assert_eq!(printed(Format::Jsonl, &refused), expected);
        assert_eq!(printed(Format::Jsonl, &Fate::Unknown), "{\"fate\":\"unknown\",\"id\":\"pay-1\"}\n");
    }

    #[test]
    fn what_was_undone_and_what_had_nothing_to_undo_is_said() {
        let Fate::Decided { outcome, .. } = decided(Verdict::Applied(vec![ActionResult::Released])) else { panic!() };
        let undone = Fate::Decided { outcome, compensated_by: Some(Id::new("refund-1").unwrap()) };
        assert_eq!(printed(Format::Plain, &undone), "compensated\t9\treleased; undone by refund-1\tpay-1\n");
        let line = printed(Format::Jsonl, &undone);
        assert!(line.contains("\"fate\":\"compensated\",\"compensated_by\":\"refund-1\""), "{line}");
        let line = printed(Format::Jsonl, &decided(Verdict::NothingToUndo));
        assert!(line.contains("\"fate\":\"applied\",\"nothing_to_undo\":true"), "{line}");
    }

    fn absent_space(deleted: Option<LogTime>) -> Answer {
        let (id, space) = (Id::new("pay-1").unwrap(), SpaceName::new("trial").unwrap());
        let report = client::ErrorReport::no_such_space(&space, deleted);
        let error = Error {
            doing: "cancel id `pay-1`".to_owned(),
            id: Some(id.clone()),
            effect: report.effect,
            cause: client::Cause::Refused(Box::new(report)),
            tried: Vec::new(),
        };
        Answer::of_absent_space(&id, &space, error).unwrap()
    }

    fn absent_space_printed(format: Format, deleted: Option<LogTime>) -> String {
        output::printed(format, |out| out.one(&columns(), &absent_space(deleted)))
    }

    #[test]
    fn an_id_of_a_deleted_space_is_forgotten_and_one_of_a_space_never_made_had_no_effect() {
        let deleted = LogTime::from_ms(1_760_000_000_123);
        let expected = "no_such_space\t-\tthere is no space trial, so the id has never taken effect\tpay-1\n";
        assert_eq!(absent_space_printed(Format::Plain, None), expected);
        let expected = "space_deleted\t-\tspace trial was deleted at 2025-10-09T08:53:20.123Z; what became of the id is \
                        forgotten\tpay-1\n";
        assert_eq!(absent_space_printed(Format::Plain, deleted), expected);
        let expected = "{\"fate\":\"no_such_space\",\"id\":\"pay-1\"}\n";
        assert_eq!(absent_space_printed(Format::Jsonl, None), expected);
        let expected = "{\"fate\":\"space_deleted\",\"id\":\"pay-1\",\"deleted_ms\":1760000000123}\n";
        assert_eq!(absent_space_printed(Format::Jsonl, deleted), expected);
    }

    #[test]
    fn an_entry_stays_in_the_outbox_if_its_space_was_deleted_or_its_id_is_too_old() {
        let answer = |fate| Answer::new(Id::new("pay-1").unwrap(), fate);
        let goes = |answer: Answer| [Undecided::Leave, Undecided::Cancel].map(|undecided| answer.ends_doubt(undecided));
        assert_eq!(goes(answer(decided(Verdict::Cancelled))), [true, true]);
        assert_eq!(goes(answer(Fate::Unknown)), [false, false]);
        assert_eq!(goes(answer(Fate::TooOld { floor: LogTime::ZERO })), [false, false]);
        assert_eq!(goes(absent_space(None)), [false, true]);
        assert_eq!(goes(absent_space(Some(LogTime::ZERO))), [false, false]);
    }

    #[test]
    fn only_what_has_taken_effect_cannot_be_cancelled() {
        let has = |verdict| {
            let Fate::Decided { outcome, .. } = decided(verdict) else { panic!() };
            has_taken_effect(&outcome)
        };
        let refusal = Refusal { step: Step::Guard(0), found: Found::LogEnd(Offset(1)) };
        assert!(!has(Verdict::Cancelled) && !has(Verdict::Refused(refusal)));
        assert!(has(Verdict::Applied(Vec::new())) && has(Verdict::NothingToUndo));
    }
}
