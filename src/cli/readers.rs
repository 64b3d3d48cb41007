//! `reader …`: the positions of readers, and moving them.

use std::collections::btree_map::{BTreeMap, Entry};

use crate::client::{Client, Error};
use crate::types::{Action, Consistency, Guard, LogName, Offset, ReaderPosition, Version};

use super::arguments::{Place, Reader};
use super::call::{self, Call};
use super::column::Column;
use super::problem::Problem;
use super::records;

const LINEARIZABLE: Consistency = Consistency::Linearizable;

/// A position, and where its log starts.
struct Placed {
    at: ReaderPosition,
    start: Offset,
}

impl Placed {
    /// How many records can still be read; what was trimmed can't.
    fn behind(&self) -> u64 {
        self.at.end.0.saturating_sub(self.at.position.offset.max(self.start).0)
    }
}

fn columns() -> Vec<Column<Placed>> {
    // A position that was never moved, or was deleted since, has no time.
    let time = |of: &Placed| of.at.position.was_moved().then_some(of.at.position.time);
    vec![
        Column::new("reader", "READER", |of: &Placed| of.at.reader.as_str().to_owned()),
        Column::new("log", "LOG", |of: &Placed| of.at.log.as_str().to_owned()),
        Column::new("offset", "OFFSET", |of: &Placed| of.at.position.offset.0),
        Column::new("version", "VERSION", |of: &Placed| of.at.position.version.0),
        Column::new("end", "END", |of: &Placed| of.at.end.0),
        Column::new("behind", "BEHIND", Placed::behind),
        Column::new("time_ms", "MOVED", time).spare(),
    ]
}

pub(super) async fn run(call: &mut Call, reader: Reader) -> Result<(), Problem> {
    match reader {
        Reader::List { reader, local } => {
            let page = async |last: Option<&ReaderPosition>| {
                let after = last.map(|at| (&at.reader, &at.log));
                call.client.list_positions(reader.as_ref(), after, local.consistency()).await
            };
            let positions = call::all(page).await?;
            let placed = placed(&call.client, positions, local.consistency()).await?;
            call.out.many("positions", &columns(), &placed)
        }
        Reader::Describe { reader, log, local } => {
            let at = call.client.position(&reader, &log, local.consistency()).await?;
            let placed = placed(&call.client, vec![at], local.consistency()).await?;
            placed.iter().try_for_each(|placed| call.out.one(&columns(), placed))
        }
        Reader::Move { reader, log, to, if_at, if_version, id } => {
            let to = offset(&call.client, &log, to).await?;
            let (at, version) = if let Some((at, version)) = if_at.zip(if_version) {
                (Offset(at), Version(version))
            } else {
                let found = call.client.position(&reader, &log, LINEARIZABLE).await?.position;
                (found.offset, found.version)
            };
            let guard = Guard::position(&reader, &log, at, version);
            call.act(id, Some(guard), Action::Move { reader, log, to }).await
        }
        Reader::Delete { reader, log, if_at, if_version, id } => {
            let seen = if_at.zip(if_version);
            let guard = seen.map(|(at, version)| Guard::position(&reader, &log, Offset(at), Version(version)));
            call.act(id, guard, Action::DeleteReader { reader, log }).await
        }
    }
}

/// Positions with the starts of their logs. A log that does not exist holds nothing: it starts at its end.
async fn placed(
    client: &Client,
    positions: Vec<ReaderPosition>,
    consistency: Consistency,
) -> Result<Vec<Placed>, Error> {
    let mut starts = BTreeMap::new();
    for at in &positions {
        if let Entry::Vacant(start) = starts.entry(at.log.clone()) {
            let log = records::described(client, &at.log, consistency).await?;
            start.insert(log.map_or(at.end, |log| log.start));
        }
    }
    let placed = |at: ReaderPosition| Placed { start: starts.get(&at.log).copied().unwrap_or(at.end), at };
    Ok(positions.into_iter().map(placed).collect())
}

/// The offset of a place in a log that exists.
async fn offset(client: &Client, log: &LogName, place: Place) -> Result<Offset, Error> {
    Ok(match place {
        Place::Offset(offset) => offset,
        Place::Start => client.describe_log(log, LINEARIZABLE).await?.start,
        Place::End => client.describe_log(log, LINEARIZABLE).await?.end,
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{LogTime, Position, ReaderName};

    use super::*;

    fn placed(position: Position, start: u64) -> Placed {
        let (reader, log) = (ReaderName::new("mailer").unwrap(), LogName::new("orders").unwrap());
        Placed { at: ReaderPosition { reader, log, position, end: Offset(9) }, start: Offset(start) }
    }

    #[test]
    fn records_that_were_trimmed_are_not_still_to_be_read() {
        assert_eq!(placed(Position::default(), 5).behind(), 4);
        let moved = Position { offset: Offset(7), ..Position::default() };
        assert_eq!(placed(moved, 5).behind(), 2);
    }

    #[test]
    fn a_position_says_how_many_records_are_still_to_be_read() {
        let printed = |format, position| printed(format, |out| out.one(&columns(), &placed(position, 0)));
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        let moved = Position { offset: Offset(4), version: Version(17), time };
        assert_eq!(printed(Format::Plain, moved), "mailer\torders\t4\t17\t9\t5\t2025-10-09T08:53:20.123Z\n");
        assert_eq!(printed(Format::Plain, Position::default()), "mailer\torders\t0\t0\t9\t9\t-\n");
        let line = "{\"reader\":\"mailer\",\"log\":\"orders\",\"offset\":0,\"version\":0,\"end\":9,\"behind\":9}\n";
        assert_eq!(printed(Format::Jsonl, Position::default()), line);
    }
}
