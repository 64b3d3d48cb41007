//! `submit`: a whole command, written as JSON.

use std::io;

use crate::client::Submitted;
use crate::types::limits::COMMAND_BYTES_MAX;
use crate::types::{Command, SpaceName};

use super::arguments::Submit;
use super::call::{self, Call};
use super::column::Column;
use super::input::{self, Wanted};
use super::json::{self, Written};
use super::problem::Problem;

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

fn columns(space: &SpaceName) -> Vec<Column<Submitted>> {
    let own = vec![
        Column::given_json("fate", "applied"),
        Column::json("nothing_to_undo", |done: &Submitted| done.nothing_to_undo().then_some(true)),
        Column::json("results", |done: &Submitted| json::results(done.results())),
    ];
    let mut columns = call::outcome_columns(space, own);
    let before_id = columns.iter().position(|column| column.name == Some("id")).unwrap_or(0);
    columns.insert(before_id, Column::shown("DETAILS", |done: &Submitted| json::details(&done.outcome)));
    columns
}

pub(super) async fn run(call: &mut Call, submit: Submit) -> Result<(), Problem> {
    let Some(source) = submit.document else { return call.out.verbatim(EXAMPLE) };
    let wanted = Wanted {
        what: "a command",
        // Where JSON writes a byte as `\u001b`, six stand for one.
        most: 6 * COMMAND_BYTES_MAX,
        advice: "Split it into several commands.",
        allow_empty: true,
    };
    let text = input::source(&source, io::stdin().lock(), wanted)?;
    let name = if source == "-" { "standard input" } else { &source };
    let misuse = |message: String| {
        let advice =
            "`oncelog submit --print-example` prints a command; the page `commands` describes all guards and actions.";
        Problem::usage(format!("{name} does not hold a valid command: {message}"), advice)
    };
    let Written { id: own, guards, actions } = json::read(&text).map_err(misuse)?;
    let id = match (submit.id.get()?, own) {
        (Some(given), Some(own)) if given != own => {
            return Err(misuse("its id differs from --id; give only one of the two".to_owned()));
        }
        (given, own) => given.or(own).unwrap_or_else(|| call.client.fresh_id()),
    };
    let command = Command { space: call.speaking.space.clone(), id, guards, actions };
    command.check().map_err(|error| misuse(error.to_string()))?;
    let done = call.client.submit(&command).await?;
    call.out.answers(&done.id);
    call.out.one(&columns(&call.speaking.space), &done)
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output;
    use crate::types::{ActionResult, History, Id, LogTime, Offset, Outcome, Sequence, Verdict, Version};

    use super::*;

    fn printed(format: Format, verdict: Verdict) -> String {
        let time = LogTime::from_ms(5).unwrap();
        let outcome = Outcome { verdict, sequence: Sequence(9), history: History(3), time };
        let done = Submitted { id: Id::new("pay-1").unwrap(), outcome, replayed: false };
        output::printed(format, |out| out.one(&columns(&SpaceName::main()), &done))
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
        let expected = "{\"space\":\"main\",\"fate\":\"applied\",\"results\":[\
                        {\"added\":{\"value\":20,\"version\":9}},{\"appended\":{\"first_offset\":4,\"count\":1}}],\
                        \"replayed\":false,\"sequence\":9,\"id\":\"pay-1\",\"history\":3,\"time_ms\":5}\n";
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
