//! `read`: a log's records, page by page.
//!
//! - Lines are printed as they come; a table or a document when all are there.

use std::io::Write;

use serde::Serialize;

use crate::client::Client;
use crate::types::{Offset, Record};

use super::arguments::{Options, Read};
use super::json::HeaderFields;
use super::output::{self, Bytes, Format, Row};
use super::report::Problem;
use super::tail;

/// A record as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct RecordRow {
    offset: u64,
    time_ms: u64,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<HeaderFields>,
    #[serde(skip)]
    record: Record,
}

impl RecordRow {
    pub(super) fn new(record: Record) -> Self {
        let payload = Bytes::new(&record.payload);
        Self {
            offset: record.offset.0,
            time_ms: record.time.as_ms(),
            id: record.id.text().to_owned(),
            birth_ms: output::birth_beside(&record.id),
            payload: payload.text().map(str::to_owned),
            payload_base64: payload.base64().map(str::to_owned),
            headers: record.headers.iter().map(HeaderFields::new).collect(),
            record,
        }
    }
}

impl Row for RecordRow {
    const HEADINGS: &'static [&'static str] = &["OFFSET", "TIME", "ID", "HEADERS", "PAYLOAD"];

    fn cells(&self) -> Vec<String> {
        let record = &self.record;
        let headers = record
            .headers
            .iter()
            .map(|header| format!("{}={}", Bytes::new(header.key.as_bytes()).cell(), Bytes::new(&header.value).cell()));
        let headers = headers.collect::<Vec<_>>().join(", ");
        vec![
            self.offset.to_string(),
            output::time(record.time),
            Bytes::new(self.id.as_bytes()).cell(),
            if headers.is_empty() { output::NONE.to_owned() } else { headers },
            Bytes::new(&record.payload).cell(),
        ]
    }

    fn plain(&self) -> Vec<u8> {
        self.record.payload.to_vec()
    }
}

#[derive(Debug, Serialize)]
struct Document {
    space: String,
    log: String,
    records: Vec<RecordRow>,
    next: u64,
    end: u64,
    start: u64,
}

pub(super) async fn run(client: &Client, options: &Options, read: Read, out: &mut impl Write) -> Result<(), Problem> {
    let consistency = super::consistency(read.local);
    if read.follow {
        return tail::follow(client, options, read.log, read.from.map(Offset), read.limit, consistency, out).await;
    }
    let mut pages = client.pages(read.log.clone(), read.from.map(Offset), read.limit, consistency);
    let mut document = Document {
        space: options.space.as_str().to_owned(),
        log: read.log.as_str().to_owned(),
        records: Vec::new(),
        next: 0,
        end: 0,
        start: 0,
    };
    while let Some(page) = pages.next().await? {
        let rows: Vec<_> = page.records.into_iter().map(RecordRow::new).collect();
        match options.output {
            Format::Jsonl | Format::Plain => {
                output::print_rows(out, options.output, &rows)?;
                out.flush()?;
            }
            Format::Table | Format::Json | Format::Csv => document.records.extend(rows),
        }
    }
    if let Some(seen) = pages.seen() {
        (document.next, document.end, document.start) = (seen.next.0, seen.end.0, seen.start.0);
    }
    print_rest(out, options.output, &document)
}

fn print_rest(out: &mut impl Write, format: Format, document: &Document) -> Result<(), Problem> {
    match format {
        Format::Jsonl | Format::Plain => Ok(()),
        Format::Table | Format::Csv => Ok(output::print_rows(out, format, &document.records)?),
        Format::Json => Ok(output::print_document(out, document)?),
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Header, Id, LogTime};

    use super::*;

    fn row(payload: &'static [u8], headers: &[(&str, &'static [u8])]) -> RecordRow {
        RecordRow::new(Record {
            offset: Offset(7),
            payload: payload.into(),
            headers: headers
                .iter()
                .map(|(key, value)| Header { key: (*key).to_owned(), value: (*value).into() })
                .collect(),
            id: Id::new("pay-1").unwrap(),
            time: LogTime::from_ms(1_760_000_000_123).unwrap(),
        })
    }

    fn printed(format: Format, rows: &[RecordRow]) -> Vec<u8> {
        let mut out = Vec::new();
        output::print_rows(&mut out, format, rows).unwrap();
        out
    }

    #[test]
    fn plain_is_the_payload_and_nothing_else() {
        assert_eq!(printed(Format::Plain, &[row(b"a\xff", &[]), row(b"", &[])]), b"a\xff\n\n");
    }

    #[test]
    fn json_has_text_or_base64_under_names_that_tell() {
        let lines = printed(Format::Jsonl, &[row(b"paid", &[("kind", b"x"), ("bin", b"\xff")]), row(b"\xff", &[])]);
        let expected = "{\"offset\":7,\"time_ms\":1760000000123,\"id\":\"pay-1\",\"payload\":\"paid\",\
                        \"headers\":[{\"key\":\"kind\",\"value\":\"x\"},{\"key\":\"bin\",\"value_base64\":\"/w==\"}]}\n\
                        {\"offset\":7,\"time_ms\":1760000000123,\"id\":\"pay-1\",\"payload_base64\":\"/w==\"}\n";
        assert_eq!(String::from_utf8(lines).unwrap(), expected);
    }

    #[test]
    fn a_table_shows_one_line_a_record() {
        let table = printed(Format::Table, &[row(b"one\ntwo", &[("kind", b"x")]), row(b"\xff", &[])]);
        let expected = "OFFSET  TIME                      ID     HEADERS  PAYLOAD\n\
                        7       2025-10-09T08:53:20.123Z  pay-1  kind=x   one\\ntwo\n\
                        7       2025-10-09T08:53:20.123Z  pay-1  -        base64:/w==\n";
        assert_eq!(String::from_utf8(table).unwrap(), expected);
    }
}
