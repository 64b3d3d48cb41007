//! Records as they are printed, and where a log ends.

use crate::client::{Client, Error, Reason};
use crate::types::{Consistency, LogDescription, LogName, Offset, Record};

use super::arguments::Place;
use super::call;
use super::column::{Column, Trait};
use super::json;
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

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed_at;
    use crate::types::{Header, Id, LogTime};

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
}
