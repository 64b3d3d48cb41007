//! One commit on its way, and what its answer means. Pure.
//!
//! - It is sent, the same under the same id, until something settles it. As long as nothing has, nothing else is handed out.
//! - Once an attempt was in doubt, or its sender stopped waiting, an error that knows only of a later attempt settles nothing.

use crate::client::error::{Cause, Error};
use crate::types::{AttemptEffect, Command, LogName, Offset, Refusal, Step};
use crate::wire::Reason;

/// A command that moves a reader.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub(super) command: Command,
    /// Where it moves the reader to.
    pub(super) moves: Vec<(LogName, Offset)>,
    /// Whether an attempt may have reached a node and its answer was not heard.
    pub(super) is_in_doubt: bool,
}

/// What an error leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nothing: it has to be sent again.
    No,
    /// It did nothing and never will. The reader is where it was.
    NothingDone,
    /// Where the reader is has to be read; the command will not move it any more.
    ReadAnew,
    /// Another instance has moved the reader, or holds the lock.
    Overtaken,
}

impl Commit {
    /// What is known after an error.
    pub(super) fn after(&self, error: &Error) -> Settled {
        if let Some(Refusal { step, .. }) = error.refusal() {
            // All guards are the consumer's own; all that its user can ask for are actions.
            return match step {
                Step::Guard(_) => Settled::Overtaken,
                Step::Action(_) => Settled::NothingDone,
            };
        }
        match error.reason() {
            // Nobody but whoever cancelled it knows what has happened since.
            Some(Reason::Cancelled | Reason::IdReused | Reason::IdTooOld) => Settled::ReadAnew,
            _ if self.is_in_doubt || error.in_doubt() => Settled::No,
            _ => Settled::NothingDone,
        }
    }
}

impl Settled {
    /// The error as the consumer's user should see it.
    pub(super) fn told(self, error: Error) -> Error {
        match (self, error.cause) {
            (Self::Overtaken, Cause::Refused(report)) => Error { cause: Cause::Overtaken(report), ..error },
            (Self::No, cause) => Error { cause, effect: AttemptEffect::Unknown, ..error },
            (_, cause) => Error { cause, ..error },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::client::Kind;
    use crate::types::{Found, History, Id, LogTime, Outcome, Sequence, SpaceName, Verdict, Version};
    use crate::wire::ErrorReport;

    use super::*;

    fn commit(is_in_doubt: bool) -> Commit {
        let (space, id) = (SpaceName::main(), Id::new("c-1").unwrap());
        let command = Command { space, id, guards: Vec::new(), actions: Vec::new() };
        Commit { command, moves: Vec::new(), is_in_doubt }
    }

    fn error(report: ErrorReport) -> Error {
        Error {
            doing: "submit".to_owned(),
            id: None,
            effect: report.effect,
            cause: Cause::Refused(Box::new(report)),
            tried: Vec::new(),
        }
    }

    fn refused(step: Step) -> Error {
        let found = Found::Position { offset: Offset(9), version: Version(3) };
        let verdict = Verdict::Refused(Refusal { step, found });
        let outcome = Outcome { verdict, sequence: Sequence(1), history: History(1), time: LogTime::ZERO };
        error(ErrorReport::without_effect(Reason::GuardFailed, "").with_outcome(&outcome))
    }

    #[test]
    fn a_failed_guard_is_another_instance_and_a_failed_action_is_the_users() {
        for is_in_doubt in [false, true] {
            let commit = commit(is_in_doubt);
            let overtaken = refused(Step::Guard(1));
            assert_eq!(commit.after(&overtaken), Settled::Overtaken);
            assert_eq!(Settled::Overtaken.told(overtaken).kind(), Kind::Overtaken);
            let refused = refused(Step::Action(0));
            assert_eq!(commit.after(&refused), Settled::NothingDone);
            assert_eq!(Settled::NothingDone.told(refused).kind(), Kind::Conflict);
        }
    }

    #[test]
    fn a_doubt_stays_until_the_id_itself_is_answered() {
        let no_leader = || error(ErrorReport::without_effect(Reason::NoLeader, ""));
        assert_eq!(commit(false).after(&no_leader()), Settled::NothingDone);
        assert_eq!(commit(true).after(&no_leader()), Settled::No);
        assert_eq!(commit(false).after(&error(ErrorReport::outcome_unknown(""))), Settled::No);
        assert!(Settled::No.told(no_leader()).in_doubt());
    }

    #[test]
    fn an_id_that_is_dead_leaves_the_position_to_be_read() {
        for reason in [Reason::Cancelled, Reason::IdReused, Reason::IdTooOld] {
            let error = error(ErrorReport::without_effect(reason, ""));
            assert_eq!(commit(true).after(&error), Settled::ReadAnew, "{reason}");
        }
    }
}
