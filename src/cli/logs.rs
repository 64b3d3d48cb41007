//! `log list` and `log describe`.

use std::io::Write;

use bytesize::ByteSize;
use serde::Serialize;

use crate::client::Client;
use crate::types::{Consistency, LogDescription, LogName, LogTime};

use super::arguments::{Log, Options};
use super::output::{self, Row};
use super::report::Problem;

#[derive(Debug, Serialize)]
struct LogRow {
    name: String,
    start: u64,
    end: u64,
    bytes: u64,
    created_ms: u64,
}

impl LogRow {
    fn new(log: &LogDescription) -> Self {
        Self {
            name: log.name.as_str().to_owned(),
            start: log.start.0,
            end: log.end.0,
            bytes: log.bytes,
            created_ms: log.created.as_ms(),
        }
    }
}

impl Row for LogRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "START", "END", "SIZE", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.start.to_string(),
            self.end.to_string(),
            ByteSize::b(self.bytes).to_string(),
            output::time(LogTime::from_ms_saturating(self.created_ms)),
        ]
    }

    fn plain(&self) -> Vec<u8> {
        format!("{}\t{}\t{}\t{}\t{}", self.name, self.start, self.end, self.bytes, self.created_ms).into_bytes()
    }
}

pub(super) async fn run(client: &Client, options: &Options, log: Log, out: &mut impl Write) -> Result<(), Problem> {
    match log {
        Log::List { local } => {
            let rows = list(client, super::consistency(local)).await?;
            Ok(output::print_many(out, options.output, "logs", &rows)?)
        }
        Log::Describe { name, local } => {
            let description = client.describe_log(&name, super::consistency(local)).await?;
            Ok(output::print_one(out, options.output, &LogRow::new(&description))?)
        }
    }
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
    use crate::cli::output::Format;
    use crate::types::Offset;

    use super::*;

    #[test]
    fn a_log_is_printed_for_people_and_for_programs() {
        let row = LogRow::new(&LogDescription {
            name: LogName::new("orders").unwrap(),
            start: Offset(3),
            end: Offset(9),
            bytes: 2_048,
            created: LogTime::from_ms(1_760_000_000_123).unwrap(),
        });
        let printed = |format| {
            let mut out = Vec::new();
            output::print_one(&mut out, format, &row).unwrap();
            String::from_utf8(out).unwrap()
        };
        let table = "NAME    START  END  SIZE     CREATED\norders  3      9    2.0 KiB  2025-10-09T08:53:20.123Z\n";
        assert_eq!(printed(Format::Table), table);
        assert_eq!(printed(Format::Plain), "orders\t3\t9\t2048\t1760000000123\n");
    }
}
