//! `read` and `tail`: a log's records, page by page or as they come.
//!
//! - Lines are printed as they come; a table or a document of what is read is printed when all is there.
//! - What is followed is on its way to the reader before the next record is waited for. When the nodes cannot be reached,
//!   it says so once and goes on trying: who follows a log wants to be there afterwards.

use crate::client::{Client, Error, Kind, Reason};
use crate::types::{Consistency, LogDescription, LogName, Offset, Page, Record};

use super::arguments::{Format, Place, Read, Tail};
use super::call::{self, Call};
use super::column::{Column, Trait};
use super::json;
use super::output::Output;
use super::problem::Problem;
use super::trying::Outage;
use super::value::{self, Bytes, Value};

/// Payloads take all that a terminal leaves them.
const WIDE: usize = 1_000;

pub(super) fn columns() -> Vec<Column<Record>> {
    vec![
        Column::new("offset", "OFFSET", |record: &Record| record.offset.0).with(Trait::Width(8)).with(Trait::NotPlain),
        Column::new("time_ms", "TIME", |record: &Record| record.time)
            .with(Trait::Width(24))
            .spare()
            .with(Trait::NotPlain),
        call::id_column(|record: &Record| &record.id).with(Trait::NotPlain),
        Column::json("birth_ms", |record: &Record| value::birth_beside(&record.id)),
        Column::new("headers", "HEADERS", headers).with(Trait::Width(8)).spare().with(Trait::NotPlain),
        Column::new("payload", "PAYLOAD", |record: &Record| record.payload.clone())
            .with(Trait::Binary)
            .with(Trait::Long)
            .with(Trait::Width(WIDE)),
    ]
}

fn headers(record: &Record) -> Value {
    if record.headers.is_empty() {
        return Value::None;
    }
    let told = record.headers.iter().map(|header| format!("{}={}", header.key, Bytes::new(&header.value).cell()));
    Value::Told(json::headers(&record.headers), told.collect::<Vec<_>>().join(", "))
}

/// The offset of a place in a log; none for the first that is left. A log that does not exist ends at 0.
pub(super) async fn offset(
    client: &Client,
    log: &LogName,
    place: Place,
    consistency: Consistency,
) -> Result<Option<Offset>, Error> {
    match place {
        Place::Offset(offset) => Ok(Some(offset)),
        Place::Start => Ok(None),
        Place::End => Ok(Some(described(client, log, consistency).await?.map_or(Offset(0), |log| log.end))),
    }
}

pub(super) async fn described(
    client: &Client,
    log: &LogName,
    consistency: Consistency,
) -> Result<Option<LogDescription>, Error> {
    match client.describe_log(log, consistency).await {
        Err(error) if error.reason() == Some(Reason::NoSuchLog) => Ok(None),
        described => described.map(Some),
    }
}

pub(super) async fn read(call: &mut Call, read: Read) -> Result<(), Problem> {
    let consistency = read.local.consistency();
    let from = offset(&call.client, &read.log, read.from, consistency).await?;
    if read.follow {
        return follow(call, read.log, from, read.limit, consistency).await;
    }
    let shown = columns();
    let is_lines = matches!(call.out.format(), Format::Jsonl | Format::Plain);
    let mut pages = call.client.pages(read.log.clone(), from, read.limit, consistency);
    let mut records = Vec::new();
    while let Some(page) = pages.next().await? {
        if is_lines {
            call.out.rows(&shown, &page.records)?;
            call.out.flush()?;
        } else {
            records.extend(page.records);
        }
    }
    if is_lines {
        return Ok(());
    }
    let (next, end, start) = pages.seen().map_or_else(Default::default, |seen| (seen.next, seen.end, seen.start));
    let head = [
        Column::given_json("space", call.speaking.space.as_str()),
        Column::given_json("log", read.log.as_str()),
        Column::given_json("next", next.0),
        Column::given_json("end", end.0),
        Column::given_json("start", start.0),
    ];
    call.out.many_in(&head, "records", &shown, &records)
}

pub(super) async fn tail(call: &mut Call, tail: Tail) -> Result<(), Problem> {
    let consistency = tail.local.consistency();
    let from = offset(&call.client, &tail.log, tail.from, consistency).await?;
    follow(call, tail.log, from, tail.limit, consistency).await
}

/// Prints records from an offset on, or from the first that is left; at most so many.
async fn follow(
    call: &mut Call,
    log: LogName,
    from: Option<Offset>,
    limit: Option<u64>,
    consistency: Consistency,
) -> Result<(), Problem> {
    let mut tail = call.client.tail(log, from, consistency);
    let mut outage = Outage::of(call.speaking.timeout);
    let mut left = limit;
    call.out.headings(&columns())?;
    while left != Some(0) {
        match tail.next().await {
            Ok(page) => {
                let shown = print_page(&mut call.out, page, left)?;
                left = left.map(|left| left.saturating_sub(shown));
            }
            Err(error) if error.kind() == Kind::Unavailable => outage.tell(&call.out, error).await,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn print_page(out: &mut Output, mut page: Page, left: Option<u64>) -> Result<u64, Problem> {
    page.records.truncate(left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX)));
    out.further_rows(&columns(), &page.records)?;
    out.flush()?;
    Ok(page.records.len() as u64)
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::{self, printed_at};
    use crate::types::{Header, Id, LogIndex, LogTime};

    use super::*;

    fn record(payload: &[u8], headers: &[(&str, &'static [u8])]) -> Record {
        let header = |(key, value): &(&str, &'static [u8])| Header { key: (*key).to_owned(), value: (*value).into() };
        Record {
            offset: Offset(7),
            payload: payload.to_vec().into(),
            headers: headers.iter().map(header).collect(),
            id: Id::new("pay-1").unwrap(),
            time: LogTime::from_ms(1_760_000_000_123).unwrap(),
        }
    }

    fn printed(width: Option<usize>, format: Format, records: &[Record]) -> String {
        String::from_utf8(printed_at(width, format, |out| out.rows(&columns(), records))).unwrap()
    }

    #[test]
    fn plain_is_the_payload_and_nothing_else() {
        let printed =
            printed_at(None, Format::Plain, |out| out.rows(&columns(), &[record(b"a\xff", &[]), record(b"", &[])]));
        assert_eq!(printed, b"a\xff\n\n");
    }

    #[test]
    fn json_has_text_or_base64_under_names_that_tell() {
        let records = [record(b"paid", &[("kind", b"x"), ("bin", b"\xff")]), record(b"\xff", &[])];
        let expected = "{\"offset\":7,\"time_ms\":1760000000123,\"id\":\"pay-1\",\
                        \"headers\":[{\"key\":\"kind\",\"value\":\"x\"},{\"key\":\"bin\",\"value_base64\":\"/w==\"}],\
                        \"payload\":\"paid\"}\n\
                        {\"offset\":7,\"time_ms\":1760000000123,\"id\":\"pay-1\",\"payload_base64\":\"/w==\"}\n";
        assert_eq!(printed(None, Format::Jsonl, &records), expected);
    }

    #[test]
    fn csv_has_whole_values_whatever_is_in_them() {
        let long = format!("one\ntwo, \"{}\"", "x".repeat(300));
        let records = [record(long.as_bytes(), &[("kind", b"x")]), record(b"\xff", &[])];
        let expected = format!(
            "offset,time,id,headers,payload,payload_base64\r\n\
             7,2025-10-09T08:53:20.123Z,pay-1,\"[{{\"\"key\"\":\"\"kind\"\",\"\"value\"\":\"\"x\"\"}}]\",\"one\ntwo, \"\"{}\"\"\",\r\n\
             7,2025-10-09T08:53:20.123Z,pay-1,,,/w==\r\n",
            "x".repeat(300)
        );
        assert_eq!(printed(None, Format::Csv, &records), expected);
    }

    #[test]
    fn a_table_shows_one_line_a_record() {
        let records = [record(b"one\ntwo", &[("kind", b"x")]), record(b"\xff", &[])];
        let expected = "OFFSET  TIME                      ID     HEADERS  PAYLOAD\n\
                        7       2025-10-09T08:53:20.123Z  pay-1  kind=x   one\\ntwo\n\
                        7       2025-10-09T08:53:20.123Z  pay-1  -        base64:/w==\n";
        assert_eq!(printed(None, Format::Table, &records), expected);
    }

    #[test]
    fn a_long_payload_is_cut_to_the_width_of_a_terminal_and_nowhere_else() {
        let records = [record("é".repeat(300).as_bytes(), &[])];
        let on_terminal = printed(Some(80), Format::Table, &records);
        let widest = on_terminal.lines().map(|line| line.chars().count()).max();
        assert_eq!((widest, on_terminal.trim_end().ends_with("é…")), (Some(80), true), "{on_terminal}");
        assert!(printed(None, Format::Table, &records).contains(&"é".repeat(300)));
    }

    fn page(offsets: std::ops::Range<u64>) -> Page {
        let record = |offset| Record {
            offset: Offset(offset),
            payload: format!("p{offset}").into(),
            headers: Vec::new(),
            id: Id::new(format!("pay-{offset}")).unwrap(),
            time: LogTime::from_ms(1_760_000_000_123).unwrap(),
        };
        let end = Offset(offsets.end);
        Page { records: offsets.map(record).collect(), next: end, end, start: Offset(0), applied: LogIndex(1) }
    }

    fn page_printed(format: Format, left: Option<u64>) -> (String, u64) {
        let mut shown = 0;
        let text = output::printed(format, |out| {
            shown = print_page(out, page(7..10), left)?;
            Ok(())
        });
        (text, shown)
    }

    #[test]
    fn records_are_printed_as_they_come_in_every_format() {
        assert_eq!(page_printed(Format::Plain, None), ("p7\np8\np9\n".to_owned(), 3));
        assert_eq!(page_printed(Format::Plain, Some(2)), ("p7\np8\n".to_owned(), 2));
        let (lines, _) = page_printed(Format::Json, Some(1));
        assert_eq!(lines, "{\"offset\":7,\"time_ms\":1760000000123,\"id\":\"pay-7\",\"payload\":\"p7\"}\n");
        let (rows, _) = page_printed(Format::Table, Some(1));
        assert_eq!(rows, "7         2025-10-09T08:53:20.123Z  pay-7                                 -         p7\n");
        let (rows, _) = page_printed(Format::Csv, Some(1));
        assert_eq!(rows, "7,2025-10-09T08:53:20.123Z,pay-7,,p7,\r\n");
    }
}
