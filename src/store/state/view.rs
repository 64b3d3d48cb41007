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
use crate::machine::{Globals, LogHead, Remembered, Space};
use crate::types::{Id, LogId, LogIndex, LogName, Offset, Record, SpaceName};

/// What is applied, for reading.
#[derive(Debug, Clone)]
pub struct View {
    generation: Arc<Generation>,
    applied: Arc<Applied>,
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
    pub(super) fn new(generation: Arc<Generation>, applied: Arc<Applied>, health: Arc<Health>) -> Self {
        Self { generation, applied, health }
    }

    /// The index of the last applied entry. Every answer of this view includes it.
    pub fn applied_index(&self) -> Option<LogIndex> {
        self.applied.log_id.map(|log_id| log_id.index)
    }

    /// The last applied entry. Every answer of this view includes it.
    pub fn applied_log_id(&self) -> Option<LogId> {
        self.applied.log_id
    }

    /// What holds for all spaces.
    pub fn globals(&self) -> Globals {
        self.applied.globals
    }

    /// A space.
    pub fn space(&self, name: &SpaceName) -> Result<Option<Space>, Error> {
        self.health.check()?;
        self.generation.space(self.generation.database(), name)
    }

    /// A log of a space.
    pub fn log(&self, space: &SpaceName, name: &LogName) -> Result<Option<LogHead>, Error> {
        match self.space(space)? {
            None => Ok(None),
            Some(space) => self.generation.log(self.generation.database(), space.number, name),
        }
    }

    /// The logs of a space in the order of their names, at most `limit` from the one after `after` on, and whether there
    /// are more. A space that does not exist has none.
    pub fn logs(
        &self,
        space: &SpaceName,
        after: Option<&LogName>,
        limit: usize,
    ) -> Result<(Vec<(LogName, LogHead)>, bool), Error> {
        let Some(space) = self.space(space)? else {
            return Ok((Vec::new(), false));
        };
        let prefix = keys::logs(space.number);
        let first = after.map_or_else(|| prefix.to_vec(), |after| [&keys::log(space.number, after)[..], &[0]].concat());
        let mut options = scanning();
        if let Some(end) = keys::after_prefix(&prefix) {
            options.set_iterate_upper_bound(end);
        }
        let mut logs = Vec::new();
        let mode = IteratorMode::From(&first, Direction::Forward);
        for row in self.generation.database().iterator_cf_opt(self.generation.small(), options, mode) {
            let (key, value) = row.map_err(Error::database("list logs"))?;
            if logs.len() == limit {
                return Ok((logs, true));
            }
            let Some(name) = keys::log_name(space.number, &key) else {
                return Err(Error::corrupt(format!("the logs of space {}", space.number), "a key is not a log's"));
            };
            let head = rows::read_log(value.into()).map_err(Error::undecodable(format!("head of log {name}")))?;
            logs.push((name, head));
        }
        Ok((logs, false))
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
