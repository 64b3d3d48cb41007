//! Looking at cells, readers, locks and spaces: requests with every field checked, and what is found ⇄ messages.

use std::time::Duration;

use crate::types::limits::PAGE_NAMES_MAX;
use crate::types::{
    CellKey, Cells, Consistency, Duplicates, DuplicatesOfAge, KeyedCell, Listed, LockName, LockReading, Locks,
    LogIndex, LogName, Memory, NodeId, Positions, ReaderName, ReaderPosition, Sequence, SpaceDescription, SpaceName,
    SpacePolicy, Spaces,
};

use super::action::memory_message;
use super::cell::{
    cell, cell_message, lock, lock_message, log_creation, log_creation_message, milliseconds, named_lock, position,
    position_message,
};
use super::fields::{self, Wrong, Wrongs};
use super::outcome::{Unreadable, time};
use super::status::ErrorReport;
use super::v1;

/// Something of a space that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look<T> {
    /// The space.
    pub space: SpaceName,
    /// What.
    pub at: T,
    /// How fresh.
    pub consistency: Consistency,
}

/// A listing that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<After, Filter> {
    /// Only what comes after this.
    pub after: Option<After>,
    /// Only what fits this.
    pub only: Filter,
    /// At most so many.
    pub limit: usize,
}

/// The whole request, unless one of its fields is wrong.
fn look<T>(space: &str, at: impl FnOnce(&mut Wrongs) -> Option<T>, consistency: i32) -> Result<Look<T>, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(space));
    let at = at(&mut wrongs);
    let consistency = wrongs.take(fields::consistency(consistency));
    match (space, at, consistency) {
        (Some(space), Some(at), Some(consistency)) => Ok(Look { space, at, consistency }),
        _ => Err(wrongs.into_report()),
    }
}

/// Checks a request for a cell.
pub fn get_cell(request: &v1::GetCellRequest) -> Result<Look<CellKey>, ErrorReport> {
    let at = |wrongs: &mut Wrongs| wrongs.take(fields::cell_key("key", &request.key));
    look(&request.space, at, request.consistency)
}

/// Checks a request for cells. The filter is what their keys begin with.
pub fn list_cells(request: v1::ListCellsRequest) -> Result<Look<List<CellKey, String>>, ErrorReport> {
    let after = |wrongs: &mut Wrongs| {
        let after = wrongs.take(fields::if_given(&request.after, |text| fields::cell_key("after", text)))?;
        Some(List { after, only: request.prefix, limit: fields::limit(request.limit, PAGE_NAMES_MAX) })
    };
    look(&request.space, after, request.consistency)
}

/// Checks a request for a reader's position.
pub fn get_position(request: &v1::GetPositionRequest) -> Result<Look<(ReaderName, LogName)>, ErrorReport> {
    let at = |wrongs: &mut Wrongs| {
        let reader = wrongs.take(fields::reader_name("reader", &request.reader));
        let log = wrongs.take(fields::log_name("log", &request.log));
        Some((reader?, log?))
    };
    look(&request.space, at, request.consistency)
}

/// What readers' positions are listed by.
pub type ListPositions = List<(ReaderName, LogName), Option<ReaderName>>;

/// Checks a request for positions. The filter is their reader.
pub fn list_positions(request: &v1::ListPositionsRequest) -> Result<Look<ListPositions>, ErrorReport> {
    let at = |wrongs: &mut Wrongs| {
        let only = wrongs.take(fields::if_given(&request.reader, |text| fields::reader_name("reader", text)));
        let reader = |text: &str| fields::reader_name("after_reader", text);
        let after_reader = wrongs.take(fields::if_given(&request.after_reader, reader));
        let after_log = wrongs.take(fields::if_given(&request.after_log, |text| fields::log_name("after_log", text)));
        let after = match (after_reader?, after_log?) {
            (Some(reader), Some(log)) => Some((reader, log)),
            (None, None) => None,
            _ => {
                wrongs.add(Wrong::malformed("after_log", &"a place has a reader and a log, or neither"));
                return None;
            }
        };
        Some(List { after, only: only?, limit: fields::limit(request.limit, PAGE_NAMES_MAX) })
    };
    look(&request.space, at, request.consistency)
}

/// Checks a request for a lock.
pub fn get_lock(request: &v1::GetLockRequest) -> Result<Look<LockName>, ErrorReport> {
    let at = |wrongs: &mut Wrongs| wrongs.take(fields::lock_name("lock", &request.lock));
    look(&request.space, at, request.consistency)
}

/// Checks a request for locks. The filter is what their names begin with.
pub fn list_locks(request: v1::ListLocksRequest) -> Result<Look<List<LockName, String>>, ErrorReport> {
    let at = |wrongs: &mut Wrongs| {
        let after = wrongs.take(fields::if_given(&request.after, |text| fields::lock_name("after", text)))?;
        Some(List { after, only: request.prefix, limit: fields::limit(request.limit, PAGE_NAMES_MAX) })
    };
    look(&request.space, at, request.consistency)
}

/// Checks a request to describe a space.
pub fn describe_space(request: &v1::DescribeSpaceRequest) -> Result<Look<()>, ErrorReport> {
    look(&request.space, |_| Some(()), request.consistency)
}

/// Checks a request for spaces.
pub fn list_spaces(request: &v1::ListSpacesRequest) -> Result<Look<List<SpaceName, ()>>, ErrorReport> {
    let at = |wrongs: &mut Wrongs| {
        let after = wrongs.take(fields::if_given(&request.after, |text| fields::named_space("after", text)))?;
        Some(List { after, only: (), limit: fields::limit(request.limit, PAGE_NAMES_MAX) })
    };
    look("", at, request.consistency)
}

/// A cell, to be sent.
pub fn get_cell_response(cell: &KeyedCell, applied: LogIndex) -> v1::GetCellResponse {
    v1::GetCellResponse { cell: Some(cell_message(cell)), applied_index: applied.0 }
}

/// A cell that was received.
pub fn got_cell(message: v1::GetCellResponse) -> Result<KeyedCell, Unreadable> {
    cell(message.cell.ok_or(Unreadable("cell"))?)
}

/// Cells, to be sent.
pub fn list_cells_response(cells: &Cells) -> v1::ListCellsResponse {
    v1::ListCellsResponse {
        cells: cells.items.iter().map(cell_message).collect(),
        more: cells.more,
        applied_index: cells.applied.0,
    }
}

/// Cells that were received.
pub fn cells(message: v1::ListCellsResponse) -> Result<Cells, Unreadable> {
    let items = message.cells.into_iter().map(cell).collect::<Result<_, _>>()?;
    Ok(Listed { items, more: message.more, applied: LogIndex(message.applied_index) })
}

/// A position, to be sent.
pub fn get_position_response(at: &ReaderPosition, applied: LogIndex) -> v1::GetPositionResponse {
    v1::GetPositionResponse { position: Some(position_message(at)), applied_index: applied.0 }
}

/// A position that was received.
pub fn got_position(message: &v1::GetPositionResponse) -> Result<ReaderPosition, Unreadable> {
    position(message.position.as_ref().ok_or(Unreadable("position"))?)
}

/// Positions, to be sent.
pub fn list_positions_response(positions: &Positions) -> v1::ListPositionsResponse {
    v1::ListPositionsResponse {
        positions: positions.items.iter().map(position_message).collect(),
        more: positions.more,
        applied_index: positions.applied.0,
    }
}

/// Positions that were received.
pub fn positions(message: &v1::ListPositionsResponse) -> Result<Positions, Unreadable> {
    let items = message.positions.iter().map(position).collect::<Result<_, _>>()?;
    Ok(Listed { items, more: message.more, applied: LogIndex(message.applied_index) })
}

/// A lock, to be sent.
pub fn get_lock_response(name: &LockName, reading: &LockReading, applied: LogIndex) -> v1::GetLockResponse {
    v1::GetLockResponse {
        lock: reading.lock.as_ref().map(|held| lock_message(name.as_str(), held)),
        applied_index: applied.0,
        clock_ms: reading.clock.as_ms(),
    }
}

/// A lock that was received.
pub fn got_lock(message: &v1::GetLockResponse) -> Result<LockReading, Unreadable> {
    let lock = message.lock.as_ref().map(lock).transpose()?;
    Ok(LockReading { lock, clock: time(message.clock_ms)? })
}

/// Locks, to be sent.
pub fn list_locks_response(locks: &Locks, clock: crate::types::LogTime) -> v1::ListLocksResponse {
    v1::ListLocksResponse {
        locks: locks.items.iter().map(|named| lock_message(named.name.as_str(), &named.lock)).collect(),
        more: locks.more,
        applied_index: locks.applied.0,
        clock_ms: clock.as_ms(),
    }
}

/// Locks that were received.
pub fn locks(message: &v1::ListLocksResponse) -> Result<Locks, Unreadable> {
    let items = message.locks.iter().map(named_lock).collect::<Result<_, _>>()?;
    Ok(Listed { items, more: message.more, applied: LogIndex(message.applied_index) })
}

/// A space, to be sent.
pub fn describe_space_response(
    space: &SpaceDescription,
    duplicates: &Duplicates,
    applied: LogIndex,
) -> v1::DescribeSpaceResponse {
    let of_age = |of: &DuplicatesOfAge| v1::DuplicatesOfAge { below_ms: of.below.map(milliseconds), count: of.count };
    v1::DescribeSpaceResponse {
        space: Some(space_message(space)),
        duplicates: duplicates.ages.iter().map(of_age).collect(),
        node_id: duplicates.node.0,
        applied_index: applied.0,
    }
}

/// A space that was received, with what the answering node saw of duplicates.
pub fn space_description(message: &v1::DescribeSpaceResponse) -> Result<(SpaceDescription, Duplicates), Unreadable> {
    let of_age =
        |of: &v1::DuplicatesOfAge| DuplicatesOfAge { below: of.below_ms.map(Duration::from_millis), count: of.count };
    let duplicates =
        Duplicates { node: NodeId(message.node_id), ages: message.duplicates.iter().map(of_age).collect() };
    Ok((space(message.space.as_ref().ok_or(Unreadable("space"))?)?, duplicates))
}

/// Spaces, to be sent.
pub fn list_spaces_response(spaces: &Spaces) -> v1::ListSpacesResponse {
    v1::ListSpacesResponse {
        spaces: spaces.items.iter().map(space_message).collect(),
        more: spaces.more,
        applied_index: spaces.applied.0,
    }
}

/// Spaces that were received.
pub fn spaces(message: &v1::ListSpacesResponse) -> Result<Spaces, Unreadable> {
    let items = message.spaces.iter().map(space).collect::<Result<_, _>>()?;
    Ok(Listed { items, more: message.more, applied: LogIndex(message.applied_index) })
}

fn space_message(space: &SpaceDescription) -> v1::SpaceDescription {
    v1::SpaceDescription {
        name: space.name.as_str().to_owned(),
        memory_ms: memory_message(space.policy.memory),
        logs: log_creation_message(space.policy.logs),
        floor_ms: space.floor.as_ms(),
        clock_ms: space.clock.as_ms(),
        ids: space.ids,
        id_bytes: space.id_bytes,
        last_sequence: space.last_sequence.0,
    }
}

fn space(message: &v1::SpaceDescription) -> Result<SpaceDescription, Unreadable> {
    let memory = message.memory_ms.map_or(Memory::Forever, |ms| Memory::For(Duration::from_millis(ms)));
    Ok(SpaceDescription {
        name: SpaceName::new(&message.name).map_err(|_| Unreadable("name of a space"))?,
        policy: SpacePolicy { memory, logs: log_creation(message.logs)?.unwrap_or_default() },
        floor: time(message.floor_ms)?,
        clock: time(message.clock_ms)?,
        ids: message.ids,
        id_bytes: message.id_bytes,
        last_sequence: Sequence(message.last_sequence),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::types::{
        Cell, CellValue, History, Holder, Lock, LogCreation, LogTime, NamedLock, Offset, Position, Token, Version,
    };

    use super::*;

    fn time(ms: u64) -> LogTime {
        LogTime::from_ms(ms).unwrap()
    }

    fn keyed(value: CellValue) -> KeyedCell {
        KeyedCell { key: CellKey::new("Zürich/7").unwrap(), cell: Cell { value, version: Version(4), time: time(9) } }
    }

    fn held() -> Lock {
        let token = Token { history: History(3), sequence: Sequence(8) };
        Lock { holder: Holder::new("worker 1").unwrap(), token, expires: time(77) }
    }

    #[test]
    fn whatever_is_found_comes_back() {
        let cells_found =
            vec![keyed(CellValue::Integer(i64::MIN)), keyed(CellValue::Bytes(Bytes::from_static(b"\xff")))];
        for cell in &cells_found {
            assert_eq!(got_cell(get_cell_response(cell, LogIndex(1))), Ok(cell.clone()));
        }
        let whole = Listed { items: cells_found, more: true, applied: LogIndex(5) };
        assert_eq!(cells(list_cells_response(&whole)), Ok(whole));

        let position = Position { offset: Offset(4), version: Version(6), time: time(3) };
        let at = ReaderPosition {
            reader: ReaderName::new("billing").unwrap(),
            log: LogName::new("orders").unwrap(),
            position,
            end: Offset(9),
        };
        assert_eq!(got_position(&get_position_response(&at, LogIndex(1))), Ok(at.clone()));
        let whole = Listed { items: vec![at], more: false, applied: LogIndex(5) };
        assert_eq!(positions(&list_positions_response(&whole)), Ok(whole));

        let name = LockName::new("nightly").unwrap();
        for lock in [None, Some(held())] {
            let reading = LockReading { lock, clock: time(70) };
            assert_eq!(got_lock(&get_lock_response(&name, &reading, LogIndex(1))), Ok(reading));
        }
        let whole = Listed { items: vec![NamedLock { name, lock: held() }], more: false, applied: LogIndex(5) };
        assert_eq!(locks(&list_locks_response(&whole, time(1))), Ok(whole));
    }

    #[test]
    fn every_space_comes_back() {
        let of = |memory, logs| SpaceDescription {
            name: SpaceName::new("eu").unwrap(),
            policy: SpacePolicy { memory, logs },
            floor: time(5),
            clock: time(6),
            ids: 7,
            id_bytes: 800,
            last_sequence: Sequence(9),
        };
        let ages = vec![
            DuplicatesOfAge { below: Some(Duration::from_secs(1)), count: 4 },
            DuplicatesOfAge { below: None, count: 0 },
        ];
        let duplicates = Duplicates { node: NodeId(2), ages };
        let all = [
            of(Memory::Forever, LogCreation::ByAppend),
            of(Memory::For(Duration::from_mins(5)), LogCreation::Explicit),
        ];
        for space in &all {
            let message = describe_space_response(space, &duplicates, LogIndex(1));
            assert_eq!(space_description(&message), Ok((space.clone(), duplicates.clone())));
        }
        let whole = Listed { items: all.to_vec(), more: false, applied: LogIndex(5) };
        assert_eq!(spaces(&list_spaces_response(&whole)), Ok(whole));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let fields_of = |report: ErrorReport| {
            report.field_violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
        };
        let (space, consistency) = ("Ü".to_owned(), 99);
        let wrong = v1::GetCellRequest { space: space.clone(), key: String::new(), consistency };
        assert_eq!(fields_of(get_cell(&wrong).unwrap_err()), ["space", "key", "consistency"]);
        let wrong = v1::GetPositionRequest { space: space.clone(), consistency, ..Default::default() };
        assert_eq!(fields_of(get_position(&wrong).unwrap_err()), ["space", "reader", "log", "consistency"]);
        let wrong = v1::ListPositionsRequest { after_reader: "a".to_owned(), ..Default::default() };
        assert_eq!(fields_of(list_positions(&wrong).unwrap_err()), ["after_log"]);
        let wrong = v1::GetLockRequest { space: space.clone(), lock: String::new(), consistency };
        assert_eq!(fields_of(get_lock(&wrong).unwrap_err()), ["space", "lock", "consistency"]);
        let wrong = v1::ListSpacesRequest { after: space, limit: 0, consistency };
        assert_eq!(fields_of(list_spaces(&wrong).unwrap_err()), ["after", "consistency"]);
    }
}
