//! Outcomes ⇄ messages.

use crate::types::{ActionResult, History, LogTime, MachineVersion, Offset, Outcome, Sequence, Verdict, Version};

use super::cell::{token, token_message};
use super::refusal::{refusal, refusal_message};
use super::v1;
use super::v1::action_result::Result as Message;

/// A message of a node that this build cannot read: the node is newer, or not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node's answer has no {0} that this program can read; the node may be of a newer version")]
pub struct Unreadable(pub &'static str);

/// An outcome as a message.
pub fn outcome_message(outcome: &Outcome) -> v1::Outcome {
    let verdict = match &outcome.verdict {
        Verdict::Applied(results) => v1::outcome::Verdict::Applied(v1::Applied {
            results: results.iter().map(result_message).collect(),
            nothing_to_undo: false,
        }),
        Verdict::NothingToUndo => {
            v1::outcome::Verdict::Applied(v1::Applied { results: Vec::new(), nothing_to_undo: true })
        }
        Verdict::Refused(refusal) => v1::outcome::Verdict::Refused(refusal_message(refusal)),
        Verdict::Cancelled => v1::outcome::Verdict::Cancelled(v1::Cancelled {}),
    };
    v1::Outcome {
        sequence: outcome.sequence.0,
        history: outcome.history.0,
        time_ms: outcome.time.as_ms(),
        verdict: Some(verdict),
    }
}

/// An outcome from a message.
pub fn outcome(message: &v1::Outcome) -> Result<Outcome, Unreadable> {
    let verdict = match message.verdict.as_ref().ok_or(Unreadable("verdict"))? {
        v1::outcome::Verdict::Applied(applied) if applied.nothing_to_undo => Verdict::NothingToUndo,
        v1::outcome::Verdict::Applied(applied) => {
            Verdict::Applied(applied.results.iter().map(result).collect::<Result<_, _>>()?)
        }
        v1::outcome::Verdict::Refused(refused) => Verdict::Refused(refusal(refused)?),
        v1::outcome::Verdict::Cancelled(v1::Cancelled {}) => Verdict::Cancelled,
    };
    Ok(Outcome {
        verdict,
        sequence: Sequence(message.sequence),
        history: History(message.history),
        time: time(message.time_ms)?,
    })
}

pub(super) fn time(ms: u64) -> Result<LogTime, Unreadable> {
    LogTime::from_ms(ms).ok_or(Unreadable("time"))
}

fn result_message(result: &ActionResult) -> v1::ActionResult {
    let message = match result {
        ActionResult::Appended { first, count } => {
            Message::Appended(v1::Appended { first_offset: first.0, count: *count })
        }
        ActionResult::Put { version } => Message::Put(v1::CellPut { version: version.0 }),
        ActionResult::Deleted { version } => Message::Deleted(v1::CellDeleted { version: version.0 }),
        ActionResult::Added { value, version } => Message::Added(v1::Added { value: *value, version: version.0 }),
        ActionResult::Moved { version } => Message::Moved(v1::ReaderMoved { version: version.0 }),
        ActionResult::Locked { token, expires } => {
            Message::Locked(v1::Locked { token: Some(token_message(*token)), expires_ms: expires.as_ms() })
        }
        ActionResult::Released => Message::Released(v1::Released {}),
        ActionResult::Trimmed { start } => Message::Trimmed(v1::Trimmed { start: start.0 }),
        ActionResult::Compensated => Message::Compensated(v1::Compensated {}),
        ActionResult::LogCreated => Message::LogCreated(v1::LogCreated {}),
        ActionResult::RetentionSet => Message::RetentionSet(v1::RetentionSet {}),
        ActionResult::LogDeleted { end } => Message::LogDeleted(v1::LogDeleted { end: end.0 }),
        ActionResult::ReaderDeleted { version } => Message::ReaderDeleted(v1::ReaderDeleted { version: version.0 }),
        ActionResult::SpaceCreated => Message::SpaceCreated(v1::SpaceCreated {}),
        ActionResult::SpaceSet => Message::SpaceSet(v1::SpaceSet {}),
        ActionResult::SpaceDeleted => Message::SpaceDeleted(v1::SpaceDeleted {}),
        ActionResult::VersionRaised { version } => {
            Message::VersionRaised(v1::VersionRaised { version: version.0.into() })
        }
    };
    v1::ActionResult { result: Some(message) }
}

fn result(message: &v1::ActionResult) -> Result<ActionResult, Unreadable> {
    Ok(match message.result.as_ref().ok_or(Unreadable("result of an action"))? {
        Message::Appended(appended) => {
            ActionResult::Appended { first: Offset(appended.first_offset), count: appended.count }
        }
        Message::Put(put) => ActionResult::Put { version: Version(put.version) },
        Message::Deleted(deleted) => ActionResult::Deleted { version: Version(deleted.version) },
        Message::Added(added) => ActionResult::Added { value: added.value, version: Version(added.version) },
        Message::Moved(moved) => ActionResult::Moved { version: Version(moved.version) },
        Message::Locked(locked) => ActionResult::Locked {
            token: token(locked.token.ok_or(Unreadable("token of a lock"))?),
            expires: time(locked.expires_ms)?,
        },
        Message::Released(v1::Released {}) => ActionResult::Released,
        Message::Trimmed(trimmed) => ActionResult::Trimmed { start: Offset(trimmed.start) },
        Message::Compensated(v1::Compensated {}) => ActionResult::Compensated,
        Message::LogCreated(v1::LogCreated {}) => ActionResult::LogCreated,
        Message::RetentionSet(v1::RetentionSet {}) => ActionResult::RetentionSet,
        Message::LogDeleted(deleted) => ActionResult::LogDeleted { end: Offset(deleted.end) },
        Message::ReaderDeleted(deleted) => ActionResult::ReaderDeleted { version: Version(deleted.version) },
        Message::SpaceCreated(v1::SpaceCreated {}) => ActionResult::SpaceCreated,
        Message::SpaceSet(v1::SpaceSet {}) => ActionResult::SpaceSet,
        Message::SpaceDeleted(v1::SpaceDeleted {}) => ActionResult::SpaceDeleted,
        Message::VersionRaised(raised) => ActionResult::VersionRaised {
            version: MachineVersion(u16::try_from(raised.version).map_err(|_| Unreadable("version of the machine"))?),
        },
    })
}

#[cfg(test)]
pub(super) mod tests {
    use crate::types::{FateKind, Found, Holder, Id, Refusal, Step, Token};

    use super::*;

    fn all_found() -> Vec<Found> {
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        let token = Token { history: History(7), sequence: Sequence(3) };
        let mut all = vec![
            Found::LogEnd(Offset(17)),
            Found::NoLog,
            Found::LogExists,
            Found::PastEnd(Offset(2)),
            Found::NoCell,
            Found::CellVersion(Version(5)),
            Found::NotANumber,
            Found::TooLittle(-4),
            Found::OutOfBounds(i64::MIN),
            Found::Position { offset: Offset(1), version: Version(2) },
            Found::NoReader,
            Found::LockFree,
            Found::LockHeld { holder: Holder::new("worker 1").unwrap(), token, expires: time },
            Found::TargetTooOld { floor: time },
            Found::TargetBornAhead { clock: time },
            Found::AlreadyCompensated { by: Id::with_birth("undo", time).unwrap() },
            Found::NoSpace,
            Found::SpaceExists,
            Found::SpaceDeleted { at: time },
            Found::MemoryIsFixed,
            Found::TooManyChanges,
            Found::VersionInForce(MachineVersion(2)),
        ];
        let fates =
            [FateKind::Unknown, FateKind::Applied, FateKind::Compensated, FateKind::Refused, FateKind::Cancelled];
        all.extend(fates.map(Found::Fate));
        all
    }

    fn all_results() -> Vec<ActionResult> {
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        let token = Token { history: History(7), sequence: Sequence(3) };
        vec![
            ActionResult::Appended { first: Offset(0), count: 1 },
            ActionResult::Put { version: Version(1) },
            ActionResult::Deleted { version: Version(2) },
            ActionResult::Added { value: -1, version: Version(3) },
            ActionResult::Moved { version: Version(4) },
            ActionResult::Locked { token, expires: time },
            ActionResult::Released,
            ActionResult::Trimmed { start: Offset(5) },
            ActionResult::Compensated,
            ActionResult::LogCreated,
            ActionResult::RetentionSet,
            ActionResult::LogDeleted { end: Offset(6) },
            ActionResult::ReaderDeleted { version: Version(7) },
            ActionResult::SpaceCreated,
            ActionResult::SpaceSet,
            ActionResult::SpaceDeleted,
            ActionResult::VersionRaised { version: MachineVersion(2) },
        ]
    }

    /// The first is an append's, the second a whole command's; then one refusal of each kind.
    pub(crate) fn outcomes() -> Vec<Outcome> {
        let appended = ActionResult::Appended { first: Offset(41), count: 3 };
        let mut verdicts = vec![
            Verdict::Applied(vec![appended]),
            Verdict::Applied(all_results()),
            Verdict::NothingToUndo,
            Verdict::Refused(Refusal { step: Step::Action(1), found: Found::NoLog }),
            Verdict::Cancelled,
        ];
        let refusal = |found| Verdict::Refused(Refusal { step: Step::Guard(2), found });
        verdicts.extend(all_found().into_iter().map(refusal));
        let (sequence, history) = (Sequence(9), History(1_760_000_000_000));
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        verdicts.into_iter().map(|verdict| Outcome { verdict, sequence, history, time }).collect()
    }

    #[test]
    fn every_outcome_comes_back() {
        for whole in outcomes() {
            assert_eq!(outcome(&outcome_message(&whole)), Ok(whole));
        }
    }

    #[test]
    fn a_kind_of_a_newer_node_is_unreadable_rather_than_nothing() {
        let bare = v1::Outcome { verdict: None, ..outcome_message(&outcomes()[0]) };
        assert_eq!(outcome(&bare), Err(Unreadable("verdict")));
        let refused =
            v1::outcome::Verdict::Refused(v1::Refused { step: Some(v1::refused::Step::Guard(0)), found: None });
        let refused = v1::Outcome { verdict: Some(refused), ..bare };
        assert_eq!(outcome(&refused), Err(Unreadable("refusal")));
    }
}
