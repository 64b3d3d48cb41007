//! What a command's exit code says.

use std::process::ExitCode;

use crate::client::{Error, Kind};

/// How a command ended, the worse the later: first what somebody must correct, then what the same call may still achieve,
/// and last a doubt. The numbers are promised to scripts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// It was done: 0.
    #[default]
    Done,
    /// A command that ran in our place has its own exit code.
    Command(u8),
    /// The command line or the request is wrong: 2.
    Usage,
    /// What was asked for does not exist: 4.
    NotFound,
    /// The id has other content, or its outcome is a refusal or a cancellation: 5.
    Conflict,
    /// It failed, and somebody must look: 1. Nothing happened, or nothing was asked to happen.
    Failure,
    /// No node could do it now, and nothing happened: 3.
    Unavailable,
    /// It may have taken effect: 6. The same id, sent again, finds out.
    InDoubt,
}

impl Exit {
    /// Its number, and the reason to print for an error that no node gave a reason for.
    fn told(self) -> (u8, &'static str) {
        match self {
            Self::Done => (0, "FAILED"),
            Self::Failure => (1, "FAILED"),
            Self::Usage => (2, "USAGE"),
            Self::Unavailable => (3, "UNAVAILABLE"),
            Self::NotFound => (4, "NOT_FOUND"),
            Self::Conflict => (5, "CONFLICT"),
            Self::InDoubt => (6, "OUTCOME_UNKNOWN"),
            Self::Command(code) => (code, "FAILED"),
        }
    }

    /// The reason to print for an error that no node gave a reason for.
    pub(crate) fn reason(self) -> &'static str {
        self.told().1
    }

    /// The exit code of an error. Doubt comes first: it must never look as if nothing had happened.
    pub(crate) fn of(error: &Error) -> Self {
        if error.in_doubt() {
            return Self::InDoubt;
        }
        match error.kind() {
            Kind::Unavailable => Self::Unavailable,
            Kind::NotFound => Self::NotFound,
            Kind::Conflict | Kind::Overtaken => Self::Conflict,
            Kind::BadRequest => Self::Usage,
            Kind::Failed => Self::Failure,
        }
    }

    /// The one of two exit codes that matters more.
    pub(crate) fn worse(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.told().0)
    }
}

#[cfg(test)]
mod tests {
    use crate::client::{Cause, ErrorReport, Reason};
    use crate::types::AttemptEffect;

    use super::*;

    fn error(cause: Cause) -> Error {
        Error { doing: String::new(), id: None, effect: AttemptEffect::None, cause, tried: Vec::new() }
    }

    fn exit_of(cause: Cause) -> Exit {
        Exit::of(&error(cause))
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
            Reason::NoSuchSpace | Reason::NoSuchLog | Reason::NoSuchCell | Reason::Trimmed => 4,
            Reason::Malformed | Reason::TooLarge | Reason::WrongPort => 2,
            Reason::IdTooOld
            | Reason::IdWithoutBirth
            | Reason::IdFromTheFuture
            | Reason::ClusterMismatch
            | Reason::VersionUnsupported
            | Reason::Internal
            | Reason::Foreign => 1,
        };
        for reason in Reason::ALL {
            let report = ErrorReport::without_effect(*reason, "");
            assert_eq!(exit_of(Cause::Refused(Box::new(report))).told().0, promised(*reason), "{reason}");
        }
    }

    #[test]
    fn of_several_exit_codes_the_worst_counts_in_any_order() {
        let worst_first =
            [Exit::InDoubt, Exit::Unavailable, Exit::Failure, Exit::Conflict, Exit::NotFound, Exit::Usage, Exit::Done];
        for (at, worse) in worst_first.iter().enumerate() {
            for other in &worst_first[at..] {
                assert_eq!((worse.worse(*other), other.worse(*worse)), (*worse, *worse));
            }
        }
    }

    #[test]
    fn no_answer_is_unavailable_and_a_bad_address_is_usage() {
        assert_eq!(exit_of(Cause::TimeOver(std::time::Duration::ZERO)), Exit::Unavailable);
        assert_eq!(exit_of(Cause::BadAddress("x".to_owned())), Exit::Usage);
    }

    #[test]
    fn doubt_has_an_exit_code_of_its_own_whatever_the_reason_is() {
        for reason in Reason::ALL {
            let cause = Cause::Refused(Box::new(ErrorReport::new(*reason, AttemptEffect::Unknown, "")));
            let in_doubt = Error { effect: AttemptEffect::Unknown, ..error(cause) };
            assert_eq!(Exit::of(&in_doubt).told().0, 6, "{reason}");
        }
        let time_over = Error { effect: AttemptEffect::Unknown, ..error(Cause::TimeOver(std::time::Duration::ZERO)) };
        assert_eq!(Exit::of(&time_over), Exit::InDoubt);
    }
}
