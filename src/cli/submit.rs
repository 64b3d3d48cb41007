//! `submit`: a whole command, written as JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::client::{Client, Submitted};
use crate::types::limits::COMMAND_BYTES_MAX;
use crate::types::{Command, SpaceName};

use super::arguments::{Options, Submit};
use super::input::{self, Wanted};
use super::json::{self, Written};
use super::output::{self, Row};
use super::report::Problem;

/// Where JSON writes a byte as `\u001b`, six stand for one.
const DOCUMENT: Wanted =
    Wanted { what: "a command", most: 6 * COMMAND_BYTES_MAX, advice: "Do it in several commands." };

/// A command to begin with.
const EXAMPLE: &str = r#"{
  "guards": [
    { "cell_absent": { "key": "paid/invoice-17" } }
  ],
  "actions": [
    { "add": { "key": "balance/ada", "amount": -50, "least": 0 } },
    { "put": { "key": "paid/invoice-17", "integer": 50 } },
    { "append": { "log": "payments", "records": [ { "payload": "50 from ada for invoice 17" } ] } }
  ]
}
"#;

/// What became of a command, as it is printed.
#[derive(Debug, Serialize)]
struct Answer {
    space: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_ms: Option<u64>,
    replayed: bool,
    fate: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    nothing_to_undo: bool,
    results: Vec<Value>,
    sequence: u64,
    history: u64,
    time_ms: u64,
    #[serde(skip)]
    details: String,
}

impl Answer {
    fn new(space: &SpaceName, done: &Submitted) -> Self {
        let outcome = &done.outcome;
        Self {
            space: space.as_str().to_owned(),
            id: done.id.text().to_owned(),
            birth_ms: output::birth_beside(&done.id),
            replayed: done.replayed,
            fate: "applied",
            nothing_to_undo: done.nothing_to_undo(),
            results: json::results(done.results()),
            sequence: outcome.sequence.0,
            history: outcome.history.0,
            time_ms: outcome.time.as_ms(),
            details: json::details(outcome),
        }
    }
}

impl Row for Answer {
    const HEADINGS: &'static [&'static str] = &["ARRIVAL", "SEQUENCE", "DETAILS", "ID"];

    fn cells(&self) -> Vec<String> {
        let arrival = if self.replayed { "replayed" } else { "first" };
        vec![arrival.to_owned(), self.sequence.to_string(), self.details.clone(), self.id.clone()]
    }
}

pub(super) async fn run(
    client: &Client,
    options: &Options,
    submit: Submit,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let Some(source) = submit.document else { return Ok(out.write_all(EXAMPLE.as_bytes())?) };
    let text = input::source(&source, io::stdin().lock(), DOCUMENT)?;
    let name = if source == "-" { "standard input" } else { &source };
    let misuse = |message: String| Problem::Misuse {
        message: format!("{name} is no command: {message}"),
        advice: "`oncelog submit --print-example` prints one; the page `commands` has them all.",
    };
    let Written { id: own, guards, actions } = json::read(&text).map_err(misuse)?;
    let id = match (submit.id.get()?, own) {
        (Some(given), Some(own)) if given != own => {
            return Err(misuse("its id is another than --id; give one of the two".to_owned()));
        }
        (given, own) => given.or(own).unwrap_or_else(|| client.fresh_id()),
    };
    let command = Command { space: options.space.clone(), id, guards, actions };
    command.check().map_err(|error| misuse(error.to_string()))?;
    let done = client.submit(&command).await?;
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done))?)
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{ActionResult, History, Id, LogTime, Offset, Outcome, Sequence, Verdict, Version};

    use super::*;

    fn printed(format: Format, verdict: Verdict) -> String {
        let time = LogTime::from_ms(5).unwrap();
        let outcome = Outcome { verdict, sequence: Sequence(9), history: History(3), time };
        let done = Submitted { id: Id::new("pay-1").unwrap(), outcome, replayed: false };
        let mut out = Vec::new();
        output::print_one(&mut out, format, &Answer::new(&SpaceName::main(), &done)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_example_is_a_command() {
        let Written { guards, actions, .. } = json::read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((guards.len(), actions.len()), (1, 3));
    }

    #[test]
    fn each_action_has_its_result() {
        let applied = || {
            let added = ActionResult::Added { value: 20, version: Version(9) };
            Verdict::Applied(vec![added, ActionResult::Appended { first: Offset(4), count: 1 }])
        };
        assert_eq!(printed(Format::Plain, applied()), "first\t9\tsum 20 at version 9, offset 4\tpay-1\n");
        let expected = "{\"space\":\"main\",\"id\":\"pay-1\",\"replayed\":false,\"fate\":\"applied\",\"results\":[\
                        {\"added\":{\"value\":20,\"version\":9}},{\"appended\":{\"count\":1,\"first_offset\":4}}],\
                        \"sequence\":9,\"history\":3,\"time_ms\":5}\n";
        assert_eq!(printed(Format::Jsonl, applied()), expected);
    }

    #[test]
    fn nothing_to_undo_is_said() {
        let line = printed(Format::Jsonl, Verdict::NothingToUndo);
        assert!(line.contains("\"nothing_to_undo\":true,\"results\":[]"), "{line}");
        let plain = printed(Format::Plain, Verdict::NothingToUndo);
        assert_eq!(plain, "first\t9\tthere was nothing to undo, and nothing was done\tpay-1\n");
    }
}
