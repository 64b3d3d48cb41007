//! A store as the machine imagines it: effects go in, rows come out.
//!
//! - What effects must keep to is asserted here: records without gaps and never two at one offset, an outcome that
//!   never changes, one place in the due index for each thing, ranges that are no longer needed.
//! - What stayed of something that was deleted is not taken away when that is there again. It says nothing then.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::{Bucket, DeletedLog, Due, Effect, Globals, LogHead, Overlay, Reads, Remembered, Space};
use crate::types::{
    Cell, CellKey, Id, Lock, LockName, LogName, LogNumber, LogTime, Memory, NewRecord, Offset, Position, ReaderName,
    SpaceName, SpaceNumber, Version,
};

/// A record, its id and its time.
type Kept = (NewRecord, Id, LogTime);

/// Everything that effects have written.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) globals: Globals,
    pub(super) spaces: BTreeMap<SpaceName, Space>,
    pub(super) deleted_spaces: BTreeMap<SpaceName, LogTime>,
    pub(super) buckets: BTreeMap<(SpaceNumber, LogTime), Bucket>,
    pub(super) logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    pub(super) deleted_logs: BTreeMap<(SpaceNumber, LogName), DeletedLog>,
    pub(super) cells: BTreeMap<(SpaceNumber, CellKey), Cell>,
    pub(super) positions: BTreeMap<(SpaceNumber, ReaderName, LogName), Position>,
    pub(super) deleted_positions: BTreeMap<(SpaceNumber, ReaderName, LogName), Version>,
    pub(super) locks: BTreeMap<(SpaceNumber, LockName), Lock>,
    pub(super) due: BTreeSet<(LogTime, Due)>,
    pub(super) records: BTreeMap<(SpaceNumber, LogNumber), BTreeMap<Offset, Kept>>,
    /// The first offset of each log that no record ever had.
    ends: BTreeMap<(SpaceNumber, LogNumber), Offset>,
    pub(super) ids: BTreeMap<(SpaceNumber, Id), Remembered>,
}

impl Table {
    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect.clone() {
            Effect::Globals(globals) => self.globals = globals,
            Effect::Space { name, space } => {
                let floor = self.spaces.insert(name, space.clone()).map(|before| before.floor);
                assert!(floor <= Some(space.floor), "a floor never goes back");
            }
            Effect::Bucket { space, start, bucket } => put(&mut self.buckets, (space, start), bucket),
            Effect::Log { space, name, head } => {
                self.logs.insert((space, name), head);
            }
            Effect::LogDeleted { space, name, mark } => {
                self.logs.remove(&(space, name.clone()));
                self.deleted_logs.insert((space, name), mark);
            }
            Effect::Cell { space, key, cell } => put(&mut self.cells, (space, key), cell),
            Effect::Position { space, reader, log, position } => {
                self.positions.insert((space, reader, log), position);
            }
            Effect::PositionDeleted { space, reader, log, version } => {
                self.positions.remove(&(space, reader.clone(), log.clone()));
                self.deleted_positions.insert((space, reader, log), version);
            }
            Effect::Lock { space, name, lock } => put(&mut self.locks, (space, name), lock),
            Effect::Due { at, due, is: true } => {
                self.due.insert((at, due));
            }
            Effect::Due { at, due, is: false } => {
                self.due.remove(&(at, due));
            }
            Effect::Records { space, log, first, id, time, records } => {
                let kept = self.records.entry((space, log)).or_default();
                let end = self.ends.entry((space, log)).or_default();
                assert_eq!(*end, first, "records follow each other without a gap");
                *end = first.plus(records.len() as u64);
                for (offset, record) in (first.0..).zip(records) {
                    kept.insert(Offset(offset), (record, id.clone(), time));
                }
            }
            Effect::Remember { space, id, remembered } => {
                if let Some(before) = self.ids.insert((space, id), remembered.clone()) {
                    let marked = Remembered { compensated_by: remembered.compensated_by, ..before.clone() };
                    assert_eq!(before.compensated_by, None, "a mark is set once");
                    assert_eq!(remembered.outcome, marked.outcome, "an outcome is written once");
                    assert_eq!(remembered.fingerprint, marked.fingerprint, "and so is what it is of");
                }
            }
            Effect::Trim { space, log, from, before } => {
                let kept = self.records.get_mut(&(space, log)).expect("only what is there is trimmed");
                assert!(kept.keys().all(|offset| *offset >= from), "what is in front of a range went before");
                kept.retain(|offset, _| *offset >= before);
            }
            Effect::Forget { space, from, below } => {
                let birth = |id: &Id| id.birth().time().expect("ids of finite spaces have births");
                let is_of = |of: SpaceNumber| of == space;
                assert!(self.ids.keys().all(|(of, id)| !is_of(*of) || birth(id) >= from), "they went before");
                self.ids.retain(|(of, id), _| !is_of(*of) || birth(id) >= below);
            }
            Effect::SpaceDeleted { name, number, at } => {
                let before = self.spaces.remove(&name);
                assert!(before.is_none_or(|before| before.number == number), "another space has this name");
                assert_eq!(self.deleted_spaces.insert(name, at), None, "a name is given once");
                self.drop_space(number);
            }
        }
    }

    fn drop_space(&mut self, number: SpaceNumber) {
        let stays = |space: SpaceNumber| space != number;
        self.buckets.retain(|(space, _), _| stays(*space));
        self.logs.retain(|(space, _), _| stays(*space));
        self.deleted_logs.retain(|(space, _), _| stays(*space));
        self.cells.retain(|(space, _), _| stays(*space));
        self.positions.retain(|(space, _, _), _| stays(*space));
        self.deleted_positions.retain(|(space, _, _), _| stays(*space));
        self.locks.retain(|(space, _), _| stays(*space));
        self.records.retain(|(space, _), _| stays(*space));
        self.ends.retain(|(space, _), _| stays(*space));
        self.ids.retain(|(space, _), _| stays(*space));
    }

    /// Applies an entry's effects, which name each row once and have ranges at their end.
    pub(super) fn apply_entry(&mut self, effects: &[Effect]) {
        let mut rows = BTreeSet::new();
        let mut ranges = false;
        for effect in effects {
            let row = match effect {
                Effect::Globals(_) => "globals".to_owned(),
                Effect::Space { name, .. } | Effect::SpaceDeleted { name, .. } => format!("space {name}"),
                Effect::Bucket { space, start, .. } => format!("bucket {space} {start}"),
                Effect::Log { space, name, .. } | Effect::LogDeleted { space, name, .. } => {
                    format!("log {space} {name}")
                }
                Effect::Cell { space, key, .. } => format!("cell {space} {key}"),
                Effect::Position { space, reader, log, .. } | Effect::PositionDeleted { space, reader, log, .. } => {
                    format!("position {space} {reader} {log}")
                }
                Effect::Lock { space, name, .. } => format!("lock {space} {name}"),
                Effect::Due { at, due, .. } => format!("due {at} {due:?}"),
                Effect::Records { space, log, first, .. } => format!("records {space} {log} {first}"),
                Effect::Remember { space, id, .. } => format!("id {space} {id:?}"),
                Effect::Trim { space, log, .. } => format!("trim {space} {log}"),
                Effect::Forget { space, .. } => format!("forget {space}"),
            };
            assert!(rows.insert(row), "{effect:?} is of a row that was written before");
            let is_range = matches!(effect, Effect::Trim { .. } | Effect::Forget { .. } | Effect::SpaceDeleted { .. });
            assert!(is_range || !ranges, "{effect:?} comes after a range");
            ranges |= is_range;
            self.apply(effect);
        }
    }

    /// All rows.
    pub(super) fn load(&self) -> Overlay {
        let mut overlay = Overlay::default();
        overlay.set_globals(self.globals);
        for (name, space) in &self.spaces {
            overlay.insert_space(name.clone(), space.clone());
        }
        for (name, at) in &self.deleted_spaces {
            overlay.insert_deleted_space(name.clone(), *at);
        }
        for ((space, start), bucket) in &self.buckets {
            overlay.insert_bucket(*space, *start, *bucket);
        }
        for ((space, name), mark) in &self.deleted_logs {
            overlay.insert_deleted_log(*space, name.clone(), *mark);
        }
        for ((space, name), head) in &self.logs {
            overlay.insert_log(*space, name.clone(), head.clone());
        }
        for ((space, key), cell) in &self.cells {
            overlay.insert_cell(*space, key.clone(), cell.clone());
        }
        for ((space, reader, log), version) in &self.deleted_positions {
            overlay.insert_deleted_position(*space, reader.clone(), log.clone(), *version);
        }
        for ((space, reader, log), position) in &self.positions {
            overlay.insert_position(*space, reader.clone(), log.clone(), *position);
        }
        for ((space, name), lock) in &self.locks {
            overlay.insert_lock(*space, name.clone(), lock.clone());
        }
        for ((space, id), remembered) in &self.ids {
            overlay.insert_remembered(*space, id.clone(), remembered.clone());
        }
        for (at, due) in &self.due {
            overlay.insert_due(*at, due.clone());
        }
        overlay
    }

    /// The rows that are named and those that time may look at up to a stamp while it does at most so many things, and no others.
    pub(super) fn fetch(&self, reads: &Reads, stamp: LogTime, room: usize) -> Overlay {
        let mut overlay = Overlay::default();
        overlay.set_globals(self.globals);
        let until = self.globals.clock.max(stamp);
        for name in &reads.spaces {
            self.fetch_space(&mut overlay, name);
        }
        for (name, id) in &reads.ids {
            let Some(space) = self.spaces.get(name) else { continue };
            if let Some(remembered) = self.ids.get(&(space.number, id.clone())) {
                overlay.insert_remembered(space.number, id.clone(), remembered.clone());
            }
            let Some((start, end)) = id.birth().time().and_then(|birth| space.bucket_of(birth)) else { continue };
            if let Some(bucket) = self.buckets.get(&(space.number, start)) {
                overlay.insert_bucket(space.number, start, *bucket);
            }
            let Memory::For(memory) = space.memory else { continue };
            if end.saturating_add(memory) <= until {
                self.fetch_buckets(&mut overlay, space, room);
            }
        }
        for space in reads.spaces.iter().filter_map(|name| self.spaces.get(name)) {
            if space.due.is_some_and(|due| due <= until) {
                self.fetch_buckets(&mut overlay, space, room);
            }
        }
        for space in reads.changed.iter().filter_map(|name| self.spaces.get(name)) {
            self.fetch_buckets(&mut overlay, space, room);
        }
        let number = |name| self.spaces.get(name).map(|space| space.number);
        for (name, log) in &reads.logs {
            let Some(space) = number(name) else { continue };
            self.fetch_log(&mut overlay, space, log);
        }
        for (name, key) in &reads.cells {
            let Some(space) = number(name) else { continue };
            if let Some(cell) = self.cells.get(&(space, key.clone())) {
                overlay.insert_cell(space, key.clone(), cell.clone());
            }
        }
        for (name, reader, log) in &reads.positions {
            let Some(space) = number(name) else { continue };
            let key = (space, reader.clone(), log.clone());
            if let Some(position) = self.positions.get(&key) {
                overlay.insert_position(space, reader.clone(), log.clone(), *position);
            } else if let Some(version) = self.deleted_positions.get(&key) {
                overlay.insert_deleted_position(space, reader.clone(), log.clone(), *version);
            }
        }
        for (name, lock) in &reads.locks {
            let Some(space) = number(name) else { continue };
            self.fetch_lock(&mut overlay, space, lock);
        }
        let most = room + reads.locks.len() + reads.logs.len() + reads.spaces.len();
        for (at, due) in self.due.iter().take(most).filter(|(at, _)| *at <= until) {
            overlay.insert_due(*at, due.clone());
            match due {
                Due::Floor(name) => {
                    self.fetch_space(&mut overlay, name);
                    self.fetch_buckets(&mut overlay, &self.spaces[name], room);
                }
                Due::Lock(space, lock) => self.fetch_lock(&mut overlay, *space, lock),
                Due::Log(space, log) => self.fetch_log(&mut overlay, *space, log),
            }
        }
        overlay
    }

    fn fetch_space(&self, overlay: &mut Overlay, name: &SpaceName) {
        if let Some(space) = self.spaces.get(name) {
            overlay.insert_space(name.clone(), space.clone());
        } else if let Some(at) = self.deleted_spaces.get(name) {
            overlay.insert_deleted_space(name.clone(), *at);
        }
    }

    fn fetch_buckets(&self, overlay: &mut Overlay, space: &Space, room: usize) {
        let oldest = self.buckets.iter().filter(|((of, _), _)| *of == space.number);
        for ((_, start), bucket) in oldest.take(room + 1) {
            overlay.insert_bucket(space.number, *start, *bucket);
        }
    }

    fn fetch_log(&self, overlay: &mut Overlay, space: SpaceNumber, log: &LogName) {
        if let Some(head) = self.logs.get(&(space, log.clone())) {
            overlay.insert_log(space, log.clone(), head.clone());
        } else if let Some(mark) = self.deleted_logs.get(&(space, log.clone())) {
            overlay.insert_deleted_log(space, log.clone(), *mark);
        }
    }

    fn fetch_lock(&self, overlay: &mut Overlay, space: SpaceNumber, name: &LockName) {
        if let Some(lock) = self.locks.get(&(space, name.clone())) {
            overlay.insert_lock(space, name.clone(), lock.clone());
        }
    }
}

fn put<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: Option<V>) {
    match row {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    };
}
