//! Reads what is applied.
//!
//! - A view holds on to one generation. Each call sees one moment: that of the view, or a later one.
//! - Whoever waits for an index takes the view after the wait: another generation may have become the state meanwhile.

use std::sync::Arc;

use rocksdb::{Direction, IteratorMode};

use super::error::Error;
use super::generation::{Applied, Generation, scanning};
use super::health::Health;
use super::{keys, rows};
use crate::machine::{DeletedLog, Globals, LogHead, Remembered, Space};
use crate::types::{
    Cell, CellKey, Id, Lock, LockName, LogIndex, LogName, LogTime, Offset, Position, ReaderName, Record, SpaceName,
};

/// What is applied, for reading.
#[derive(Debug, Clone)]
pub struct View {
    generation: Arc<Generation>,
    applied: Arc<Applied>,
    next_due: Option<LogTime>,
    health: Arc<Health>,
}

/// Some records of a log, and the log as it was when they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records: without a gap, the first at the offset asked for, or at `start` if that is later.
    pub records: Vec<Record>,
    /// Where the next page begins.
    pub next: Offset,
    /// The first offset that is there.
    pub start: Offset,
    /// The offset that the next record gets.
    pub end: Offset,
}

impl View {
    pub(super) fn new(
        generation: Arc<Generation>,
        applied: Arc<Applied>,
        next_due: Option<LogTime>,
        health: Arc<Health>,
    ) -> Self {
        Self { generation, applied, next_due, health }
    }

    /// The index of the last applied entry. Every answer of this view includes it.
    pub fn applied_index(&self) -> Option<LogIndex> {
        self.applied.log_id.map(|log_id| log_id.index)
    }

    /// What holds for all spaces.
    pub fn globals(&self) -> Globals {
        self.applied.globals
    }

    /// When something is due first. No disk is asked.
    pub fn next_due(&self) -> Result<Option<LogTime>, Error> {
        self.health.check()?;
        Ok(self.next_due)
    }

    /// A space.
    pub fn space(&self, name: &SpaceName) -> Result<Option<Space>, Error> {
        self.health.check()?;
        self.generation.space(self.generation.database(), name)
    }

    /// When a space was deleted that had this name.
    pub fn deleted_space(&self, name: &SpaceName) -> Result<Option<LogTime>, Error> {
        self.health.check()?;
        self.generation.deleted_space(self.generation.database(), name)
    }

    /// A log of a space.
    pub fn log(&self, space: &SpaceName, name: &LogName) -> Result<Option<LogHead>, Error> {
        match self.space(space)? {
            None => Ok(None),
            Some(space) => self.generation.log(self.generation.database(), space.number, name),
        }
    }

    /// What stayed of a log of a space that was deleted. It says nothing about one that is there again.
    pub fn deleted_log(&self, space: &SpaceName, name: &LogName) -> Result<Option<DeletedLog>, Error> {
        match self.space(space)? {
            None => Ok(None),
            Some(space) => self.generation.deleted_log(self.generation.database(), space.number, name),
        }
    }

    /// Where a log of a space ends, or ended when it was deleted. One that never was ends at 0.
    pub fn log_end(&self, space: &SpaceName, name: &LogName) -> Result<Offset, Error> {
        match self.space(space)? {
            None => Ok(Offset(0)),
            Some(space) => self.generation.log_end(self.generation.database(), space.number, name),
        }
    }

    /// A cell of a space.
    pub fn cell(&self, space: &SpaceName, key: &CellKey) -> Result<Option<Cell>, Error> {
        match self.space(space)? {
            None => Ok(None),
            Some(space) => self.generation.cell(self.generation.database(), space.number, key),
        }
    }

    /// Where a reader is in a log; at the beginning if it was never moved, or was deleted since.
    pub fn position(&self, space: &SpaceName, reader: &ReaderName, log: &LogName) -> Result<Position, Error> {
        let Some(space) = self.space(space)? else { return Ok(Position::default()) };
        let database = self.generation.database();
        if let Some(position) = self.generation.position(database, space.number, reader, log)? {
            return Ok(position);
        }
        let deleted = self.generation.deleted_position(database, space.number, reader, log)?;
        Ok(deleted.map(Position::deleted).unwrap_or_default())
    }

    /// A lock's row. It is held only until it expires, whether or not the row is gone by then.
    pub fn lock(&self, space: &SpaceName, name: &LockName) -> Result<Option<Lock>, Error> {
        match self.space(space)? {
            None => Ok(None),
            Some(space) => self.generation.lock(self.generation.database(), space.number, name),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.health.check()
    }

    pub(super) fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Records of a log from an offset on: at most `count_max`, and at most `bytes_max` unless the first alone is
    /// longer. None if the log does not exist.
    pub fn records(
        &self,
        space: &SpaceName,
        log: &LogName,
        from: Offset,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Page>, Error> {
        self.health.check()?;
        // The head and the records of one moment: a log that is trimmed meanwhile must not seem to have gaps.
        let snapshot = self.generation.database().snapshot();
        let Some(space) = self.generation.space(&snapshot, space)? else {
            return Ok(None);
        };
        let Some(head) = self.generation.log(&snapshot, space.number, log)? else {
            return Ok(None);
        };
        let first = from.max(head.start);
        let mut page = Page { records: Vec::new(), next: first, start: head.start, end: head.end };
        if first >= head.end || count_max == 0 {
            return Ok(Some(page));
        }
        let mut options = scanning();
        options.set_iterate_upper_bound(keys::record(space.number, head.number, head.end));
        let start = keys::record(space.number, head.number, first);
        let mode = IteratorMode::From(&start, Direction::Forward);
        let mut bytes = 0;
        for row in snapshot.iterator_cf_opt(self.generation.records(), options, mode) {
            let (key, value) = row.map_err(Error::database("read records"))?;
            let place = || format!("record {} of log {log}", page.next);
            if *key != keys::record(space.number, head.number, page.next) {
                return Err(Error::corrupt(place(), "the record is missing"));
            }
            let record = rows::read_record(page.next, value.into()).map_err(Error::undecodable(place()))?;
            bytes += size(&record);
            if bytes > bytes_max && !page.records.is_empty() {
                return Ok(Some(page));
            }
            page.records.push(record);
            page.next = page.next.next();
            if page.records.len() == count_max {
                return Ok(Some(page));
            }
        }
        if page.next < head.end {
            return Err(Error::corrupt(format!("record {} of log {log}", page.next), "the record is missing"));
        }
        Ok(Some(page))
    }

    /// What a space knows of an id. A space that does not exist knows none.
    pub fn remembered(&self, space: &SpaceName, id: &Id) -> Result<Option<Remembered>, Error> {
        let Some(space) = self.space(space)? else {
            return Ok(None);
        };
        let key = keys::id(space.number, id);
        let found = self.generation.remembered_sorted(&[&key])?;
        Ok(found.into_iter().next().flatten())
    }

    /// Whether memory alone can tell that the id is not known. `false`: it may be known, and a disk may have to be asked.
    pub fn surely_lacks(&self, space: &SpaceName, id: &Id) -> Result<bool, Error> {
        self.health.check()?;
        self.generation.surely_lacks(space, id)
    }

    /// What spaces know of many ids, each in its place.
    pub fn remembered_many(&self, wanted: &[(SpaceName, Id)]) -> Result<Vec<Option<Remembered>>, Error> {
        self.health.check()?;
        let mut space: Option<(&SpaceName, Option<Space>)> = None;
        let mut sorted = Vec::with_capacity(wanted.len());
        for (place, (name, id)) in wanted.iter().enumerate() {
            // Neighbours are mostly of one space.
            if space.as_ref().is_none_or(|(known, _)| *known != name) {
                space = Some((name, self.space(name)?));
            }
            if let Some((_, Some(space))) = &space {
                sorted.push((keys::id(space.number, id), place));
            }
        }
        sorted.sort_unstable();
        let keys: Vec<_> = sorted.iter().map(|(key, _)| key.as_slice()).collect();
        let found = self.generation.remembered_sorted(&keys)?;
        let mut remembered = vec![None; wanted.len()];
        for ((_, place), found) in sorted.into_iter().zip(found) {
            if let Some(slot) = remembered.get_mut(place) {
                *slot = found;
            }
        }
        Ok(remembered)
    }
}

fn size(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|header| header.key.len() + header.value.len()).sum();
    record.payload.len() + headers
}
