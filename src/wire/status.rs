//! The one shape of an error that leaves a node, and its way through gRPC.
//!
//! - Every report says what it knows of *this attempt*: `effect: none` or `effect: unknown`.
//! - A status without our mark says nothing, so its effect is unknown.
//! - Callers act on the reason, never on the message.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prost::Message as _;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::types::{AttemptEffect, LogTime, Outcome, SpaceName};

use super::outcome::{outcome, outcome_message};
use super::v1;

/// Whose errors these are, in their `ErrorInfo`.
pub const DOMAIN: &str = "oncelog";

const EFFECT: &str = "effect";
/// When what is absent was deleted.
const DELETED_MS: &str = "deleted_ms";
const OUTCOME_TYPE: &str = "type.googleapis.com/oncelog.v1.Outcome";

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal => $code:ident,)*) => {
        /// Why a request got no ordinary answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in an error's `ErrorInfo`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The gRPC code that it travels under, if nothing else is said.
            pub(crate) fn code(self) -> Code {
                match self {
                    $(Self::$variant => Code::$code,)*
                }
            }
        }
    };
}

reasons! {
    /// There is no leader, or none is known.
    NoLeader = "NO_LEADER" => Unavailable,
    /// It may have taken effect or may still. The same id finds out.
    OutcomeUnknown = "OUTCOME_UNKNOWN" => Unavailable,
    /// Too much is waiting already.
    Overloaded = "OVERLOADED" => ResourceExhausted,
    /// The disk is full.
    NoSpace = "NO_SPACE" => ResourceExhausted,
    /// The id is known with other content.
    IdReused = "ID_REUSED" => AlreadyExists,
    /// The id was born before the time down to which its space remembers.
    IdTooOld = "ID_TOO_OLD" => FailedPrecondition,
    /// The space forgets, so it takes only ids with a birth.
    IdWithoutBirth = "ID_WITHOUT_BIRTH" => FailedPrecondition,
    /// The id was born too far ahead of its space's clock.
    IdFromTheFuture = "ID_FROM_THE_FUTURE" => FailedPrecondition,
    /// A guard or a bound failed. An outcome: the same id gets it again.
    GuardFailed = "GUARD_FAILED" => FailedPrecondition,
    /// The id was cancelled. An outcome: the same id gets it again.
    Cancelled = "CANCELLED" => Aborted,
    /// A field breaks a rule.
    Malformed = "MALFORMED" => InvalidArgument,
    /// A field breaks a limit of size or count.
    TooLarge = "TOO_LARGE" => InvalidArgument,
    /// The space does not exist.
    NoSuchSpace = "NO_SUCH_SPACE" => NotFound,
    /// The log does not exist.
    NoSuchLog = "NO_SUCH_LOG" => NotFound,
    /// The cell does not exist.
    NoSuchCell = "NO_SUCH_CELL" => NotFound,
    /// The offset was trimmed away.
    Trimmed = "TRIMMED" => OutOfRange,
    /// Not every node of the cluster knows the machine version that was asked for, or not every one answers.
    VersionUnsupported = "VERSION_UNSUPPORTED" => FailedPrecondition,
    /// The node is of another cluster, or the cluster has other members.
    ClusterMismatch = "CLUSTER_MISMATCH" => FailedPrecondition,
    /// The address is that of another port of the node: one for other nodes, given to a client, or the other way round.
    WrongPort = "WRONG_PORT" => Unimplemented,
    /// The node is not in a cluster yet: `init` has not been run.
    NotInitialised = "NOT_INITIALISED" => FailedPrecondition,
    /// The node is starting or stopping.
    NotServing = "NOT_SERVING" => Unavailable,
    /// The node's data is damaged, or it disagrees with the majority.
    StandsAside = "STANDS_ASIDE" => Unavailable,
    /// The request's time ran out before anything was done.
    TimedOut = "TIMED_OUT" => DeadlineExceeded,
    /// A bug, or a machine that fails: somebody should look.
    Internal = "INTERNAL" => Internal,
    /// Not an error of ours, or one of a newer build. Never sent.
    Foreign = "FOREIGN" => Unknown,
}

impl Reason {
    /// Reads the word of an `ErrorInfo`.
    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == word).unwrap_or(Self::Foreign)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// The path of the field, as the proto names it: `records[3].payload`.
    pub field: String,
    /// The rule.
    pub description: String,
}

/// An error on its way to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ErrorReport {
    /// What stock clients go by.
    pub code: Code,
    /// What ours go by.
    pub reason: Reason,
    /// What is known of this attempt.
    pub effect: AttemptEffect,
    /// For people.
    pub message: String,
    /// Facts that belong to the reason; `effect` is not among them.
    pub metadata: BTreeMap<String, String>,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// The fields that break a rule.
    pub field_violations: Vec<FieldViolation>,
    /// What became of the id, if it was refused or cancelled.
    pub outcome: Option<Box<Outcome>>,
}

impl ErrorReport {
    /// A report under its reason's own code.
    pub(crate) fn new(reason: Reason, effect: AttemptEffect, message: impl Into<String>) -> Self {
        Self {
            code: reason.code(),
            reason,
            effect,
            message: message.into(),
            metadata: BTreeMap::new(),
            retry_after: None,
            field_violations: Vec::new(),
            outcome: None,
        }
    }

    /// A report of an attempt that has changed nothing and will not.
    pub(crate) fn without_effect(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(reason, AttemptEffect::None, message)
    }

    /// The attempt may have taken effect, or may still.
    pub(crate) fn outcome_unknown(message: impl Into<String>) -> Self {
        Self::new(Reason::OutcomeUnknown, AttemptEffect::Unknown, message)
    }

    /// Fields break these rules; [`Reason::TooLarge`] or [`Reason::Malformed`] says which kind of rule.
    pub(crate) fn bad_request(reason: Reason, violations: Vec<FieldViolation>) -> Self {
        let described: Vec<_> =
            violations.iter().map(|violation| format!("{}: {}", violation.field, violation.description)).collect();
        Self { field_violations: violations, ..Self::without_effect(reason, described.join("; ")) }
    }

    /// One field breaks a rule.
    pub(crate) fn malformed(field: impl Into<String>, description: impl fmt::Display) -> Self {
        let violation = FieldViolation { field: field.into(), description: description.to_string() };
        Self::bad_request(Reason::Malformed, vec![violation])
    }

    /// The same under another code.
    #[must_use]
    pub(crate) fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The same with one more fact.
    #[must_use]
    pub(crate) fn with_fact(mut self, key: &str, value: impl fmt::Display) -> Self {
        debug_assert_ne!(key, EFFECT, "the effect has a field of its own");
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// There is no space of this name: it was deleted then, or was never made.
    pub(crate) fn no_such_space(space: &SpaceName, deleted: Option<LogTime>) -> Self {
        let message = format!("there is no space `{space}`");
        match deleted {
            None => Self::without_effect(Reason::NoSuchSpace, message),
            Some(at) => Self::without_effect(Reason::NoSuchSpace, format!("{message}: it was deleted at {at}"))
                .with_fact(DELETED_MS, at.as_ms()),
        }
    }

    /// When the space was deleted, if it is absent for that reason. Then nothing can tell any more what became of its ids.
    pub fn space_deleted(&self) -> Option<LogTime> {
        if self.reason != Reason::NoSuchSpace {
            return None;
        }
        self.metadata.get(DELETED_MS)?.parse().ok().and_then(LogTime::from_ms)
    }

    /// The same, asking for a pause before the next attempt.
    #[must_use]
    pub(crate) fn with_retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// The same with what became of the id.
    #[must_use]
    pub(crate) fn with_outcome(self, outcome: &Outcome) -> Self {
        Self { outcome: Some(Box::new(outcome.clone())), ..self }
    }

    /// As gRPC carries it.
    pub(crate) fn to_status(&self) -> Status {
        let mut facts: std::collections::HashMap<_, _> = self.metadata.clone().into_iter().collect();
        facts.insert(EFFECT.to_owned(), self.effect.as_str().to_owned());
        let mut details = ErrorDetails::with_error_info(self.reason.as_str(), DOMAIN, facts);
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        for violation in &self.field_violations {
            details.add_bad_request_violation(&violation.field, &violation.description);
        }
        let status = Status::with_error_details(self.code, self.message.clone(), details);
        match &self.outcome {
            None => status,
            Some(outcome) => status_with(&status, &outcome_message(outcome)),
        }
    }

    /// From what gRPC carried. Without our mark it may have been anything.
    pub(crate) fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let ours = details.error_info().filter(|info| info.domain == DOMAIN);
        let mut report = match ours {
            Some(info) => {
                let effect =
                    info.metadata.get(EFFECT).map_or(AttemptEffect::Unknown, |word| AttemptEffect::parse(word));
                let facts = info.metadata.iter().filter(|(key, _)| *key != EFFECT);
                Self {
                    metadata: facts.map(|(key, value)| (key.clone(), value.clone())).collect(),
                    ..Self::new(Reason::parse(&info.reason), effect, status.message())
                }
            }
            None => Self::new(Reason::Foreign, AttemptEffect::Unknown, status.message()),
        };
        report.code = status.code();
        report.outcome = if report.reason == Reason::Foreign { None } else { outcome_of(status) };
        report.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        report.field_violations = details.bad_request().map_or_else(Vec::new, |bad| {
            let violations = bad.field_violations.iter();
            violations
                .map(|violation| FieldViolation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                })
                .collect()
        });
        report
    }
}

/// The status with one more detail, which stock clients unpack like any other.
fn status_with(status: &Status, outcome: &v1::Outcome) -> Status {
    let mut whole = tonic_types::Status::decode(status.details()).expect("these details were just encoded");
    whole.details.push(Any { type_url: OUTCOME_TYPE.to_owned(), value: outcome.encode_to_vec() });
    Status::with_details(status.code(), status.message(), whole.encode_to_vec().into())
}

fn outcome_of(status: &Status) -> Option<Box<Outcome>> {
    let whole = tonic_types::Status::decode(status.details()).ok()?;
    let detail = whole.details.into_iter().find(|detail| detail.type_url == OUTCOME_TYPE)?;
    let message = v1::Outcome::decode(detail.value.as_slice()).ok()?;
    outcome(&message).ok().map(Box::new)
}

/// A report inside a message. A pause before the next attempt is left out: what is said this way is final.
pub fn failure_message(report: &ErrorReport) -> v1::Failure {
    let effect = match report.effect {
        AttemptEffect::None => v1::Effect::None,
        AttemptEffect::Unknown => v1::Effect::Unknown,
    };
    let violation = |violation: &FieldViolation| v1::FieldViolation {
        field: violation.field.clone(),
        description: violation.description.clone(),
    };
    v1::Failure {
        code: report.code.into(),
        reason: report.reason.as_str().to_owned(),
        effect: effect.into(),
        message: report.message.clone(),
        metadata: report.metadata.clone().into_iter().collect(),
        field_violations: report.field_violations.iter().map(violation).collect(),
        outcome: report.outcome.as_deref().map(outcome_message),
    }
}

/// A report from a message. Whatever is not clearly `none` is unknown.
pub fn failure(message: v1::Failure) -> ErrorReport {
    let effect = match v1::Effect::try_from(message.effect) {
        Ok(v1::Effect::None) => AttemptEffect::None,
        Ok(v1::Effect::Unknown | v1::Effect::Unspecified) | Err(_) => AttemptEffect::Unknown,
    };
    let violation =
        |violation: v1::FieldViolation| FieldViolation { field: violation.field, description: violation.description };
    ErrorReport {
        code: Code::from(message.code),
        metadata: message.metadata.into_iter().collect(),
        field_violations: message.field_violations.into_iter().map(violation).collect(),
        outcome: message.outcome.and_then(|message| outcome(&message).ok()).map(Box::new),
        ..ErrorReport::new(Reason::parse(&message.reason), effect, message.message)
    }
}

impl From<ErrorReport> for Status {
    fn from(report: ErrorReport) -> Self {
        report.to_status()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_reason_has_the_code_that_the_api_promises() {
        let promised = |reason| match reason {
            Reason::NoLeader | Reason::OutcomeUnknown | Reason::NotServing | Reason::StandsAside => Code::Unavailable,
            Reason::Overloaded | Reason::NoSpace => Code::ResourceExhausted,
            Reason::IdReused => Code::AlreadyExists,
            Reason::IdTooOld
            | Reason::IdWithoutBirth
            | Reason::IdFromTheFuture
            | Reason::GuardFailed
            | Reason::ClusterMismatch
            | Reason::VersionUnsupported
            | Reason::NotInitialised => Code::FailedPrecondition,
            Reason::Cancelled => Code::Aborted,
            Reason::Malformed | Reason::TooLarge => Code::InvalidArgument,
            Reason::NoSuchSpace | Reason::NoSuchLog | Reason::NoSuchCell => Code::NotFound,
            Reason::Trimmed => Code::OutOfRange,
            Reason::TimedOut => Code::DeadlineExceeded,
            Reason::WrongPort => Code::Unimplemented,
            Reason::Internal => Code::Internal,
            Reason::Foreign => Code::Unknown,
        };
        for reason in Reason::ALL {
            assert_eq!(reason.code(), promised(*reason), "{reason}");
        }
    }

    #[test]
    fn every_reason_survives_the_way_through_a_status() {
        for reason in Reason::ALL {
            for effect in [AttemptEffect::None, AttemptEffect::Unknown] {
                let report = ErrorReport::new(*reason, effect, "what happened").with_fact("found", 7);
                assert_eq!(ErrorReport::from_status(&report.to_status()), report);
            }
        }
    }

    #[test]
    fn every_report_survives_the_way_inside_a_message() {
        for reason in Reason::ALL {
            for effect in [AttemptEffect::None, AttemptEffect::Unknown] {
                let report = ErrorReport::new(*reason, effect, "what happened").with_fact("found", 7);
                assert_eq!(failure(failure_message(&report)), report);
            }
        }
        let bad = ErrorReport::malformed("records[3].payload", "too much");
        assert_eq!(failure(failure_message(&bad)), bad);
        assert_eq!(failure(v1::Failure::default()).effect, AttemptEffect::Unknown);
    }

    #[test]
    fn the_outcome_of_what_was_refused_survives_both_ways() {
        for outcome in crate::wire::outcome::tests::outcomes() {
            let report = ErrorReport::without_effect(Reason::GuardFailed, "refused").with_outcome(&outcome);
            assert_eq!(ErrorReport::from_status(&report.to_status()), report);
            assert_eq!(failure(failure_message(&report)), report);
            let details = report.to_status().get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "GUARD_FAILED", "other details stay readable");
        }
    }

    #[test]
    fn pauses_codes_and_fields_survive_too() {
        let overloaded =
            ErrorReport::without_effect(Reason::Overloaded, "full").with_retry_after(Duration::from_millis(50));
        assert_eq!(ErrorReport::from_status(&overloaded.to_status()), overloaded);
        let late = ErrorReport::outcome_unknown("late").with_code(Code::DeadlineExceeded);
        assert_eq!(ErrorReport::from_status(&late.to_status()), late);
        let bad = ErrorReport::malformed("records[3].payload", "too much");
        assert_eq!(ErrorReport::from_status(&bad.to_status()), bad);
        assert_eq!(bad.message, "records[3].payload: too much");
    }

    #[test]
    fn the_mark_is_an_error_info_of_our_domain_with_the_effect_in_its_metadata() {
        let status = ErrorReport::without_effect(Reason::NoLeader, "an election").to_status();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NO_LEADER", "oncelog"));
        assert_eq!(info.metadata, HashMap::from([("effect".to_owned(), "none".to_owned())]));
    }

    #[test]
    fn a_status_without_our_mark_is_unknown() {
        let bare = ErrorReport::from_status(&Status::unavailable("connection reset"));
        assert_eq!((bare.reason, bare.effect, bare.code), (Reason::Foreign, AttemptEffect::Unknown, Code::Unavailable));

        let none = HashMap::from([(EFFECT.to_owned(), "none".to_owned())]);
        let details = ErrorDetails::with_error_info("NO_LEADER", "a-proxy", none);
        let foreign = ErrorReport::from_status(&Status::with_error_details(Code::Unavailable, "", details));
        assert_eq!((foreign.reason, foreign.effect), (Reason::Foreign, AttemptEffect::Unknown));

        let details = ErrorDetails::with_error_info("NO_LEADER", DOMAIN, HashMap::new());
        let half = ErrorReport::from_status(&Status::with_error_details(Code::Unavailable, "", details));
        assert_eq!((half.reason, half.effect), (Reason::NoLeader, AttemptEffect::Unknown));
    }

    #[test]
    fn a_reason_of_a_newer_build_keeps_its_effect() {
        let none = HashMap::from([(EFFECT.to_owned(), "none".to_owned())]);
        let details = ErrorDetails::with_error_info("LOCK_STOLEN", DOMAIN, none);
        let report = ErrorReport::from_status(&Status::with_error_details(Code::Aborted, "", details));
        assert_eq!((report.reason, report.effect, report.code), (Reason::Foreign, AttemptEffect::None, Code::Aborted));
    }
}
