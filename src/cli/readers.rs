//! `reader …`: how far readers have come, and moving them.

use std::io::Write;

use serde::Serialize;

use crate::client::Client;
use crate::types::{Action, ActionResult, Consistency, Guard, LogName, Offset, ReaderName, ReaderPosition, Version};

use super::answer::{self, Answer, What};
use super::arguments::{Move, Options, Place, Reader};
use super::output::{self, Row};
use super::report::Problem;

/// A position as it is printed.
#[derive(Debug, Serialize)]
struct PositionRow {
    reader: String,
    log: String,
    offset: u64,
    version: u64,
    end: u64,
    /// How many records are before it.
    behind: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    #[serde(skip)]
    moved: String,
}

impl PositionRow {
    fn new(at: &ReaderPosition) -> Self {
        let position = &at.position;
        let was_moved = position.version > Version(0);
        Self {
            reader: at.reader.as_str().to_owned(),
            log: at.log.as_str().to_owned(),
            offset: position.offset.0,
            version: position.version.0,
            end: at.end.0,
            behind: at.end.0.saturating_sub(position.offset.0),
            time_ms: was_moved.then(|| position.time.as_ms()),
            moved: if was_moved { output::time(position.time) } else { output::NONE.to_owned() },
        }
    }
}

impl Row for PositionRow {
    const HEADINGS: &'static [&'static str] = &["READER", "LOG", "OFFSET", "VERSION", "END", "BEHIND", "MOVED"];

    fn cells(&self) -> Vec<String> {
        vec![
            output::Bytes::new(self.reader.as_bytes()).cell(),
            self.log.clone(),
            self.offset.to_string(),
            self.version.to_string(),
            self.end.to_string(),
            self.behind.to_string(),
            self.moved.clone(),
        ]
    }
}

/// What a move has of its own.
#[derive(Debug, Serialize)]
struct Moved {
    reader: String,
    log: String,
    from: u64,
    offset: u64,
    version: u64,
}

impl What for Moved {
    const HEADINGS: &'static [&'static str] = &["FROM", "OFFSET", "VERSION", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.from.to_string(), self.offset.to_string(), self.version.to_string()]
    }
}

pub(super) async fn run(
    client: &Client,
    options: &Options,
    reader: Reader,
    out: &mut impl Write,
) -> Result<(), Problem> {
    match reader {
        Reader::List { reader, local } => {
            let rows = list(client, reader.as_ref(), super::consistency(local)).await?;
            Ok(output::print_many(out, options.output, "positions", &rows)?)
        }
        Reader::Describe { reader, log, local } => {
            let at = client.position(&reader, &log, super::consistency(local)).await?;
            Ok(output::print_one(out, options.output, &PositionRow::new(&at))?)
        }
        Reader::Move(to) => move_to(client, options, to, out).await,
    }
}

async fn list(
    client: &Client,
    reader: Option<&ReaderName>,
    consistency: Consistency,
) -> Result<Vec<PositionRow>, Problem> {
    let mut rows = Vec::new();
    let mut after: Option<(ReaderName, LogName)> = None;
    loop {
        let page =
            client.list_positions(reader, after.as_ref().map(|(reader, log)| (reader, log)), consistency).await?;
        rows.extend(page.items.iter().map(PositionRow::new));
        match page.items.into_iter().next_back() {
            Some(last) if page.more => after = Some((last.reader, last.log)),
            _ => return Ok(rows),
        }
    }
}

async fn move_to(client: &Client, options: &Options, moving: Move, out: &mut impl Write) -> Result<(), Problem> {
    let Move { reader, log, to, if_at, if_version, id } = moving;
    let to = match to {
        Place::Offset(offset) => offset,
        Place::Start => client.describe_log(&log, Consistency::Linearizable).await?.start,
        Place::End => client.describe_log(&log, Consistency::Linearizable).await?.end,
    };
    let (offset, version) = if let (Some(offset), Some(version)) = (if_at, if_version) {
        (Offset(offset), Version(version))
    } else {
        let at = client.position(&reader, &log, Consistency::Linearizable).await?;
        (at.position.offset, at.position.version)
    };
    let guard = Guard::Position { reader: reader.clone(), log: log.clone(), offset, version };
    let action = Action::Move { reader: reader.clone(), log: log.clone(), to };
    let (done, result) = answer::submit(client, id.get()?, Some(guard), action).await?;
    let ActionResult::Moved { version } = result else { return Err(answer::unexpected("another result")) };
    let what = Moved {
        reader: reader.as_str().to_owned(),
        log: log.as_str().to_owned(),
        from: offset.0,
        offset: to.0,
        version: version.0,
    };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{LogTime, Position};

    use super::*;

    #[test]
    fn a_position_says_how_much_is_before_it() {
        let at = |position| ReaderPosition {
            reader: ReaderName::new("mailer").unwrap(),
            log: LogName::new("orders").unwrap(),
            position,
            end: Offset(9),
        };
        let printed = |format, position| {
            let mut out = Vec::new();
            output::print_one(&mut out, format, &PositionRow::new(&at(position))).unwrap();
            String::from_utf8(out).unwrap()
        };
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        let moved = Position { offset: Offset(4), version: Version(17), time };
        assert_eq!(printed(Format::Plain, moved), "mailer\torders\t4\t17\t9\t5\t2025-10-09T08:53:20.123Z\n");
        assert_eq!(printed(Format::Plain, Position::default()), "mailer\torders\t0\t0\t9\t9\t-\n");
        let line = "{\"reader\":\"mailer\",\"log\":\"orders\",\"offset\":0,\"version\":0,\"end\":9,\"behind\":9}\n";
        assert_eq!(printed(Format::Jsonl, Position::default()), line);
    }
}
