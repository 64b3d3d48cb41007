//! The JSON in which whole commands are written, and outcomes printed: one set of words for both.
//!
//! - A document is one command: `guards`, `actions`, and its `id` if it has one of its own.
//! - What is wrong with it is a sentence that names its place, as `actions[1].add.amount`: nothing is read over.
//! - The page on commands has an example of every guard and every action, which the tests read.

mod document;
#[cfg(test)]
mod page_test;
mod print;
mod words;

pub(super) use document::Node;
pub(super) use print::{details, headers, id, log_creation, memory, refusal, results, retention};
pub(super) use words::{Written, read, record, with_birth};

#[cfg(test)]
mod tests {
    use crate::types::{Id, LogTime};

    use super::*;

    fn wrong(text: &str) -> String {
        read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let told = [
            ("", "it is empty"),
            ("pay", "line 1, column 1: expected value"),
            ("{\n \"actions\": [{}\n {}", "line 3, column 2: expected `,` or `]`"),
            ("{\"actions\":", "line 1, column 11: the text ends before the JSON does"),
            (r#"{"actions": []} {}"#, "line 1, column 17: something stands behind the end of the JSON object"),
            ("[]", "a command, as { \"actions\": [ … ] }, belongs here, not a list"),
            (r#"{"guards": []}"#, "the field `actions` is missing"),
            (r#"{"actions": [], "actions": []}"#, "the field `actions` stands twice"),
            (r#"{"actions": {}}"#, "actions: a list belongs here, not an object"),
            (
                r#"{"actions": ["delete"]}"#,
                "actions[0]: an object with one action belongs here, not the text \"delete\"",
            ),
            (r#"{"actions": [{}]}"#, "actions[0]: one action belongs in an object, not 0"),
            (
                r#"{"actions": [{"delete": {"key": "k"}, "trim": 1}]}"#,
                "actions[0]: one action belongs in an object, not 2",
            ),
            (r#"{"actions": [{"delete": ["k"]}]}"#, "actions[0].delete: an object belongs here, not a list"),
            (r#"{"actions": [{"delete": null}]}"#, "actions[0].delete: `null` is no value; leave the field out"),
            (r#"{"id": null, "actions": []}"#, "id: `null` is no value; leave the field out"),
            (
                r#"{"id": 7, "actions": []}"#,
                "id: an id, as text or as { \"text\", \"birth_ms\" }, belongs here, not the number 7",
            ),
            (
                r#"{"actions": [{"delete": {"key": "a"}}, {"add": {"key": "a", "amount": "7"}}]}"#,
                "actions[1].add.amount: a whole number of at most 64 bits belongs here, not the text \"7\"",
            ),
            (
                r#"{"actions": [{"add": {"key": "a", "amount": 7.5}}]}"#,
                "actions[0].add.amount: a whole number of at most 64 bits belongs here, not the number 7.5",
            ),
            (
                r#"{"actions": [{"trim": {"log": "orders", "before": -1}}]}"#,
                "actions[0].trim.before: a whole number of at least 0 belongs here, not the number -1",
            ),
            (
                r#"{"actions": [{"trim": {"log": "orders", "before": 1, "befor": 1}}]}"#,
                "actions[0].trim: there is no field `befor` here, but `log`, `before`",
            ),
            (r#"{"actions": [{"trim": {"log": "orders"}}]}"#, "actions[0].trim: the field `before` is missing"),
            (
                r#"{"actions": [{"put": {"key": "a"}}]}"#,
                "actions[0].put: give one of `value`, `value_base64` and `integer`",
            ),
            (
                r#"{"actions": [{"append": {"log": "a", "records": [{"payload": "a", "payload_base64": ""}]}}]}"#,
                "actions[0].append.records[0]: give `payload` or `payload_base64`, not both",
            ),
            (
                r#"{"actions": [{"append": {"log": "a", "records": [{}]}}]}"#,
                "actions[0].append.records[0]: `payload` or `payload_base64` is missing",
            ),
            (
                r#"{"guards": [{"fate": {"id": "a", "is": "done"}}], "actions": []}"#,
                "guards[0].fate.is: a fate is `applied`, `in_force`, `refused`, `cancelled`, `unknown`, not \"done\"",
            ),
        ];
        for (text, expected) in told {
            assert_eq!(wrong(text), expected, "{text}");
        }
        for (text, start) in [
            (r#"{"actions": [{"append": {"log": "Orders", "records": []}}]}"#, "actions[0].append.log: "),
            (r#"{"actions": [{"acquire": {"lock": "a", "holder": "b", "time": "ten"}}]}"#, "actions[0].acquire.time: "),
            (
                r#"{"guards": [{"cell_absnt": {"key": "a"}}], "actions": []}"#,
                "guards[0].cell_absnt: there is no such guard; there are `log_end`, `cell_absent`",
            ),
        ] {
            let error = wrong(text);
            assert!(error.starts_with(start), "{error}");
        }
    }

    #[test]
    fn an_id_is_text_or_text_with_its_birth() {
        let id = |text: &str| read(format!(r#"{{"id": {text}, "actions": []}}"#).as_bytes()).map(|written| written.id);
        assert_eq!(id(r#""pay-1""#).unwrap(), Some(Id::new("pay-1").unwrap()));
        let born = Id::with_birth("pay-1", LogTime::from_ms(7).unwrap()).unwrap();
        assert_eq!(id(r#"{"text": "pay-1", "birth_ms": 7}"#).unwrap(), Some(born));
        assert!(id(r#"{"text": "pay-1", "born": 7}"#).unwrap_err().starts_with("id: the field `birth_ms` is missing"));
        assert!(id(r#""""#).unwrap_err().starts_with("id: an id must not be empty"));
    }
}
