//! What a command's exit code says.

use std::process::ExitCode;

use crate::client::{Error, Kind};
use crate::types::Fate;

/// How a command ended. The numbers are promised to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// It failed, and somebody should look.
    Failure = 1,
    /// It was not asked for properly.
    Usage = 2,
    /// No node could do it now.
    Unavailable = 3,
    /// What was asked for is not there.
    NotFound = 4,
    /// The id has other content, or its outcome is a refusal or a cancellation.
    Conflict = 5,
}

impl Exit {
    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            Kind::Unavailable => Self::Unavailable,
            Kind::NotFound => Self::NotFound,
            Kind::Conflict => Self::Conflict,
            Kind::BadRequest => Self::Usage,
            Kind::Failed => Self::Failure,
        }
    }
}

impl Exit {
    /// An id that was never decided, or was forgotten, is not found.
    pub(super) fn of_fate(fate: &Fate) -> Self {
        match fate {
            Fate::Decided(_) => Self::Done,
            Fate::Unknown | Fate::TooOld { .. } => Self::NotFound,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use crate::client::{Cause, ErrorReport, Reason};
    use crate::types::AttemptEffect;

    use super::*;

    fn exit_of(cause: Cause) -> Exit {
        Exit::of(&Error { doing: String::new(), id: None, effect: AttemptEffect::None, cause, tried: Vec::new() })
    }

    #[test]
    fn every_reason_has_the_exit_code_that_is_promised() {
        let promised = |reason| match reason {
            Reason::NoLeader
            | Reason::OutcomeUnknown
            | Reason::Overloaded
            | Reason::NoSpace
            | Reason::NotInitialised
            | Reason::NotServing
            | Reason::StandsAside
            | Reason::TimedOut => 3,
            Reason::IdReused | Reason::GuardFailed | Reason::Cancelled => 5,
            Reason::NoSuchSpace | Reason::NoSuchLog => 4,
            Reason::Malformed | Reason::TooLarge => 2,
            Reason::IdTooOld
            | Reason::IdWithoutBirth
            | Reason::IdFromTheFuture
            | Reason::ClusterMismatch
            | Reason::Internal
            | Reason::Foreign => 1,
        };
        for reason in Reason::ALL {
            let report = ErrorReport::without_effect(*reason, "");
            assert_eq!(exit_of(Cause::Refused(Box::new(report))) as u8, promised(*reason), "{reason}");
        }
    }

    #[test]
    fn no_answer_is_unavailable_and_a_bad_address_is_usage() {
        assert_eq!(exit_of(Cause::TimeOver(std::time::Duration::ZERO)), Exit::Unavailable);
        assert_eq!(exit_of(Cause::BadAddress("x".to_owned())), Exit::Usage);
    }
}
