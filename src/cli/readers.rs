//! `reader …`: the positions of readers, and moving them.

use crate::types::{Action, ActionResult, Consistency, Guard, LogName, Offset, ReaderName, ReaderPosition, Version};

use super::arguments::{NewId, Place, Reader};
use super::call::{self, Call};
use super::column::Column;
use super::problem::Problem;

fn columns() -> Vec<Column<ReaderPosition>> {
    // A position that was never moved, or was deleted since, has no time.
    let time = |at: &ReaderPosition| at.position.was_moved().then_some(at.position.time);
    vec![
        Column::new("reader", "READER", |at: &ReaderPosition| at.reader.as_str().to_owned()),
        Column::new("log", "LOG", |at: &ReaderPosition| at.log.as_str().to_owned()),
        Column::new("offset", "OFFSET", |at: &ReaderPosition| at.position.offset.0),
        Column::new("version", "VERSION", |at: &ReaderPosition| at.position.version.0),
        Column::new("end", "END", |at: &ReaderPosition| at.end.0),
        Column::new("behind", "BEHIND", |at: &ReaderPosition| at.end.0.saturating_sub(at.position.offset.0)),
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
            call.out.many("positions", &columns(), &positions)
        }
        Reader::Describe { reader, log, local } => {
            let at = call.client.position(&reader, &log, local.consistency()).await?;
            call.out.one(&columns(), &at)
        }
        Reader::Move { reader, log, to, if_at, if_version, id } => {
            let seen = if_at.zip(if_version).map(|(offset, version)| (Offset(offset), Version(version)));
            move_to(call, (reader, log), to, seen, id).await
        }
        Reader::Delete { reader, log, if_at, if_version, id } => {
            let seen = if_at.zip(if_version).map(|(offset, version)| (Offset(offset), Version(version)));
            delete(call, (reader, log), seen, id).await
        }
    }
}

async fn delete(
    call: &mut Call,
    (reader, log): (ReaderName, LogName),
    seen: Option<(Offset, Version)>,
    id: NewId,
) -> Result<(), Problem> {
    let guard = seen.map(|(offset, version)| Guard::position(&reader, &log, offset, version));
    let own = |result: &ActionResult| match result {
        ActionResult::ReaderDeleted { version } => Some(vec![
            Column::given("reader", "READER", reader.as_str()),
            Column::given("log", "LOG", log.as_str()),
            Column::given("version", "VERSION", version.0),
        ]),
        _ => None,
    };
    call.act(id, guard, Action::delete_reader(&reader, &log), own).await
}

async fn move_to(
    call: &mut Call,
    (reader, log): (ReaderName, LogName),
    to: Place,
    seen: Option<(Offset, Version)>,
    id: NewId,
) -> Result<(), Problem> {
    let to = match to {
        Place::Offset(offset) => offset,
        Place::Start => call.client.describe_log(&log, Consistency::Linearizable).await?.start,
        Place::End => call.client.describe_log(&log, Consistency::Linearizable).await?.end,
    };
    let (offset, version) = if let Some(seen) = seen {
        seen
    } else {
        let at = call.client.position(&reader, &log, Consistency::Linearizable).await?.position;
        (at.offset, at.version)
    };
    let guard = Guard::Position { reader: reader.clone(), log: log.clone(), offset, version };
    let action = Action::Move { reader: reader.clone(), log: log.clone(), to };
    let own = |result: &ActionResult| match result {
        ActionResult::Moved { version } => Some(vec![
            Column::given_json("reader", reader.as_str()),
            Column::given_json("log", log.as_str()),
            Column::given("from", "FROM", offset.0),
            Column::given("offset", "OFFSET", to.0),
            Column::given("version", "VERSION", version.0),
        ]),
        _ => None,
    };
    call.act(id, Some(guard), action, own).await
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{LogTime, Position};

    use super::*;

    #[test]
    fn a_position_says_how_many_records_are_still_to_be_read() {
        let at = |position| ReaderPosition {
            reader: ReaderName::new("mailer").unwrap(),
            log: LogName::new("orders").unwrap(),
            position,
            end: Offset(9),
        };
        let printed = |format, position| printed(format, |out| out.one(&columns(), &at(position)));
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        let moved = Position { offset: Offset(4), version: Version(17), time };
        assert_eq!(printed(Format::Plain, moved), "mailer\torders\t4\t17\t9\t5\t2025-10-09T08:53:20.123Z\n");
        assert_eq!(printed(Format::Plain, Position::default()), "mailer\torders\t0\t0\t9\t9\t-\n");
        let line = "{\"reader\":\"mailer\",\"log\":\"orders\",\"offset\":0,\"version\":0,\"end\":9,\"behind\":9}\n";
        assert_eq!(printed(Format::Jsonl, Position::default()), line);
    }
}
