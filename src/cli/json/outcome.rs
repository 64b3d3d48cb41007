//! Outcomes as they are printed: for programs, and in a few words for people.

use serde_json::{Map, Value, json};

use crate::cli::value;
use crate::types::{ActionResult, Found, Id, Outcome, Refusal, Step, Verdict};

/// What each action got, under the word for it.
pub(in crate::cli) fn results(results: &[ActionResult]) -> Vec<Value> {
    results.iter().map(result).collect()
}

fn result(result: &ActionResult) -> Value {
    match result {
        ActionResult::Appended { first, count } => json!({"appended": {"first_offset": first.0, "count": count}}),
        ActionResult::Put { version } => json!({"put": {"version": version.0}}),
        ActionResult::Deleted { version } => json!({"deleted": {"version": version.0}}),
        ActionResult::Added { value, version } => json!({"added": {"value": value, "version": version.0}}),
        ActionResult::Moved { version } => json!({"moved": {"version": version.0}}),
        ActionResult::Locked { token, expires } => {
            json!({"locked": {"token": token.to_string(), "expires_ms": expires.as_ms()}})
        }
        ActionResult::Released => json!({"released": {}}),
        ActionResult::Trimmed { start } => json!({"trimmed": {"start": start.0}}),
        ActionResult::Compensated => json!({"compensated": {}}),
        ActionResult::LogCreated => json!({"log_created": {}}),
        ActionResult::RetentionSet => json!({"retention_set": {}}),
        ActionResult::LogDeleted { end } => json!({"log_deleted": {"end": end.0}}),
        ActionResult::ReaderDeleted { version } => json!({"reader_deleted": {"version": version.0}}),
        ActionResult::SpaceCreated => json!({"space_created": {}}),
        ActionResult::SpaceSet => json!({"space_set": {}}),
        ActionResult::SpaceDeleted => json!({"space_deleted": {}}),
        ActionResult::VersionRaised { version } => json!({"version_raised": {"version": version.0}}),
    }
}

/// Which step failed and what was found, in the words of an error's metadata.
pub(in crate::cli) fn refusal(refusal: &Refusal) -> Value {
    let (step, index) = match refusal.step {
        Step::Guard(index) => ("guard", index),
        Step::Action(index) => ("action", index),
    };
    let facts = match &refusal.found {
        Found::LogEnd(end) | Found::PastEnd(end) => json!({"end": end.0}),
        Found::CellVersion(version) => json!({"version": version.0}),
        Found::TooLittle(value) | Found::OutOfBounds(value) => json!({"value": value}),
        Found::Position { offset, version } => json!({"offset": offset.0, "version": version.0}),
        Found::LockHeld { holder, token, expires } => {
            json!({"holder": holder.as_str(), "token": token.to_string(), "expires_ms": expires.as_ms()})
        }
        Found::Fate(fate) => json!({"fate": fate.as_str()}),
        Found::TargetTooOld { floor } => json!({"floor_ms": floor.as_ms()}),
        Found::TargetBornAhead { clock } => json!({"clock_ms": clock.as_ms()}),
        Found::AlreadyCompensated { by } => json!({"by": id(by)}),
        Found::VersionInForce(version) => json!({"version": version.0}),
        Found::SpaceDeleted { at } => json!({"deleted_ms": at.as_ms()}),
        Found::NoLog
        | Found::LogExists
        | Found::NoCell
        | Found::NotANumber
        | Found::NoReader
        | Found::LockFree
        | Found::NoSpace
        | Found::SpaceExists
        | Found::MemoryIsFixed
        | Found::TooManyChanges => json!({}),
    };
    let mut said = json!({"step": step, "index": index, "found": refusal.found.kind()});
    if let (Value::Object(said), Value::Object(facts)) = (&mut said, facts) {
        said.extend(facts.into_iter().collect::<Map<_, _>>());
    }
    said
}

/// An id: its text, or text and birth where that was given beside it.
pub(in crate::cli) fn id(id: &Id) -> Value {
    match value::birth_beside(id) {
        None => json!(id.text()),
        Some(birth_ms) => json!({"text": id.text(), "birth_ms": birth_ms}),
    }
}

/// What was decided, for people.
pub(in crate::cli) fn details(outcome: &Outcome) -> String {
    match &outcome.verdict {
        Verdict::Applied(results) => results.iter().map(told).collect::<Vec<_>>().join(", "),
        Verdict::NothingToUndo => "there was nothing to undo, and nothing was done".to_owned(),
        Verdict::Refused(refusal) => refusal.to_string(),
        Verdict::Cancelled => value::NONE.to_owned(),
    }
}

fn told(result: &ActionResult) -> String {
    match result {
        ActionResult::Appended { first, count: 1 } => format!("offset {first}"),
        ActionResult::Appended { first, count } => format!("{count} records from offset {first}"),
        ActionResult::Put { version } => format!("put at version {version}"),
        ActionResult::Deleted { version } => format!("deleted at version {version}"),
        ActionResult::Added { value, version } => format!("sum {value} at version {version}"),
        ActionResult::Moved { version } => format!("moved at version {version}"),
        ActionResult::Locked { token, expires } => format!("token {token} until {}", value::time(*expires)),
        ActionResult::Released => "released".to_owned(),
        ActionResult::Trimmed { start } => format!("trimmed to {start}"),
        ActionResult::Compensated => "the other is undone".to_owned(),
        ActionResult::LogCreated => "log made".to_owned(),
        ActionResult::RetentionSet => "retention set".to_owned(),
        ActionResult::LogDeleted { end } => format!("log deleted; it ended at {end}"),
        ActionResult::ReaderDeleted { version } => format!("reader deleted at version {version}"),
        ActionResult::SpaceCreated => "space made".to_owned(),
        ActionResult::SpaceSet => "space set".to_owned(),
        ActionResult::SpaceDeleted => "space deleted".to_owned(),
        ActionResult::VersionRaised { version } => format!("version {version} from now on"),
    }
}
