//! What a failed attempt asks for next, and how long to wait before it.

use std::time::Duration;

use tonic::Code;

use crate::types::limits::RETRY_PAUSE_MAX;
use crate::wire::{ErrorReport, Reason};

const PAUSE_FIRST: Duration = Duration::from_millis(25);

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same again, at any node.
    Again,
    /// The same, but no more at this node.
    Elsewhere,
    /// The answer is final.
    Stop,
}

impl Next {
    /// Every attempt may be repeated safely, since it keeps its id; this says where it is of use.
    pub(super) fn after(report: &ErrorReport) -> Self {
        match report.reason {
            Reason::NoLeader | Reason::OutcomeUnknown | Reason::Overloaded | Reason::NotServing | Reason::TimedOut => {
                Self::Again
            }
            Reason::NoSpace
            | Reason::ClusterMismatch
            | Reason::WrongPort
            | Reason::NotInitialised
            | Reason::StandsAside
            | Reason::Internal => Self::Elsewhere,
            Reason::IdReused
            | Reason::IdTooOld
            | Reason::IdWithoutBirth
            | Reason::IdFromTheFuture
            | Reason::GuardFailed
            | Reason::Cancelled
            | Reason::Malformed
            | Reason::TooLarge
            | Reason::NoSuchSpace
            | Reason::NoSuchLog
            | Reason::NoSuchCell
            | Reason::Trimmed
            | Reason::VersionUnsupported => Self::Stop,
            Reason::Foreign => Self::after_foreign(report.code),
        }
    }

    /// Lost connections come under many codes; these others are somebody's considered answer.
    fn after_foreign(code: Code) -> Self {
        match code {
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
            | Code::ResourceExhausted => Self::Again,
            Code::Unimplemented => Self::Elsewhere,
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::DataLoss
            | Code::Unauthenticated => Self::Stop,
        }
    }
}

/// How long to wait after the `round`th time around all nodes, if there is time `left` for another: doubling, with half
/// of it left to `chance` (0 to 1) so that clients which failed together do not come back together. Never shorter than a
/// node asked for.
pub(super) fn pause(round: u32, chance: f64, asked: Option<Duration>, left: Duration) -> Option<Duration> {
    let doubled = PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(round)).min(RETRY_PAUSE_MAX);
    let jittered = doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
    // Near the end there is still an attempt after half of what is left.
    let pause = jittered.min(left / 2).max(asked.unwrap_or_default());
    (pause < left && left > PAUSE_FIRST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_and_a_mistake_are_never_tried_again() {
        let next = |reason| Next::after(&ErrorReport::without_effect(reason, ""));
        for reason in [Reason::IdReused, Reason::Malformed, Reason::GuardFailed, Reason::Cancelled, Reason::IdTooOld] {
            assert_eq!(next(reason), Next::Stop, "{reason}");
        }
        for reason in [Reason::NoLeader, Reason::Overloaded, Reason::OutcomeUnknown] {
            assert_eq!(next(reason), Next::Again, "{reason}");
        }
        assert_eq!(next(Reason::NotInitialised), Next::Elsewhere);
    }

    #[test]
    fn an_error_that_is_not_ours_is_judged_by_its_code() {
        let next = |code| Next::after(&ErrorReport::without_effect(Reason::Foreign, "").with_code(code));
        assert_eq!(next(Code::Unavailable), Next::Again);
        assert_eq!(next(Code::Unauthenticated), Next::Stop);
        assert_eq!(next(Code::Unimplemented), Next::Elsewhere);
    }

    /// `DeadlineExceeded` as `DEADLINE_EXCEEDED`.
    fn screaming(code: Code) -> String {
        let name = format!("{code:?}");
        let words = name.char_indices().map(|(at, letter)| {
            if at > 0 && letter.is_uppercase() { format!("_{letter}") } else { letter.to_ascii_uppercase().to_string() }
        });
        words.collect()
    }

    #[test]
    fn the_program_in_the_readme_sends_again_after_the_same_codes() {
        let readme = include_str!("../../README.md");
        let list =
            readme.split_once("AGAIN = [").and_then(|(_, rest)| rest.split_once(']')).expect("a list of codes").0;
        let mut listed: Vec<_> = list.split(',').map(|code| code.trim().trim_matches('"').to_owned()).collect();
        let codes = (0..=16).map(Code::from_i32).filter(|code| Next::after_foreign(*code) == Next::Again);
        let mut expected: Vec<_> = codes.map(screaming).collect();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
        for reason in Reason::ALL {
            if Next::after(&ErrorReport::without_effect(*reason, "")) == Next::Again {
                assert!(listed.contains(&screaming(reason.code())), "{reason}");
            }
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_honour_what_a_node_asked() {
        let ample = Duration::from_mins(1);
        let millis = |round, chance| pause(round, chance, None, ample).unwrap().as_millis();
        assert_eq!([0, 1, 2, 3].map(|round| millis(round, 1.0)), [25, 50, 100, 200]);
        assert_eq!([millis(2, 0.0), millis(2, 0.5)], [50, 75]);
        assert_eq!([millis(6, 1.0), millis(u32::MAX, 1.0)], [1_000, 1_000]);
        let asked = Some(Duration::from_secs(2));
        assert_eq!(pause(0, 1.0, asked, ample), asked);
    }

    #[test]
    fn a_pause_leaves_time_for_an_attempt_and_a_longer_one_that_was_asked_for_ends_it() {
        let left = Duration::from_millis(300);
        assert_eq!(pause(6, 1.0, None, left), Some(Duration::from_millis(150)));
        assert_eq!(pause(6, 1.0, Some(left), left), None);
        assert_eq!(pause(0, 1.0, None, Duration::from_millis(10)), None);
    }
}
