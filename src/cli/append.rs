//! `append`: one record, once; with `--batch` many, each once; with `--outbox` also across crashes of this program.

use std::io::{self, Write};

use serde::Serialize;

use crate::client::outbox::Sender;
use crate::client::{Appended, Client};
use crate::types::limits::RECORD_BYTES_MAX;
use crate::types::{Id, LogName, NewRecord};

use super::arguments::{Append, Options};
use super::batch;
use super::exit::Exit;
use super::input::{self, Wanted};
use super::outbox;
use super::output::{self, Row};
use super::report::Problem;

const RECORD: Wanted = Wanted {
    what: "a record",
    most: RECORD_BYTES_MAX,
    advice: "Append it in parts, or keep it elsewhere and append where it is.",
};

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
    let payload = input::value(&append.value, io::stdin().lock(), RECORD)?;
    let id = append.id.get()?;
    let records = vec![NewRecord { payload, headers: Vec::new() }];
    if let Some(path) = &append.outbox {
        let make = |sender: &Sender| sender.make_append(&append.log, records, id);
        return outbox::append(client, options, path, make, out).await;
    }
    let id = id.unwrap_or_else(|| client.fresh_id());
    let appended = client.append(&append.log, records, Some(id.clone())).await?;
    let answer = Answer::new(options.space.as_str(), &append.log, &id, &appended);
    output::print_one(out, options.output, &answer)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{History, LogTime, Offset, Sequence};

    use super::*;

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
