//! `log …`: the logs of a space, and how much of them is kept.

use bytesize::ByteSize;

use crate::types::{Action, Listed, LogDescription, Offset, Retention};

use super::arguments::Log;
use super::call::{self, Call};
use super::column::Column;
use super::json;
use super::problem::Problem;
use super::value::Value;

fn columns() -> Vec<Column<LogDescription>> {
    vec![
        Column::new("name", "NAME", |log: &LogDescription| log.name.as_str().to_owned()),
        Column::new("start", "START", |log: &LogDescription| log.start.0),
        Column::new("end", "END", |log: &LogDescription| log.end.0),
        Column::new("bytes", "SIZE", |log: &LogDescription| Value::Size(log.bytes)),
        Column::new("created_ms", "CREATED", |log: &LogDescription| log.created).spare(),
        Column::json("retention", |log: &LogDescription| json::retention(&log.retention)),
        Column::shown("KEPT", |log: &LogDescription| kept(&log.retention)),
    ]
}

/// How much of a log is kept, in a few words.
fn kept(retention: &Retention) -> String {
    let age = retention.age.map(|age| humantime::format_duration(age).to_string());
    let bytes = retention.bytes.map(|bytes| ByteSize::b(bytes).to_string());
    let records = retention.records.map(|records| format!("{records} records"));
    let bounds: Vec<_> = [age, bytes, records].into_iter().flatten().collect();
    if bounds.is_empty() { "everything".to_owned() } else { bounds.join(", ") }
}

pub(super) async fn run(call: &mut Call, log: Log) -> Result<(), Problem> {
    match log {
        Log::List(local) => {
            let page = async |last: Option<&LogDescription>| {
                let page = call.client.list_logs(last.map(|log| &log.name), local.consistency()).await?;
                Ok(Listed { items: page.logs, more: page.more, applied: page.applied })
            };
            let logs = call::all(page).await?;
            call.out.many("logs", &columns(), &logs)
        }
        Log::Describe { name, local } => {
            let log = call.client.describe_log(&name, local.consistency()).await?;
            call.out.one(&columns(), &log)
        }
        Log::Create { name: log, kept, id } => {
            call.act(id, None, Action::CreateLog { log, retention: kept.retention() }).await
        }
        Log::Set { name: log, kept, everything: _, id } => {
            call.act(id, None, Action::SetRetention { log, retention: kept.retention() }).await
        }
        Log::Trim { name: log, before, id } => call.act(id, None, Action::Trim { log, before: Offset(before) }).await,
        Log::Delete { name: log, id } => call.act(id, None, Action::DeleteLog { log }).await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{LogName, LogTime};

    use super::*;

    fn one(format: Format, retention: Retention) -> String {
        let log = LogDescription {
            name: LogName::new("orders").unwrap(),
            start: Offset(3),
            end: Offset(9),
            bytes: 2_048,
            created: LogTime::from_ms(1_760_000_000_123).unwrap(),
            retention,
        };
        printed(format, |out| out.one(&columns(), &log))
    }

    #[test]
    fn a_log_is_printed_for_people_and_for_programs() {
        let table = "NAME    START  END  SIZE     CREATED                   KEPT\n\
                     orders  3      9    2.0 KiB  2025-10-09T08:53:20.123Z  everything\n";
        assert_eq!(one(Format::Table, Retention::EVERYTHING), table);
        let plain = "orders\t3\t9\t2048\t2025-10-09T08:53:20.123Z\teverything\n";
        assert_eq!(one(Format::Plain, Retention::EVERYTHING), plain);
    }

    #[test]
    fn what_is_kept_is_printed_in_the_words_in_which_it_is_asked_for() {
        let week = Duration::from_hours(7 * 24);
        let retention = Retention { age: Some(week), bytes: None, records: Some(10) };
        assert!(one(Format::Plain, retention).ends_with("\t7days, 10 records\n"));
        let line = one(Format::Jsonl, retention);
        assert!(line.ends_with("\"retention\":{\"age\":\"7days\",\"records\":10}}\n"), "{line}");
    }
}
