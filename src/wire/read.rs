//! What readers get ⇄ messages.

use crate::types::{Fate, Id, Listing, LogDescription, LogIndex, LogName, Met, Offset, Outcome, Page, Record};

use super::cell::{cell, cell_message, position, position_message, retention, retention_message};
use super::command::{command_id, header, header_message};
use super::fields;
use super::outcome::{Unreadable, outcome, outcome_message, time};
use super::v1;

/// A page, to be sent. Payloads are moved, not copied.
pub fn read_response(page: Page) -> v1::ReadResponse {
    v1::ReadResponse {
        records: page.records.into_iter().map(record_message).collect(),
        next: page.next.0,
        end: page.end.0,
        start: page.start.0,
        applied_index: page.applied.0,
    }
}

/// A page that was received.
pub fn page(message: v1::ReadResponse) -> Result<Page, Unreadable> {
    Ok(Page {
        records: message.records.into_iter().map(record).collect::<Result<_, _>>()?,
        next: Offset(message.next),
        end: Offset(message.end),
        start: Offset(message.start),
        applied: LogIndex(message.applied_index),
    })
}

/// A page of a log that is followed, to be sent.
pub fn tail_response(page: Page) -> v1::TailResponse {
    let v1::ReadResponse { records, next, end, start, applied_index } = read_response(page);
    v1::TailResponse { records, next, end, start, applied_index }
}

/// A page of a log that is followed, as received.
pub fn tail_page(message: v1::TailResponse) -> Result<Page, Unreadable> {
    let v1::TailResponse { records, next, end, start, applied_index } = message;
    page(v1::ReadResponse { records, next, end, start, applied_index })
}

/// What made a condition hold, to be sent. None: the id is unknown, so nothing does.
pub fn wait_response(met: &Met, applied: LogIndex) -> Option<v1::WaitResponse> {
    let found = match met {
        Met::LogEnd(end) => v1::wait_response::Found::LogEnd(end.0),
        Met::Fate(Fate::Decided { outcome, compensated_by }) => {
            v1::wait_response::Found::Decided(decided_message(outcome, compensated_by.as_ref()))
        }
        Met::Fate(Fate::TooOld { floor }) => v1::wait_response::Found::TooOld(v1::TooOld { floor_ms: floor.as_ms() }),
        Met::Fate(Fate::Unknown) => return None,
        Met::Cell(Some(cell)) => v1::wait_response::Found::Cell(cell_message(cell)),
        Met::Cell(None) => v1::wait_response::Found::NoCell(v1::NoCell {}),
        Met::Position(at) => v1::wait_response::Found::Position(position_message(at)),
        Met::LockFree => v1::wait_response::Found::LockFree(v1::LockFree {}),
    };
    Some(v1::WaitResponse { found: Some(found), applied_index: applied.0 })
}

/// What made a condition hold, as received.
pub fn met(message: v1::WaitResponse) -> Result<Met, Unreadable> {
    Ok(match message.found.ok_or(Unreadable("finding"))? {
        v1::wait_response::Found::LogEnd(end) => Met::LogEnd(Offset(end)),
        v1::wait_response::Found::Decided(message) => Met::Fate(decided(&message)?),
        v1::wait_response::Found::TooOld(too_old) => Met::Fate(Fate::TooOld { floor: time(too_old.floor_ms)? }),
        v1::wait_response::Found::Cell(message) => Met::Cell(Some(cell(message)?)),
        v1::wait_response::Found::NoCell(v1::NoCell {}) => Met::Cell(None),
        v1::wait_response::Found::Position(message) => Met::Position(position(&message)?),
        v1::wait_response::Found::LockFree(v1::LockFree {}) => Met::LockFree,
    })
}

fn decided_message(outcome: &Outcome, compensated_by: Option<&Id>) -> v1::Decided {
    v1::Decided { outcome: Some(outcome_message(outcome)), compensated_by: compensated_by.map(command_id) }
}

fn decided(message: &v1::Decided) -> Result<Fate, Unreadable> {
    let compensated_by = message.compensated_by.clone().map(|id| known_id(Some(id))).transpose()?;
    let outcome = outcome(message.outcome.as_ref().ok_or(Unreadable("outcome"))?)?;
    Ok(Fate::Decided { outcome, compensated_by })
}

/// A fate, to be sent.
pub fn lookup_response(fate: &Fate, applied: LogIndex) -> v1::LookupResponse {
    let fate = match fate {
        Fate::Unknown => v1::lookup_response::Fate::Unknown(v1::Unknown {}),
        Fate::Decided { outcome, compensated_by } => {
            v1::lookup_response::Fate::Decided(decided_message(outcome, compensated_by.as_ref()))
        }
        Fate::TooOld { floor } => v1::lookup_response::Fate::TooOld(v1::TooOld { floor_ms: floor.as_ms() }),
    };
    v1::LookupResponse { fate: Some(fate), applied_index: applied.0 }
}

/// A fate that was received.
pub fn fate(message: &v1::LookupResponse) -> Result<Fate, Unreadable> {
    match message.fate.as_ref().ok_or(Unreadable("fate"))? {
        v1::lookup_response::Fate::Unknown(v1::Unknown {}) => Ok(Fate::Unknown),
        v1::lookup_response::Fate::Decided(message) => decided(message),
        v1::lookup_response::Fate::TooOld(too_old) => Ok(Fate::TooOld { floor: time(too_old.floor_ms)? }),
    }
}

/// The head of a log, to be sent.
pub fn describe_log_response(log: &LogDescription, applied: LogIndex) -> v1::DescribeLogResponse {
    v1::DescribeLogResponse { log: Some(description_message(log)), applied_index: applied.0 }
}

/// The head of a log that was received.
pub fn description(message: v1::DescribeLogResponse) -> Result<LogDescription, Unreadable> {
    log_description(&message.log.ok_or(Unreadable("log"))?)
}

/// A listing, to be sent.
pub fn list_logs_response(listing: &Listing) -> v1::ListLogsResponse {
    v1::ListLogsResponse {
        logs: listing.logs.iter().map(description_message).collect(),
        more: listing.more,
        applied_index: listing.applied.0,
    }
}

/// A listing that was received.
pub fn listing(message: &v1::ListLogsResponse) -> Result<Listing, Unreadable> {
    Ok(Listing {
        logs: message.logs.iter().map(log_description).collect::<Result<_, _>>()?,
        more: message.more,
        applied: LogIndex(message.applied_index),
    })
}

fn record_message(record: Record) -> v1::Record {
    v1::Record {
        offset: record.offset.0,
        payload: record.payload,
        headers: record.headers.iter().map(header_message).collect(),
        id: Some(command_id(&record.id)),
        time_ms: record.time.as_ms(),
    }
}

fn record(message: v1::Record) -> Result<Record, Unreadable> {
    Ok(Record {
        offset: Offset(message.offset),
        payload: message.payload,
        headers: message.headers.into_iter().map(header).collect(),
        id: known_id(message.id)?,
        time: time(message.time_ms)?,
    })
}

fn known_id(message: Option<v1::CommandId>) -> Result<Id, Unreadable> {
    fields::id(message).map_err(|_| Unreadable("id"))
}

fn description_message(log: &LogDescription) -> v1::LogDescription {
    v1::LogDescription {
        name: log.name.as_str().to_owned(),
        start: log.start.0,
        end: log.end.0,
        bytes: log.bytes,
        created_ms: log.created.as_ms(),
        retention: Some(retention_message(&log.retention)),
    }
}

fn log_description(message: &v1::LogDescription) -> Result<LogDescription, Unreadable> {
    Ok(LogDescription {
        name: LogName::new(&message.name).map_err(|_| Unreadable("name of a log"))?,
        start: Offset(message.start),
        end: Offset(message.end),
        bytes: message.bytes,
        created: time(message.created_ms)?,
        retention: retention(message.retention),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use std::time::Duration;

    use crate::types::{
        Cell, CellKey, CellValue, Header, KeyedCell, LogTime, Position, ReaderName, ReaderPosition, Retention, Version,
    };
    use crate::wire::outcome::tests::outcomes;

    use super::*;

    fn log() -> LogDescription {
        LogDescription {
            name: LogName::new("orders").unwrap(),
            start: Offset(3),
            end: Offset(9),
            bytes: 1_024,
            created: LogTime::from_ms(77).unwrap(),
            retention: Retention { age: Some(Duration::from_hours(1)), bytes: None, records: Some(7) },
        }
    }

    #[test]
    fn every_page_comes_back() {
        let header = Header { key: "kind".to_owned(), value: Bytes::from_static(b"\xff") };
        let ids = [Id::new("a"), Id::new("019a9f3c-7b00-7abc-8def-0123456789ab"), Id::with_birth("b", LogTime::ZERO)];
        let records = ids.map(|id| Record {
            offset: Offset(7),
            payload: Bytes::from_static(b"x\0y"),
            headers: vec![header.clone()],
            id: id.unwrap(),
            time: LogTime::from_ms(5).unwrap(),
        });
        let whole = Page {
            records: records.to_vec(),
            next: Offset(8),
            end: Offset(20),
            start: Offset(2),
            applied: LogIndex(99),
        };
        assert_eq!(page(read_response(whole.clone())), Ok(whole.clone()));
        assert_eq!(tail_page(tail_response(whole.clone())), Ok(whole));
    }

    #[test]
    fn whatever_was_waited_for_comes_back() {
        let decided = outcomes().into_iter().map(|outcome| Met::Fate(Fate::Decided { outcome, compensated_by: None }));
        let too_old = Met::Fate(Fate::TooOld { floor: LogTime::from_ms(4).unwrap() });
        let cell = Cell { value: CellValue::Integer(-3), version: Version(2), time: LogTime::ZERO };
        let cell = KeyedCell { key: CellKey::new("stock").unwrap(), cell };
        let at = ReaderPosition {
            reader: ReaderName::new("billing").unwrap(),
            log: LogName::new("orders").unwrap(),
            position: Position::default(),
            end: Offset(3),
        };
        let others =
            [Met::LogEnd(Offset(9)), too_old, Met::Cell(Some(cell)), Met::Cell(None), Met::Position(at), Met::LockFree];
        for whole in decided.chain(others) {
            assert_eq!(met(wait_response(&whole, LogIndex(1)).unwrap()), Ok(whole));
        }
        assert_eq!(wait_response(&Met::Fate(Fate::Unknown), LogIndex(1)), None);
    }

    #[test]
    fn every_fate_comes_back() {
        let by = [None, Some(Id::new("undo-1").unwrap())];
        let decided = outcomes().into_iter().zip(by.into_iter().cycle());
        let decided = decided.map(|(outcome, compensated_by)| Fate::Decided { outcome, compensated_by });
        for whole in decided.chain([Fate::Unknown, Fate::TooOld { floor: LogTime::from_ms(4).unwrap() }]) {
            assert_eq!(fate(&lookup_response(&whole, LogIndex(1))), Ok(whole));
        }
    }

    #[test]
    fn every_description_and_listing_comes_back() {
        assert_eq!(description(describe_log_response(&log(), LogIndex(1))), Ok(log()));
        let whole = Listing { logs: vec![log(), log()], more: true, applied: LogIndex(5) };
        assert_eq!(listing(&list_logs_response(&whole)), Ok(whole));
    }
}
