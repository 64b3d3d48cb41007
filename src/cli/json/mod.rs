//! The JSON in which whole commands are written, and outcomes printed: one set of words for both.
//!
//! - A document is one command: `guards`, `actions`, and its `id` if it has one of its own.
//! - What no field takes is an error that names its place, as `actions[1].add.amount`: nothing is read over.
//! - The page on commands has an example of every guard and every action, which the tests read.

mod action;
mod guard;
mod outcome;
#[cfg(test)]
mod page_test;
mod shape;
mod value;

use serde::Deserialize;

use crate::types::{Action, Guard, Id};

pub(super) use outcome::{details, id, refusal, results};
pub(super) use value::{HeaderFields, RecordFields, log_creation, memory, retention};

/// A command as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    id: Option<value::IdField>,
    #[serde(default)]
    guards: Vec<guard::GuardField>,
    actions: Vec<action::ActionField>,
}

/// A command as it is meant.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) id: Option<Id>,
    pub(super) guards: Vec<Guard>,
    pub(super) actions: Vec<Action>,
}

/// Reads a document. The error names the place.
pub(super) fn read(text: &[u8]) -> Result<Written, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let document: Document = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (place, inner) = (error.path().to_string(), error.inner());
        if place == "." { inner.to_string() } else { format!("{place}: {inner}") }
    })?;
    deserializer.end().map_err(|_| "more than one document: a command is one".to_owned())?;
    shape::check(&serde_json::from_slice(text).map_err(|error| error.to_string())?)?;
    Ok(Written {
        id: document.id.map(|id| id.0),
        guards: document.guards.into_iter().map(Guard::from).collect(),
        actions: document.actions.into_iter().map(Action::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::types::LogTime;

    use super::*;

    fn wrong(text: &str) -> String {
        read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let error = wrong(r#"{"actions": [{"delete": {"key": "a"}}, {"add": {"key": "a", "amount": "7"}}]}"#);
        assert!(error.starts_with("actions[1].add.amount: invalid type: string \"7\", expected i64"), "{error}");
        let error = wrong(r#"{"actions": [{"trim": {"log": "orders", "before": 1, "befor": 1}}]}"#);
        assert!(error.starts_with("actions[0].trim.befor: unknown field `befor`"), "{error}");
        let error = wrong(r#"{"actions": [{"append": {"log": "Orders", "records": []}}]}"#);
        assert!(error.starts_with("actions[0].append.log: a name consists of lower-case letters"), "{error}");
        let error = wrong(r#"{"actions": [{"put": {"key": "a"}}]}"#);
        assert!(error.starts_with("actions[0].put: neither value, value_base64 nor integer"), "{error}");
        let error =
            wrong(r#"{"actions": [{"append": {"log": "a", "records": [{"payload": "a", "payload_base64": ""}]}}]}"#);
        assert!(error.starts_with("actions[0].append.records[0]: both payload and payload_base64"), "{error}");
        let error = wrong(r#"{"actions": [{"acquire": {"lock": "a", "holder": "b", "time": "ten"}}]}"#);
        assert!(error.starts_with("actions[0].acquire.time: "), "{error}");
        let error = wrong(r#"{"guards": [{"cell_absnt": {"key": "a"}}], "actions": []}"#);
        assert!(error.starts_with("guards[0]: unknown variant `cell_absnt`, expected one of"), "{error}");
        let error = wrong(r#"{"guards": []}"#);
        assert!(error.starts_with("missing field `actions`"), "{error}");
        assert_eq!(wrong(r#"["a", [], [{"delete": {"key": "k"}}]]"#), "a list where an object belongs");
        let error = wrong(r#"{"actions": [{"delete": ["k"]}]}"#);
        assert_eq!(error, "actions[0].delete: a list where an object belongs");
        assert_eq!(wrong(r#"{"id": null, "actions": []}"#), "id: null is no value; leave the field out");
        let error = wrong(r#"{"actions": [{"add": {"key": "k", "amount": -1, "least": null}}]}"#);
        assert_eq!(error, "actions[0].add.least: null is no value; leave the field out");
        assert!(wrong(r#"{"actions": []} {"actions": []}"#).starts_with("more than one document"));
    }

    #[test]
    fn an_id_is_text_or_text_with_its_birth() {
        let id = |text: &str| read(format!(r#"{{"id": {text}, "actions": []}}"#).as_bytes()).map(|written| written.id);
        assert_eq!(id(r#""pay-1""#).unwrap(), Some(Id::new("pay-1").unwrap()));
        let born = Id::with_birth("pay-1", LogTime::from_ms(7).unwrap()).unwrap();
        assert_eq!(id(r#"{"text": "pay-1", "birth_ms": 7}"#).unwrap(), Some(born));
        assert!(id(r#"{"text": "pay-1", "born": 7}"#).unwrap_err().starts_with("id.born: unknown field"));
        assert!(id(r#""""#).unwrap_err().starts_with("id: an id must not be empty"));
    }
}
