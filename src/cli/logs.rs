//! `log …`: the logs of a space, and how much of them is kept.

use std::io::Write;

use bytesize::ByteSize;
use serde::Serialize;

use crate::client::Client;
use crate::types::{Action, ActionResult, Consistency, LogDescription, LogName, LogTime, Retention};

use super::answer::{self, Answer, Named, What};
use super::arguments::{Log, Options, Trim};
use super::json::{self, RetentionFields};
use super::output::{self, Row};
use super::report::Problem;

#[derive(Debug, Serialize)]
struct LogRow {
    name: String,
    start: u64,
    end: u64,
    bytes: u64,
    created_ms: u64,
    retention: RetentionFields,
    #[serde(skip)]
    kept: String,
}

impl LogRow {
    fn new(log: &LogDescription) -> Self {
        Self {
            name: log.name.as_str().to_owned(),
            start: log.start.0,
            end: log.end.0,
            bytes: log.bytes,
            created_ms: log.created.as_ms(),
            retention: json::retention(&log.retention),
            kept: kept(&log.retention),
        }
    }
}

impl Row for LogRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "START", "END", "SIZE", "CREATED", "KEPT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.start.to_string(),
            self.end.to_string(),
            ByteSize::b(self.bytes).to_string(),
            output::time(LogTime::from_ms_saturating(self.created_ms)),
            self.kept.clone(),
        ]
    }

    fn plain(&self) -> Vec<u8> {
        let Self { name, start, end, bytes, created_ms, kept, .. } = self;
        format!("{name}\t{start}\t{end}\t{bytes}\t{created_ms}\t{kept}").into_bytes()
    }
}

/// How much of a log is kept, in a few words.
fn kept(retention: &Retention) -> String {
    let age = retention.age.map(|age| humantime::format_duration(age).to_string());
    let bytes = retention.bytes.map(|bytes| ByteSize::b(bytes).to_string());
    let records = retention.records.map(|records| format!("{records} records"));
    let bounds: Vec<_> = [age, bytes, records].into_iter().flatten().collect();
    if bounds.is_empty() { "everything".to_owned() } else { bounds.join(", ") }
}

/// What a trim has of its own.
#[derive(Debug, Serialize)]
struct Trimmed {
    name: String,
    start: u64,
}

impl What for Trimmed {
    const HEADINGS: &'static [&'static str] = &["START", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.start.to_string()]
    }
}

pub(super) async fn run(client: &Client, options: &Options, log: Log, out: &mut impl Write) -> Result<(), Problem> {
    let (name, id, action) = match log {
        Log::List { local } => {
            let rows = list(client, super::consistency(local)).await?;
            return Ok(output::print_many(out, options.output, "logs", &rows)?);
        }
        Log::Describe { name, local } => {
            let description = client.describe_log(&name, super::consistency(local)).await?;
            return Ok(output::print_one(out, options.output, &LogRow::new(&description))?);
        }
        Log::Trim(trim) => return self::trim(client, options, trim, out).await,
        Log::Create(create) => {
            let action = Action::CreateLog { log: create.name.clone(), retention: create.kept.retention() };
            (create.name, create.id, action)
        }
        Log::Set(set) => {
            let action = Action::SetRetention { log: set.name.clone(), retention: set.kept.retention() };
            (set.name, set.id, action)
        }
    };
    let (done, _) = answer::submit(client, id.get()?, None, action).await?;
    let what = Named { name: name.as_str().to_owned() };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

async fn trim(client: &Client, options: &Options, trim: Trim, out: &mut impl Write) -> Result<(), Problem> {
    let action = Action::Trim { log: trim.name.clone(), before: trim.before };
    let (done, result) = answer::submit(client, trim.id.get()?, None, action).await?;
    let ActionResult::Trimmed { start } = result else { return Err(answer::unexpected("another result")) };
    let what = Trimmed { name: trim.name.as_str().to_owned(), start: start.0 };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

async fn list(client: &Client, consistency: Consistency) -> Result<Vec<LogRow>, Problem> {
    let mut rows = Vec::new();
    let mut after: Option<LogName> = None;
    loop {
        let listing = client.list_logs(after.as_ref(), consistency).await?;
        rows.extend(listing.logs.iter().map(LogRow::new));
        match listing.logs.into_iter().next_back() {
            Some(last) if listing.more => after = Some(last.name),
            _ => return Ok(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::output::Format;
    use crate::types::Offset;

    use super::*;

    fn printed(format: Format, retention: Retention) -> String {
        let row = LogRow::new(&LogDescription {
            name: LogName::new("orders").unwrap(),
            start: Offset(3),
            end: Offset(9),
            bytes: 2_048,
            created: LogTime::from_ms(1_760_000_000_123).unwrap(),
            retention,
        });
        let mut out = Vec::new();
        output::print_one(&mut out, format, &row).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_log_is_printed_for_people_and_for_programs() {
        let table = "NAME    START  END  SIZE     CREATED                   KEPT\n\
                     orders  3      9    2.0 KiB  2025-10-09T08:53:20.123Z  everything\n";
        assert_eq!(printed(Format::Table, Retention::EVERYTHING), table);
        assert_eq!(printed(Format::Plain, Retention::EVERYTHING), "orders\t3\t9\t2048\t1760000000123\teverything\n");
    }

    #[test]
    fn what_is_kept_is_printed_in_the_words_in_which_it_is_asked_for() {
        let week = Duration::from_hours(7 * 24);
        let retention = Retention { age: Some(week), bytes: None, records: Some(10) };
        assert!(printed(Format::Plain, retention).ends_with("\t7days, 10 records\n"));
        let line = printed(Format::Jsonl, retention);
        assert!(line.ends_with("\"retention\":{\"age\":\"7days\",\"records\":10}}\n"), "{line}");
    }
}
