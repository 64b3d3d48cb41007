//! Rows in memory: those that were fetched, and over them what has been decided since.
//!
//! - A row that is not here does not exist. The store must have fetched whatever [`super::Reads`] names, and what may be
//!   due (see [`super::due_in_entry`]).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::types::{
    Cell, CellKey, Id, Lock, LockName, LogName, LogTime, Position, ReaderName, SpaceName, SpaceNumber, Version,
};

use super::rows::{Bucket, DeletedLog, Due, Effect, Globals, LogHead, Remembered, Space};
use super::view::View;

/// The state as far as a few entries need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    globals: Globals,
    spaces: BTreeMap<SpaceName, Space>,
    deleted_spaces: BTreeMap<SpaceName, LogTime>,
    of_spaces: BTreeMap<SpaceNumber, Rows>,
    due: BTreeSet<(LogTime, Due)>,
}

/// What one space holds: nothing to begin with, as soon as the space is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Rows {
    ids: BTreeMap<Id, Remembered>,
    logs: BTreeMap<LogName, LogHead>,
    /// None of them is among the logs.
    deleted_logs: BTreeMap<LogName, DeletedLog>,
    cells: BTreeMap<CellKey, Cell>,
    positions: BTreeMap<ReaderName, BTreeMap<LogName, Position>>,
    /// None of them is among the positions.
    deleted_positions: BTreeMap<ReaderName, BTreeMap<LogName, Version>>,
    locks: BTreeMap<LockName, Lock>,
    buckets: BTreeMap<LogTime, Bucket>,
}

impl Overlay {
    /// What holds for all spaces is this.
    pub fn set_globals(&mut self, globals: Globals) {
        self.globals = globals;
    }

    /// The space is this.
    pub fn insert_space(&mut self, name: SpaceName, space: Space) {
        self.rows(space.number);
        self.spaces.insert(name, space);
    }

    /// The space that had this name was deleted then.
    pub fn insert_deleted_space(&mut self, name: SpaceName, at: LogTime) {
        self.deleted_spaces.insert(name, at);
    }

    /// The bucket that begins there is this.
    pub fn insert_bucket(&mut self, space: SpaceNumber, start: LogTime, bucket: Bucket) {
        self.rows(space).buckets.insert(start, bucket);
    }

    /// The log's head is this.
    pub fn insert_log(&mut self, space: SpaceNumber, name: LogName, head: LogHead) {
        let rows = self.rows(space);
        rows.deleted_logs.remove(&name);
        rows.logs.insert(name, head);
    }

    /// The log is not there, and this is what stayed of it.
    pub fn insert_deleted_log(&mut self, space: SpaceNumber, name: LogName, mark: DeletedLog) {
        let rows = self.rows(space);
        rows.logs.remove(&name);
        rows.deleted_logs.insert(name, mark);
    }

    /// The cell is this.
    pub fn insert_cell(&mut self, space: SpaceNumber, key: CellKey, cell: Cell) {
        self.rows(space).cells.insert(key, cell);
    }

    /// The reader is here in the log.
    pub fn insert_position(&mut self, space: SpaceNumber, reader: ReaderName, log: LogName, position: Position) {
        let rows = self.rows(space);
        take_position(&mut rows.deleted_positions, &reader, &log);
        rows.positions.entry(reader).or_default().insert(log, position);
    }

    /// The reader has no position in the log, and this is the version that it has.
    pub fn insert_deleted_position(&mut self, space: SpaceNumber, reader: ReaderName, log: LogName, version: Version) {
        let rows = self.rows(space);
        take_position(&mut rows.positions, &reader, &log);
        rows.deleted_positions.entry(reader).or_default().insert(log, version);
    }

    /// The lock is this.
    pub fn insert_lock(&mut self, space: SpaceNumber, name: LockName, lock: Lock) {
        self.rows(space).locks.insert(name, lock);
    }

    /// The id is known like this.
    pub fn insert_remembered(&mut self, space: SpaceNumber, id: Id, remembered: Remembered) {
        self.rows(space).ids.insert(id, remembered);
    }

    /// This is due then.
    pub fn insert_due(&mut self, at: LogTime, due: Due) {
        self.due.insert((at, due));
    }

    fn rows(&mut self, space: SpaceNumber) -> &mut Rows {
        self.of_spaces.entry(space).or_default()
    }

    /// Takes a change of state in. Records are not looked at when something is decided, and are left out. What is below
    /// a floor is not looked at either; it goes, so that the rows here are those of a store.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Globals(globals) => self.set_globals(globals),
            Effect::Space { name, space } => self.insert_space(name, space),
            Effect::Bucket { space, start, bucket: Some(bucket) } => self.insert_bucket(space, start, bucket),
            Effect::Bucket { space, start, bucket: None } => {
                self.rows(space).buckets.remove(&start);
            }
            Effect::Log { space, name, head } => self.insert_log(space, name, head),
            Effect::LogDeleted { space, name, mark } => self.insert_deleted_log(space, name, mark),
            Effect::Cell { space, key, cell: Some(cell) } => self.insert_cell(space, key, cell),
            Effect::Cell { space, key, cell: None } => {
                self.rows(space).cells.remove(&key);
            }
            Effect::Position { space, reader, log, position } => self.insert_position(space, reader, log, position),
            Effect::PositionDeleted { space, reader, log, version } => {
                self.insert_deleted_position(space, reader, log, version);
            }
            Effect::Lock { space, name, lock: Some(lock) } => self.insert_lock(space, name, lock),
            Effect::Lock { space, name, lock: None } => {
                self.rows(space).locks.remove(&name);
            }
            Effect::Due { at, due, is: true } => self.insert_due(at, due),
            Effect::Due { at, due, is: false } => {
                self.due.remove(&(at, due));
            }
            Effect::Remember { space, id, remembered } => self.insert_remembered(space, id, remembered),
            Effect::Forget { space, from: _, below } => {
                self.rows(space).ids.retain(|id, _| id.birth().time().is_none_or(|birth| birth >= below));
            }
            Effect::SpaceDeleted { name, number, at } => {
                self.spaces.remove(&name);
                self.of_spaces.remove(&number);
                self.insert_deleted_space(name, at);
            }
            Effect::Trim { .. } | Effect::Records { .. } => {}
        }
    }
}

/// Takes out what a reader has in a log, and the reader with the last of it.
fn take_position<T>(of: &mut BTreeMap<ReaderName, BTreeMap<LogName, T>>, reader: &ReaderName, log: &LogName) {
    if let Some(logs) = of.get_mut(reader) {
        logs.remove(log);
        if logs.is_empty() {
            of.remove(reader);
        }
    }
}

impl View for Overlay {
    fn globals(&self) -> Globals {
        self.globals
    }

    fn space(&self, name: &SpaceName) -> Option<&Space> {
        self.spaces.get(name)
    }

    fn deleted_space(&self, name: &SpaceName) -> Option<LogTime> {
        self.deleted_spaces.get(name).copied()
    }

    fn log(&self, space: SpaceNumber, name: &LogName) -> Option<&LogHead> {
        self.of_spaces.get(&space)?.logs.get(name)
    }

    fn deleted_log(&self, space: SpaceNumber, name: &LogName) -> Option<&DeletedLog> {
        self.of_spaces.get(&space)?.deleted_logs.get(name)
    }

    fn remembered(&self, space: SpaceNumber, id: &Id) -> Option<&Remembered> {
        self.of_spaces.get(&space)?.ids.get(id)
    }

    fn cell(&self, space: SpaceNumber, key: &CellKey) -> Option<&Cell> {
        self.of_spaces.get(&space)?.cells.get(key)
    }

    fn position(&self, space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Option<&Position> {
        self.of_spaces.get(&space)?.positions.get(reader)?.get(log)
    }

    fn deleted_position(&self, space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Option<Version> {
        self.of_spaces.get(&space)?.deleted_positions.get(reader)?.get(log).copied()
    }

    fn lock(&self, space: SpaceNumber, name: &LockName) -> Option<&Lock> {
        self.of_spaces.get(&space)?.locks.get(name)
    }

    fn bucket(&self, space: SpaceNumber, start: LogTime) -> Option<&Bucket> {
        self.of_spaces.get(&space)?.buckets.get(&start)
    }

    fn bucket_after(&self, space: SpaceNumber, after: Option<LogTime>) -> Option<(LogTime, &Bucket)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (start, bucket) = self.of_spaces.get(&space)?.buckets.range((from, Bound::Unbounded)).next()?;
        Some((*start, bucket))
    }

    fn next_due(&self) -> Option<(LogTime, &Due)> {
        self.due.first().map(|(at, due)| (*at, due))
    }
}
