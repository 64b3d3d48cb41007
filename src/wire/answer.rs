//! How the machine's answer to a command leaves the node: a success, or a report.
//!
//! - A replayed answer is the first one again; only the arrival differs.
//! - No report made here leaves doubt: the machine has spoken.

use std::fmt;

use crate::types::{
    ActionResult, Answer, Decided, Found, History, LogTime, Offset, Outcome, Refusal, Rejection, Sequence, Step,
    Verdict,
};

use super::outcome::{Unreadable, outcome, outcome_message, time};
use super::status::{ErrorReport, Reason};
use super::v1;

/// What an append got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where the first record is; the others follow it.
    pub first: Offset,
    /// How many records.
    pub count: u32,
    /// Whether an earlier arrival of the id decided it, perhaps of the very same attempt.
    pub replayed: bool,
    /// The outcome's place among all outcomes of its space.
    pub sequence: Sequence,
    /// The cluster's history when it was decided.
    pub history: History,
    /// The space's time when it was decided.
    pub time: LogTime,
}

/// The answer to an append.
pub fn append_answer(answer: &Answer) -> Result<v1::AppendResponse, ErrorReport> {
    let (outcome, replayed) = match answer {
        Answer::Decided { outcome, replayed } => (outcome, *replayed),
        Answer::Rejected(rejected) => return Err(rejection(rejected)),
    };
    let results = match &outcome.verdict {
        Verdict::Applied(results) => results,
        Verdict::NothingToUndo => &Vec::new(),
        Verdict::Refused(refusal) => return Err(refused(refusal, outcome, replayed)),
        Verdict::Cancelled => return Err(cancelled(outcome, replayed)),
    };
    let [ActionResult::Appended { first, count }] = results.as_slice() else {
        // The fingerprint of an append fits only commands with one append.
        let message = format!("an append was answered with {} results", results.len());
        return Err(ErrorReport::new(Reason::Internal, crate::types::AttemptEffect::Unknown, message));
    };
    Ok(v1::AppendResponse {
        arrival: arrival(replayed).into(),
        first_offset: first.0,
        count: *count,
        sequence: outcome.sequence.0,
        history: outcome.history.0,
        time_ms: outcome.time.as_ms(),
    })
}

/// What the answer to an append says.
pub fn appended(message: &v1::AppendResponse) -> Result<Appended, Unreadable> {
    Ok(Appended {
        first: Offset(message.first_offset),
        count: message.count,
        replayed: is_replay(message.arrival)?,
        sequence: Sequence(message.sequence),
        history: History(message.history),
        time: time(message.time_ms)?,
    })
}

/// The answer to a cancel: the id's outcome, whichever it is.
pub fn cancel_response(answer: &Answer) -> Result<v1::CancelResponse, ErrorReport> {
    match answer {
        Answer::Decided { outcome, replayed } => {
            Ok(v1::CancelResponse { arrival: arrival(*replayed).into(), outcome: Some(outcome_message(outcome)) })
        }
        Answer::Rejected(rejected) => Err(rejection(rejected)),
    }
}

/// What the answer to a cancel says.
pub fn decided(message: &v1::CancelResponse) -> Result<Decided, Unreadable> {
    let outcome = outcome(message.outcome.as_ref().ok_or(Unreadable("outcome"))?)?;
    Ok(Decided { outcome, replayed: is_replay(message.arrival)? })
}

/// Why a proposal was turned away, as a report.
pub fn rejection(rejected: &Rejection) -> ErrorReport {
    let none = |reason, message: &str| ErrorReport::without_effect(reason, message);
    match rejected {
        Rejection::NoSuchSpace => none(Reason::NoSuchSpace, "there is no such space"),
        Rejection::TooOld { floor } => {
            none(Reason::IdTooOld, &format!("the space remembers no ids born before {floor}, and runs none of them"))
                .with_fact("floor_ms", floor.as_ms())
        }
        Rejection::WithoutBirth => none(
            Reason::IdWithoutBirth,
            "the space forgets, so it takes only ids with a birth: a lower-case UUIDv7, or birth_ms beside the id",
        ),
        Rejection::BirthBesideForever => {
            ErrorReport::malformed("id.birth_ms", "the space remembers for ever, so it takes no birth beside an id")
        }
        Rejection::BornAhead { clock } => none(
            Reason::IdFromTheFuture,
            &format!("the id was born more than ten minutes ahead of the space's clock, which is at {clock}"),
        )
        .with_fact("clock_ms", clock.as_ms()),
        Rejection::Malformed => none(
            Reason::Malformed,
            "the command has no meaning: it breaks a rule that the node which took it should have known",
        ),
        Rejection::Reused => none(Reason::IdReused, "the id is known with other content; nothing was changed"),
    }
}

pub(super) fn arrival(replayed: bool) -> v1::Arrival {
    if replayed { v1::Arrival::Replayed } else { v1::Arrival::First }
}

pub(super) fn is_replay(arrival: i32) -> Result<bool, Unreadable> {
    match v1::Arrival::try_from(arrival) {
        Ok(v1::Arrival::First) => Ok(false),
        Ok(v1::Arrival::Replayed) => Ok(true),
        Ok(v1::Arrival::Unspecified) | Err(_) => Err(Unreadable("arrival")),
    }
}

pub(super) fn refused(refusal: &Refusal, outcome: &Outcome, replayed: bool) -> ErrorReport {
    let (step, place) = match refusal.step {
        Step::Guard(place) => ("guard", place),
        Step::Action(place) => ("action", place),
    };
    let report = unsuccessful(Reason::GuardFailed, refusal, outcome, replayed)
        .with_fact("step", step)
        .with_fact("index", place)
        .with_fact("found", refusal.found.kind());
    match &refusal.found {
        Found::LogEnd(end) | Found::PastEnd(end) => report.with_fact("end", end),
        Found::CellVersion(version) => report.with_fact("version", version),
        Found::TooLittle(value) | Found::OutOfBounds(value) => report.with_fact("value", value),
        Found::Position { offset, version } => report.with_fact("offset", offset).with_fact("version", version),
        Found::LockHeld { holder, token, expires } => {
            report.with_fact("holder", holder).with_fact("token", token).with_fact("expires_ms", expires.as_ms())
        }
        Found::Fate(fate) => report.with_fact("fate", fate),
        Found::TargetTooOld { floor } => report.with_fact("floor_ms", floor.as_ms()),
        Found::TargetBornAhead { clock } => report.with_fact("clock_ms", clock.as_ms()),
        Found::AlreadyCompensated { by } => report.with_fact("by", by),
        Found::VersionInForce(version) => report.with_fact("version", version),
        Found::NoLog
        | Found::LogExists
        | Found::NoCell
        | Found::NotANumber
        | Found::LockFree
        | Found::NoSpace
        | Found::SpaceExists
        | Found::MemoryIsFixed
        | Found::TooManyChanges => report,
    }
}

pub(super) fn cancelled(outcome: &Outcome, replayed: bool) -> ErrorReport {
    unsuccessful(Reason::Cancelled, "the id was cancelled and never takes effect", outcome, replayed)
}

/// An outcome that is no success: a report with the outcome's facts.
fn unsuccessful(reason: Reason, message: impl fmt::Display, outcome: &Outcome, replayed: bool) -> ErrorReport {
    ErrorReport::without_effect(reason, message.to_string())
        .with_fact("replayed", replayed)
        .with_fact("sequence", outcome.sequence)
        .with_fact("history", outcome.history)
        .with_fact("time_ms", outcome.time.as_ms())
        .with_outcome(outcome)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use crate::types::AttemptEffect;
    use crate::wire::outcome::tests::outcomes;

    use super::*;

    fn decided_as(wanted: impl Fn(&Verdict) -> bool, replayed: bool) -> Answer {
        let outcome = outcomes().into_iter().find(|outcome| wanted(&outcome.verdict)).unwrap();
        Answer::Decided { outcome, replayed }
    }

    #[test]
    fn an_applied_append_says_its_place_and_whether_it_is_a_replay() {
        for replayed in [false, true] {
            let answer = decided_as(|verdict| matches!(verdict, Verdict::Applied(_)), replayed);
            let response = append_answer(&answer).unwrap();
            let read = appended(&response).unwrap();
            assert_eq!((read.first, read.count, read.replayed), (Offset(41), 3, replayed));
            assert_eq!((read.sequence, read.history.0), (Sequence(9), 1_760_000_000_000));
        }
    }

    #[test]
    fn a_cancel_is_answered_with_the_outcome_whichever_it_is() {
        for outcome in outcomes() {
            let answer = Answer::Decided { outcome: outcome.clone(), replayed: true };
            let read = decided(&cancel_response(&answer).unwrap()).unwrap();
            assert_eq!(read, Decided { outcome, replayed: true });
        }
        let rejected = cancel_response(&Answer::Rejected(Rejection::NoSuchSpace)).unwrap_err();
        assert_eq!(rejected.reason, Reason::NoSuchSpace);
    }

    #[test]
    fn an_answer_that_does_not_say_whether_it_is_a_replay_is_unreadable() {
        let answer = decided_as(|verdict| matches!(verdict, Verdict::Applied(_)), false);
        let response = v1::AppendResponse { arrival: 0, ..append_answer(&answer).unwrap() };
        assert_eq!(appended(&response), Err(Unreadable("arrival")));
    }

    #[test]
    fn a_refusal_is_an_outcome_with_what_was_found() {
        let report = append_answer(&decided_as(
            |verdict| matches!(verdict, Verdict::Refused(it) if it.found.kind() == "log_end"),
            true,
        ))
        .unwrap_err();
        assert_eq!((report.code, report.reason), (Code::FailedPrecondition, Reason::GuardFailed));
        assert_eq!(report.effect, AttemptEffect::None);
        let facts: Vec<_> = report.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let expected = [
            ("end", "17"),
            ("found", "log_end"),
            ("history", "1760000000000"),
            ("index", "2"),
            ("replayed", "true"),
            ("sequence", "9"),
            ("step", "guard"),
            ("time_ms", "1760000000123"),
        ];
        assert_eq!(facts, expected);
    }

    #[test]
    fn a_cancelled_id_answers_aborted() {
        let report = append_answer(&decided_as(|verdict| *verdict == Verdict::Cancelled, false)).unwrap_err();
        assert_eq!((report.code, report.reason), (Code::Aborted, Reason::Cancelled));
        assert_eq!(report.effect, AttemptEffect::None);
        assert_eq!(report.metadata.get("replayed").unwrap(), "false");
    }

    #[test]
    fn every_rejection_has_its_code_and_changed_nothing() {
        let time = LogTime::from_ms(1_234).unwrap();
        let expected = [
            (Rejection::NoSuchSpace, Code::NotFound, Reason::NoSuchSpace),
            (Rejection::TooOld { floor: time }, Code::FailedPrecondition, Reason::IdTooOld),
            (Rejection::WithoutBirth, Code::FailedPrecondition, Reason::IdWithoutBirth),
            (Rejection::BirthBesideForever, Code::InvalidArgument, Reason::Malformed),
            (Rejection::BornAhead { clock: time }, Code::FailedPrecondition, Reason::IdFromTheFuture),
            (Rejection::Malformed, Code::InvalidArgument, Reason::Malformed),
            (Rejection::Reused, Code::AlreadyExists, Reason::IdReused),
        ];
        for (rejected, code, reason) in expected {
            let report = append_answer(&Answer::Rejected(rejected)).unwrap_err();
            assert_eq!(
                (report.code, report.reason, report.effect),
                (code, reason, AttemptEffect::None),
                "{rejected:?}"
            );
        }
    }
}
