//! Outcomes, and what they are made of, as they are printed: for programs, and in a few words for people.

use serde_json::{Map, Value, json};

use crate::cli::value::{self, Bytes};
use crate::types::{
    ActionResult, Found, Header, Id, LogCreation, Memory, Outcome, Refusal, Retention, Step, Verdict, Version,
};

pub(super) const FOREVER: &str = "forever";

/// What each action got, under the word for it.
pub(in crate::cli) fn results(results: &[ActionResult]) -> Value {
    results.iter().map(got).map(|(word, fields, _)| json!({ word: fields })).collect()
}

/// What was decided, for people; a cancellation has nothing more to say.
pub(in crate::cli) fn details(outcome: &Outcome) -> Option<String> {
    match &outcome.verdict {
        Verdict::Applied(results) => Some(results.iter().map(|result| got(result).2).collect::<Vec<_>>().join(", ")),
        Verdict::NothingToUndo => Some("there was nothing to undo, and nothing was done".to_owned()),
        Verdict::Refused(refusal) => Some(refusal.to_string()),
        Verdict::Cancelled => None,
    }
}

/// What an action got: the word for it with its fields, and a few words for people.
fn got(result: &ActionResult) -> (&'static str, Value, String) {
    let just = |word, told: &str| (word, json!({}), told.to_owned());
    let versioned =
        |word, told, version: &Version| (word, json!({"version": version.0}), format!("{told} at version {version}"));
    match result {
        ActionResult::Appended { first, count } => {
            let records = if *count == 1 { String::new() } else { format!("{count} records from ") };
            ("appended", json!({"first_offset": first.0, "count": count}), format!("{records}offset {first}"))
        }
        ActionResult::Put { version } => versioned("put", "put", version),
        ActionResult::Deleted { version } => versioned("deleted", "deleted", version),
        ActionResult::Moved { version } => versioned("moved", "moved", version),
        ActionResult::ReaderDeleted { version } => versioned("reader_deleted", "reader deleted", version),
        ActionResult::Added { value, version } => {
            ("added", json!({"value": value, "version": version.0}), format!("sum {value} at version {version}"))
        }
        ActionResult::Locked { token, expires } => {
            let told = format!("token {token} until {}", value::time(*expires));
            ("locked", json!({"token": token.to_string(), "expires_ms": expires.as_ms()}), told)
        }
        ActionResult::Released => just("released", "released"),
        ActionResult::Trimmed { start } => ("trimmed", json!({"start": start.0}), format!("trimmed to {start}")),
        ActionResult::Compensated => just("compensated", "the other is undone"),
        ActionResult::LogCreated => just("log_created", "log made"),
        ActionResult::RetentionSet => just("retention_set", "retention set"),
        ActionResult::LogDeleted { end } => {
            ("log_deleted", json!({"end": end.0}), format!("log deleted; it ended at {end}"))
        }
        ActionResult::SpaceCreated => just("space_created", "space made"),
        ActionResult::SpaceSet => just("space_set", "space set"),
        ActionResult::SpaceDeleted => just("space_deleted", "space deleted"),
        ActionResult::VersionRaised { version } => {
            ("version_raised", json!({"version": version.0}), format!("version {version} from now on"))
        }
    }
}

/// Which step failed and what was found, in the words of an error's metadata.
pub(in crate::cli) fn refusal(refusal: &Refusal) -> Value {
    let (step, index) = match refusal.step {
        Step::Guard(index) => ("guard", index),
        Step::Action(index) => ("action", index),
    };
    let facts: Vec<(&str, Value)> = match &refusal.found {
        Found::LogEnd(end) | Found::PastEnd(end) => vec![("end", end.0.into())],
        Found::CellVersion(version) => vec![("version", version.0.into())],
        Found::TooLittle(value) | Found::OutOfBounds(value) => vec![("value", (*value).into())],
        Found::Position { offset, version } => vec![("offset", offset.0.into()), ("version", version.0.into())],
        Found::LockHeld { holder, token, expires } => vec![
            ("holder", holder.as_str().into()),
            ("token", token.to_string().into()),
            ("expires_ms", expires.as_ms().into()),
        ],
        Found::Fate(fate) => vec![("fate", fate.as_str().into())],
        Found::TargetTooOld { floor } => vec![("floor_ms", floor.as_ms().into())],
        Found::TargetBornAhead { clock } => vec![("clock_ms", clock.as_ms().into())],
        Found::AlreadyCompensated { by } => vec![("by", id(by))],
        Found::VersionInForce(version) => vec![("version", version.0.into())],
        Found::SpaceDeleted { at } => vec![("deleted_ms", at.as_ms().into())],
        // The word says it all.
        _ => Vec::new(),
    };
    let which = [("step", step.into()), ("index", index.into()), ("found", refusal.found.kind().into())];
    which.into_iter().chain(facts).map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// An id: its text, or text and birth where that was given beside it.
pub(in crate::cli) fn id(id: &Id) -> Value {
    match value::birth_beside(id) {
        None => json!(id.text()),
        Some(birth_ms) => json!({"text": id.text(), "birth_ms": birth_ms}),
    }
}

pub(in crate::cli) fn memory(memory: Memory) -> String {
    match memory {
        Memory::Forever => FOREVER.to_owned(),
        Memory::For(duration) => humantime::format_duration(duration).to_string(),
    }
}

pub(in crate::cli) fn log_creation(logs: LogCreation) -> &'static str {
    match logs {
        LogCreation::ByAppend => "by_append",
        LogCreation::Explicit => "explicit",
    }
}

pub(in crate::cli) fn retention(retention: &Retention) -> Value {
    let age = retention.age.map(|age| humantime::format_duration(age).to_string().into());
    let bounds =
        [("age", age), ("bytes", retention.bytes.map(Value::from)), ("records", retention.records.map(Value::from))];
    bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), bound?))).collect::<Map<_, _>>().into()
}

pub(in crate::cli) fn headers(headers: &[Header]) -> Value {
    let header = |header: &Header| match Bytes::new(&header.value) {
        Bytes::Text(value) => json!({"key": header.key, "value": value}),
        Bytes::Base64(value) => json!({"key": header.key, "value_base64": value}),
    };
    headers.iter().map(header).collect()
}
