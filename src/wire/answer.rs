//! How the machine's answer to a command leaves the node: a success, or a report.
//!
//! - A replayed answer is the first one again; only the arrival differs.
//! - No report made here leaves doubt: the machine has spoken.

use std::fmt;

use crate::types::{
    Action, ActionResult, Answer, Cancel, Command, Decided, Found, Guard, History, Id, LogTime, Offset, Outcome,
    Proposal, Refusal, Rejection, Sequence, SpaceName, Step, Verdict,
};

use super::outcome::{Unreadable, outcome, outcome_message, time};
use super::status::{ErrorReport, Reason};
use super::v1;

/// What an append got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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

/// What was asked, for the sentences of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    space: &'a SpaceName,
    id: &'a Id,
    guards: &'a [Guard],
    actions: &'a [Action],
}

impl<'a> Asked<'a> {
    /// An id alone: to look it up, or to wait for it.
    pub fn id(space: &'a SpaceName, id: &'a Id) -> Self {
        Self { space, id, guards: &[], actions: &[] }
    }

    /// An id whose actions are known.
    pub fn actions(space: &'a SpaceName, id: &'a Id, actions: &'a [Action]) -> Self {
        Self { space, id, guards: &[], actions }
    }
}

impl<'a> From<&'a Proposal> for Asked<'a> {
    fn from(proposal: &'a Proposal) -> Self {
        match proposal {
            Proposal::Command(Command { space, id, guards, actions }) => Self { space, id, guards, actions },
            Proposal::Cancel(Cancel { space, target }) => Self::id(space, target),
        }
    }
}

/// The answer to an append.
pub fn append_answer(asked: Asked<'_>, answer: &Answer) -> Result<v1::AppendResponse, ErrorReport> {
    let (outcome, replayed) = match answer {
        Answer::Decided { outcome, replayed } => (outcome, *replayed),
        Answer::Rejected(rejected) => return Err(rejection(asked, rejected)),
    };
    let results = match &outcome.verdict {
        Verdict::Applied(results) => results,
        Verdict::NothingToUndo => &Vec::new(),
        Verdict::Refused(refusal) => return Err(refused(asked, refusal, outcome, replayed)),
        Verdict::Cancelled => return Err(cancelled(asked, outcome, replayed)),
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
pub fn cancel_response(asked: Asked<'_>, answer: &Answer) -> Result<v1::CancelResponse, ErrorReport> {
    match answer {
        Answer::Decided { outcome, replayed } => {
            Ok(v1::CancelResponse { arrival: arrival(*replayed).into(), outcome: Some(outcome_message(outcome)) })
        }
        Answer::Rejected(rejected) => Err(rejection(asked, rejected)),
    }
}

/// What the answer to a cancel says.
pub fn decided(message: &v1::CancelResponse) -> Result<Decided, Unreadable> {
    let outcome = outcome(message.outcome.as_ref().ok_or(Unreadable("outcome"))?)?;
    Ok(Decided { outcome, replayed: is_replay(message.arrival)? })
}

/// Why a proposal was turned away, as a report.
pub fn rejection(asked: Asked<'_>, rejected: &Rejection) -> ErrorReport {
    let none = |reason, message: String| ErrorReport::without_effect(reason, message);
    let Asked { space, id, .. } = asked;
    match rejected {
        Rejection::NoSuchSpace => ErrorReport::no_such_space(space, None),
        Rejection::SpaceDeleted { at } => ErrorReport::no_such_space(space, Some(*at)),
        Rejection::TooOld { floor } => none(
            Reason::IdTooOld,
            format!("id `{id}`{} is too old: space `{space}` takes no ids born before {floor}", Born(id)),
        )
        .with_fact("floor_ms", floor.as_ms()),
        Rejection::WithoutBirth => none(
            Reason::IdWithoutBirth,
            format!(
                "space `{space}` forgets ids, so it takes only those with a birth: a lower-case UUIDv7, or birth_ms beside \
                 the id"
            ),
        ),
        Rejection::BirthBesideForever => ErrorReport::malformed(
            "id.birth_ms",
            format_args!("space `{space}` remembers ids for ever, so it takes no birth beside an id"),
        ),
        Rejection::BornAhead { clock } => none(
            Reason::IdFromTheFuture,
            format!(
                "id `{id}`{} is more than ten minutes ahead of the clock of space `{space}`, which shows {clock}",
                Born(id)
            ),
        )
        .with_fact("clock_ms", clock.as_ms()),
        Rejection::Malformed => none(
            Reason::Malformed,
            "the command breaks a rule that the node which took it does not know; that node may be of an older version"
                .to_owned(),
        ),
        Rejection::Reused => {
            none(Reason::IdReused, format!("id `{id}` is known with other content; nothing was changed"))
        }
    }
}

/// ", born 2026-11-24T12:17:38.000Z," after an id that says so.
struct Born<'a>(&'a Id);

impl fmt::Display for Born<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.birth().time().map_or(Ok(()), |birth| write!(formatter, ", born {birth},"))
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

pub(super) fn refused(asked: Asked<'_>, refusal: &Refusal, outcome: &Outcome, replayed: bool) -> ErrorReport {
    let (step, place) = match refusal.step {
        Step::Guard(place) => ("guard", place),
        Step::Action(place) => ("action", place),
    };
    let sentence = refusal.about(asked.guards, asked.actions);
    let report = unsuccessful(Reason::GuardFailed, sentence, outcome, replayed)
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
        Found::SpaceDeleted { at } => report.with_fact("deleted_ms", at.as_ms()),
        Found::NoLog
        | Found::LogExists
        | Found::NoCell
        | Found::NotANumber
        | Found::NoReader
        | Found::LockFree
        | Found::NoSpace
        | Found::SpaceExists
        | Found::MemoryIsFixed
        | Found::TooManyChanges => report,
    }
}

pub(super) fn cancelled(asked: Asked<'_>, outcome: &Outcome, replayed: bool) -> ErrorReport {
    let sentence = format_args!("id `{}` was cancelled and never takes effect", asked.id);
    unsuccessful(Reason::Cancelled, sentence, outcome, replayed)
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
    use crate::wire::status::{failure, failure_message};

    use super::*;

    fn space() -> SpaceName {
        SpaceName::new("eu").unwrap()
    }

    fn answered(answer: &Answer) -> Result<v1::AppendResponse, ErrorReport> {
        append_answer(Asked::id(&space(), &Id::new("pay-7").unwrap()), answer)
    }

    fn cancel_answered(answer: &Answer) -> Result<v1::CancelResponse, ErrorReport> {
        cancel_response(Asked::id(&space(), &Id::new("pay-7").unwrap()), answer)
    }

    fn decided_as(wanted: impl Fn(&Verdict) -> bool, replayed: bool) -> Answer {
        let outcome = outcomes().into_iter().find(|outcome| wanted(&outcome.verdict)).unwrap();
        Answer::Decided { outcome, replayed }
    }

    #[test]
    fn an_applied_append_says_its_place_and_whether_it_is_a_replay() {
        for replayed in [false, true] {
            let answer = decided_as(|verdict| matches!(verdict, Verdict::Applied(_)), replayed);
            let response = answered(&answer).unwrap();
            let read = appended(&response).unwrap();
            assert_eq!((read.first, read.count, read.replayed), (Offset(41), 3, replayed));
            assert_eq!((read.sequence, read.history.0), (Sequence(9), 1_760_000_000_000));
        }
    }

    #[test]
    fn a_cancel_is_answered_with_the_outcome_whichever_it_is() {
        for outcome in outcomes() {
            let answer = Answer::Decided { outcome: outcome.clone(), replayed: true };
            let read = decided(&cancel_answered(&answer).unwrap()).unwrap();
            assert_eq!(read, Decided { outcome, replayed: true });
        }
        let rejected = cancel_answered(&Answer::Rejected(Rejection::NoSuchSpace)).unwrap_err();
        assert_eq!(rejected.reason, Reason::NoSuchSpace);
    }

    #[test]
    fn an_answer_that_does_not_say_whether_it_is_a_replay_is_unreadable() {
        let answer = decided_as(|verdict| matches!(verdict, Verdict::Applied(_)), false);
        let response = v1::AppendResponse { arrival: 0, ..answered(&answer).unwrap() };
        assert_eq!(appended(&response), Err(Unreadable("arrival")));
    }

    #[test]
    fn a_refusal_is_an_outcome_with_what_was_found() {
        let report = answered(&decided_as(
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
    fn a_refusal_names_what_it_is_about_and_times_are_written_out() {
        let log = crate::types::LogName::new("orders").unwrap();
        let (space, id, time) = (space(), Id::new("pay-7").unwrap(), LogTime::from_ms(1_795_522_658_007).unwrap());
        let born = Id::with_birth("pay-8", LogTime::from_ms(5).unwrap()).unwrap();
        let actions = [Action::Append { log: log.clone(), records: Vec::new() }];
        let outcome = Outcome {
            verdict: Verdict::Refused(Refusal { step: Step::Action(0), found: Found::NoLog }),
            sequence: Sequence(9),
            history: History(7),
            time,
        };
        let asked = Asked::actions(&space, &id, &actions);
        let of = |asked, answer: &Answer| append_answer(asked, answer).unwrap_err().message;
        let no_log = Answer::Decided { outcome, replayed: false };
        assert_eq!(of(asked, &no_log), "there is no log `orders`");
        let too_old = Answer::Rejected(Rejection::TooOld { floor: time });
        let expected = "id `pay-8`, born 1970-01-01T00:00:00.005Z, is too old: space `eu` takes no ids born before \
                        2026-11-24T12:17:38.007Z";
        assert_eq!(of(Asked::id(&space, &born), &too_old), expected);
        let reused = Answer::Rejected(Rejection::Reused);
        assert_eq!(of(asked, &reused), "id `pay-7` is known with other content; nothing was changed");
    }

    #[test]
    fn a_cancelled_id_answers_aborted() {
        let report = answered(&decided_as(|verdict| *verdict == Verdict::Cancelled, false)).unwrap_err();
        assert_eq!((report.code, report.reason), (Code::Aborted, Reason::Cancelled));
        assert_eq!(report.effect, AttemptEffect::None);
        assert_eq!(report.metadata.get("replayed").unwrap(), "false");
    }

    #[test]
    fn a_deleted_space_says_when_it_was_deleted_and_one_that_was_never_made_does_not() {
        let at = LogTime::from_ms(1_795_522_658_007).unwrap();
        for (rejected, deleted) in [(Rejection::NoSuchSpace, None), (Rejection::SpaceDeleted { at }, Some(at))] {
            let report = answered(&Answer::Rejected(rejected)).unwrap_err();
            let metadata = report.metadata.get("deleted_ms").map(String::as_str);
            assert_eq!(metadata, deleted.map(|_| "1795522658007"));
            let received = [ErrorReport::from_status(&report.to_status()), failure(failure_message(&report))];
            assert_eq!(received.map(|report| report.space_deleted()), [deleted, deleted]);
        }
    }

    #[test]
    fn every_rejection_has_its_code_and_changed_nothing() {
        let time = LogTime::from_ms(1_234).unwrap();
        let expected = [
            (Rejection::NoSuchSpace, Code::NotFound, Reason::NoSuchSpace),
            (Rejection::SpaceDeleted { at: LogTime::ZERO }, Code::NotFound, Reason::NoSuchSpace),
            (Rejection::TooOld { floor: time }, Code::FailedPrecondition, Reason::IdTooOld),
            (Rejection::WithoutBirth, Code::FailedPrecondition, Reason::IdWithoutBirth),
            (Rejection::BirthBesideForever, Code::InvalidArgument, Reason::Malformed),
            (Rejection::BornAhead { clock: time }, Code::FailedPrecondition, Reason::IdFromTheFuture),
            (Rejection::Malformed, Code::InvalidArgument, Reason::Malformed),
            (Rejection::Reused, Code::AlreadyExists, Reason::IdReused),
        ];
        for (rejected, code, reason) in expected {
            let report = answered(&Answer::Rejected(rejected)).unwrap_err();
            assert_eq!(
                (report.code, report.reason, report.effect),
                (code, reason, AttemptEffect::None),
                "{rejected:?}"
            );
        }
    }
}
