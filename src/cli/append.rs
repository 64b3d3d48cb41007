//! `append`: one record, once; with `--batch` many, each once; with `--outbox` also across crashes of this program.

use std::fs::File;
use std::io::{self, Read as _, Write};

use bytes::Bytes;
use serde::Serialize;

use crate::client::outbox::Sender;
use crate::client::{Appended, Client};
use crate::types::limits::RECORD_BYTES_MAX;
use crate::types::{Id, LogName, NewRecord};

use super::arguments::{Append, Options};
use super::batch;
use super::exit::Exit;
use super::outbox;
use super::output::{self, Row};
use super::report::Problem;

/// What an append got, as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    space: String,
    log: String,
    id: String,
    offset: u64,
    count: u32,
    replayed: bool,
    sequence: u64,
    history: u64,
    time_ms: u64,
}

impl Answer {
    pub(super) fn new(space: &str, log: &LogName, id: &Id, appended: &Appended) -> Self {
        Self {
            space: space.to_owned(),
            log: log.as_str().to_owned(),
            id: id.text().to_owned(),
            offset: appended.first.0,
            count: appended.count,
            replayed: appended.replayed,
            sequence: appended.sequence.0,
            history: appended.history.0,
            time_ms: appended.time.as_ms(),
        }
    }
}

impl Row for Answer {
    const HEADINGS: &'static [&'static str] = &["OFFSET", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        let arrival = if self.replayed { "replayed" } else { "first" };
        vec![self.offset.to_string(), arrival.to_owned(), self.sequence.to_string(), self.id.clone()]
    }
}

pub(super) async fn run(
    client: &Client,
    options: &Options,
    append: Append,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    if let Some(source) = &append.batch {
        return batch::run(client, options, &append, source, out).await;
    }
    let payload = payload(&append.value, io::stdin().lock())?;
    let records = vec![NewRecord { payload, headers: Vec::new() }];
    if let Some(path) = &append.outbox {
        let make = |sender: &Sender| sender.make_append(&append.log, records, append.id);
        return outbox::append(client, options, path, make, out).await;
    }
    let id = append.id.unwrap_or_else(|| client.fresh_id());
    let appended = client.append(&append.log, records, Some(id.clone())).await?;
    let answer = Answer::new(options.space.as_str(), &append.log, &id, &appended);
    output::print_one(out, options.output, &answer)?;
    Ok(Exit::Done)
}

/// The bytes that a value names, exactly.
fn payload(value: &str, stdin: impl io::Read) -> Result<Bytes, Problem> {
    let read = |name: &str, source: io::Result<Vec<u8>>| match source {
        Ok(bytes) if bytes.len() > RECORD_BYTES_MAX => Err(Problem::Here {
            message: format!("{name} has more than the {RECORD_BYTES_MAX} bytes that a record may have"),
            advice: "Append it in parts, or keep it elsewhere and append where it is.",
        }),
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(Problem::Here {
            message: format!("cannot read {name}: {error}"),
            advice: "Give the record as text, as @FILE, or as - for standard input.",
        }),
    };
    match value.strip_prefix('@') {
        Some(path) => read(path, File::open(path).and_then(at_most_one_too_many)),
        None if value == "-" => read("standard input", at_most_one_too_many(stdin)),
        None => Ok(value.to_owned().into()),
    }
}

fn at_most_one_too_many(source: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{History, LogTime, Offset, Sequence};

    use super::*;

    #[test]
    fn a_value_is_text_a_file_or_standard_input() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"from\xff file\n").unwrap();
        let at_file = format!("@{}", file.path().display());
        let read = |value: &str| payload(value, &b"piped\n"[..]).unwrap();
        assert_eq!(read("paid"), "paid");
        assert_eq!(read("-"), "piped\n");
        assert_eq!(&read(&at_file)[..], b"from\xff file\n");
        assert_eq!(read("a@b"), "a@b");
    }

    #[test]
    fn what_cannot_be_read_or_is_too_long_is_told_before_anything_is_sent() {
        let told = |value: &str, stdin: &[u8]| match payload(value, stdin).unwrap_err() {
            Problem::Here { message, .. } => message,
            other => panic!("{other:?}"),
        };
        assert!(told("@/nowhere/at/all", b"").starts_with("cannot read /nowhere/at/all: "));
        assert!(told("-", &vec![0; RECORD_BYTES_MAX + 1]).starts_with("standard input has more than"));
        assert_eq!(payload("-", &vec![0; RECORD_BYTES_MAX][..]).unwrap().len(), RECORD_BYTES_MAX);
    }

    #[test]
    fn the_answer_says_where_and_whether_it_was_the_first() {
        let appended = Appended {
            first: Offset(41),
            count: 1,
            replayed: true,
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::from_ms(5).unwrap(),
        };
        let answer = Answer::new("main", &LogName::new("orders").unwrap(), &Id::new("pay-1").unwrap(), &appended);
        let printed = |format| {
            let mut out = Vec::new();
            output::print_one(&mut out, format, &answer).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(printed(Format::Table), "OFFSET  ARRIVAL   SEQUENCE  ID\n41      replayed  9         pay-1\n");
        assert_eq!(printed(Format::Plain), "41\treplayed\t9\tpay-1\n");
        let expected = "{\"space\":\"main\",\"log\":\"orders\",\"id\":\"pay-1\",\"offset\":41,\"count\":1,\"replayed\":true,\
                        \"sequence\":9,\"history\":3,\"time_ms\":5}\n";
        assert_eq!(printed(Format::Jsonl), expected);
    }
}
