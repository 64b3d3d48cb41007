//! What many attempts of one operation say together.
//!
//! - Nothing happened only if every attempt said so …
//! - … or if the last one told the id's outcome, or that the id belongs to other content: both are final for the id,
//!   whatever became of the answers before.

use crate::types::AttemptEffect;
use crate::wire::{ErrorReport, Reason};

/// What one address said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tried {
    /// The address.
    pub address: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Its last error.
    pub last: ErrorReport,
}

/// The attempts of one operation that failed.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    tried: Vec<Tried>,
    effect: Option<AttemptEffect>,
}

impl Attempts {
    /// Adds a failed attempt; all that its address has said.
    pub(super) fn add(&mut self, address: &str, report: ErrorReport) -> Tried {
        self.effect = Some(if settles(report.reason) { AttemptEffect::None } else { self.effect().and(report.effect) });
        let tried = Tried { address: address.to_owned(), attempts: 1, last: report };
        if let Some(known) = self.tried.iter_mut().find(|known| known.address == address) {
            known.attempts += 1;
            known.last = tried.last;
            return known.clone();
        }
        self.tried.push(tried.clone());
        tried
    }

    /// Whether any of them may have taken effect.
    pub(super) fn effect(&self) -> AttemptEffect {
        self.effect.unwrap_or(AttemptEffect::None)
    }

    pub(super) fn into_tried(self) -> Vec<Tried> {
        self.tried
    }
}

/// Whether a reason tells for ever that no attempt under this id and with this content has taken effect or will.
fn settles(reason: Reason) -> bool {
    match reason {
        Reason::GuardFailed | Reason::Cancelled | Reason::IdReused => true,
        Reason::NoLeader
        | Reason::OutcomeUnknown
        | Reason::Overloaded
        | Reason::NoSpace
        | Reason::IdTooOld
        | Reason::IdWithoutBirth
        | Reason::IdFromTheFuture
        | Reason::Malformed
        | Reason::TooLarge
        | Reason::NoSuchSpace
        | Reason::NoSuchLog
        | Reason::NoSuchCell
        | Reason::Trimmed
        | Reason::VersionUnsupported
        | Reason::ClusterMismatch
        | Reason::WrongPort
        | Reason::NotInitialised
        | Reason::NotServing
        | Reason::StandsAside
        | Reason::TimedOut
        | Reason::Internal
        | Reason::Foreign => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reports: &[ErrorReport]) -> Attempts {
        let mut attempts = Attempts::default();
        for report in reports {
            attempts.add("a:1", report.clone());
        }
        attempts
    }

    fn none(reason: Reason) -> ErrorReport {
        ErrorReport::without_effect(reason, "")
    }

    #[test]
    fn nothing_happened_only_if_every_attempt_said_so() {
        let unknown = ErrorReport::outcome_unknown("");
        let no_leader = none(Reason::NoLeader);
        assert_eq!(of(&[]).effect(), AttemptEffect::None);
        assert_eq!(of(&[no_leader.clone(), no_leader.clone()]).effect(), AttemptEffect::None);
        assert_eq!(of(&[no_leader.clone(), unknown.clone()]).effect(), AttemptEffect::Unknown);
        assert_eq!(of(&[unknown, no_leader]).effect(), AttemptEffect::Unknown);
    }

    #[test]
    fn a_known_outcome_ends_the_doubt_and_too_old_does_not() {
        let unknown = ErrorReport::outcome_unknown("");
        for reason in [Reason::GuardFailed, Reason::Cancelled, Reason::IdReused] {
            assert_eq!(of(&[unknown.clone(), none(reason)]).effect(), AttemptEffect::None, "{reason}");
        }
        for reason in [Reason::IdTooOld, Reason::NoSuchSpace, Reason::Malformed] {
            assert_eq!(of(&[unknown.clone(), none(reason)]).effect(), AttemptEffect::Unknown, "{reason}");
        }
    }

    #[test]
    fn each_address_keeps_its_last_error() {
        let mut attempts = Attempts::default();
        attempts.add("a:1", none(Reason::NoLeader));
        attempts.add("b:1", none(Reason::Overloaded));
        attempts.add("a:1", none(Reason::NotServing));
        let tried = attempts.into_tried();
        let seen: Vec<_> =
            tried.iter().map(|tried| (tried.address.as_str(), tried.attempts, tried.last.reason)).collect();
        assert_eq!(seen, [("a:1", 2, Reason::NotServing), ("b:1", 1, Reason::Overloaded)]);
    }
}
