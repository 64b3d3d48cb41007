//! What became of a chunk of entries, and the one write that makes it so.
//!
//! - Rows are written as they are in the end; what they were in between nobody can see.
//! - What goes in ranges (records that were trimmed, ids that were forgotten) goes after all that is put: it may be of the
//!   same chunk, and what is put after a range moved on is never inside of it.
//! - A space that goes takes with it what the same chunk put into it: its ranges are the last of all, and nothing is
//!   put into it after it went.
//! - The ranges are left to `RocksDB`'s compactions. To delete whole files of them at once would take records from under a
//!   reader that is in the middle of a page.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use rocksdb::WriteBatch;

use super::apply::{Step, Work};
use super::generation::{Applied, Generation};
use super::recent::Recent;
use super::{keys, rows};
use crate::machine::{Bucket, DeletedLog, Digest, Due, Effect, LogHead, Overlay, Ran, Space, View, admit_history, run};
use crate::store::entry;
use crate::types::limits::{DIGEST_INTERVAL, DIGESTS_KEPT};
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{
    Answer, LogIndex, LogName, LogNumber, LogTime, MachineVersion, Offset, SpaceName, SpaceNumber, StoredMembership,
};

/// So many records and fewer are trimmed one by one. Each range makes the reads slower that come before the next flush, and a
/// queue is trimmed as often as it is read.
const TRIMMED_ONE_BY_ONE: u64 = 256;

/// Which of the rows of a chunk were appended where.
struct Appended {
    space: SpaceNumber,
    log: LogNumber,
    first: Offset,
    rows: Range<usize>,
}

/// What must never be written alone, and is by a seeded bug.
#[derive(Clone, Copy)]
pub(super) enum Torn {
    Ids,
    Index,
}

/// What became of a chunk of entries.
pub(super) struct Done {
    pub(super) answers: Vec<Vec<Answer>>,
    pub(super) applied: Applied,
    membership_changed: bool,
    pub(super) spaces: BTreeMap<SpaceName, Space>,
    pub(super) logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    /// What stays of logs that were deleted, also of those that were made again: a row may not hang on where chunks
    /// end.
    pub(super) deleted_logs: BTreeMap<(SpaceNumber, LogName), DeletedLog>,
    records: Vec<([u8; 20], Vec<u8>)>,
    appends: Vec<Appended>,
    /// In the end sorted by key; of two with one key the later counts.
    pub(super) ids: Vec<(Vec<u8>, Vec<u8>)>,
    /// Cells, positions, what stayed of positions, and locks, by key; none: the row goes.
    pub(super) watched: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    buckets: BTreeMap<(SpaceNumber, LogTime), Option<Bucket>>,
    /// Whether something is due at a time, or no longer is.
    pub(super) due: BTreeMap<(LogTime, Due), bool>,
    /// Records that go: from an offset on and before another.
    trimmed: BTreeMap<(SpaceNumber, LogNumber), (Offset, Offset)>,
    /// Ids that go: born from a time on and before another.
    pub(super) forgotten: BTreeMap<SpaceNumber, (LogTime, LogTime)>,
    /// Spaces that go.
    pub(super) deleted_spaces: BTreeMap<SpaceName, (SpaceNumber, LogTime)>,
    pub(super) digests: VecDeque<(LogIndex, Digest)>,
    digests_new: Vec<(LogIndex, Digest)>,
    digests_gone: Vec<LogIndex>,
}

impl Done {
    /// Decides the entries, whose rows are in the overlay.
    pub(super) fn decide(
        steps: Vec<Step>,
        mut overlay: Overlay,
        applied: Applied,
        digests: VecDeque<(LogIndex, Digest)>,
    ) -> Self {
        let mut done = Self {
            answers: Vec::with_capacity(steps.len()),
            applied,
            membership_changed: false,
            spaces: BTreeMap::new(),
            logs: BTreeMap::new(),
            deleted_logs: BTreeMap::new(),
            records: Vec::new(),
            appends: Vec::new(),
            ids: Vec::new(),
            watched: BTreeMap::new(),
            buckets: BTreeMap::new(),
            due: BTreeMap::new(),
            trimmed: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            deleted_spaces: BTreeMap::new(),
            digests,
            digests_new: Vec::new(),
            digests_gone: Vec::new(),
        };
        for Step { id, work } in steps {
            let (version, ran) = match work {
                Work::Nothing => (MachineVersion::FIRST, Ran::default()),
                Work::Admit(membership) => {
                    let histories = membership.members.values().map(|member| member.history);
                    let effect = admit_history(overlay.globals(), histories);
                    if let Some(effect) = &effect {
                        overlay.apply(effect.clone());
                    }
                    done.applied.membership = StoredMembership { log_id: Some(id), membership };
                    done.membership_changed = true;
                    (MachineVersion::FIRST, Ran { answers: Vec::new(), effects: effect.into_iter().collect() })
                }
                Work::Decide(batch) => (batch.machine_version, run(&mut overlay, &batch)),
            };
            done.applied.digest = done.applied.digest.next(id.index, version, &ran.answers, &ran.effects);
            done.applied.log_id = Some(id);
            ran.effects.into_iter().for_each(|effect| done.take(effect));
            done.answers.push(ran.answers);
            done.remember_digest(id.index);
        }
        if seeded(Bug::MarkLostInChunk) {
            // Of two rows of one id the earlier is written last.
            done.ids.reverse();
        }
        // In the order of the keys, inserts into the memtable lie side by side.
        done.ids.sort_by(|one, other| one.0.cmp(&other.0));
        done
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::Globals(globals) => self.applied.globals = globals,
            Effect::Space { name, space } => {
                self.spaces.insert(name, space);
            }
            Effect::Log { space, name, head } => {
                self.logs.insert((space, name), head);
            }
            Effect::LogDeleted { space, name, mark } => {
                self.logs.remove(&(space, name.clone()));
                self.deleted_logs.insert((space, name), mark);
            }
            Effect::Records { space, log, first, id, time, records } => {
                let rows = self.records.len()..self.records.len() + records.len();
                self.appends.push(Appended { space, log, first, rows });
                let mut offset = first;
                for mut record in records {
                    if seeded(Bug::HeaderNotStored) {
                        // The digest is made of what should have been stored.
                        record.headers.pop();
                    }
                    self.records.push((keys::record(space, log, offset), rows::record(time, &id, &record)));
                    offset = offset.next();
                }
            }
            Effect::Remember { space, id, remembered } => {
                self.ids.push((keys::id(space, &id), rows::remembered(&remembered)));
            }
            Effect::Bucket { space, start, bucket } => {
                self.buckets.insert((space, start), bucket);
            }
            Effect::Cell { space, key, cell } => {
                self.watched.insert(keys::cell(space, &key), cell.as_ref().map(rows::cell));
            }
            Effect::Position { space, reader, log, position } => {
                self.watched.insert(keys::position(space, &reader, &log), Some(rows::position(&position)));
            }
            Effect::PositionDeleted { space, reader, log, version } => {
                self.watched.insert(keys::position(space, &reader, &log), None);
                self.watched
                    .insert(keys::deleted_position(space, &reader, &log), Some(rows::deleted_position(version)));
            }
            Effect::Lock { space, name, lock } => {
                self.watched.insert(keys::lock(space, &name), lock.as_ref().map(rows::lock));
            }
            // No client sees it.
            Effect::Due { due: Due::Lock(..), is: true, .. } if seeded(Bug::DueRowLost) => {}
            Effect::Due { at, due, is } => {
                self.due.insert((at, due), is);
            }
            // What follows on each other is one range.
            Effect::Trim { space, log, from, before } => {
                self.trimmed.entry((space, log)).or_insert((from, before)).1 = before;
            }
            Effect::Forget { space, from, below } => {
                self.forgotten.entry(space).or_insert((from, below)).1 = below;
            }
            Effect::SpaceDeleted { name, number, at } => {
                self.spaces.remove(&name);
                self.logs.retain(|(space, _), _| *space != number);
                self.deleted_spaces.insert(name, (number, at));
            }
        }
    }

    /// Lets those who follow logs have the rows that were appended; they are on disk by now.
    pub(super) fn hand_over(&mut self, recent: &Recent) {
        if recent.is_empty() {
            return;
        }
        for Appended { space, log, first, rows } in std::mem::take(&mut self.appends) {
            let rows = self.records.get_mut(rows).into_iter().flatten();
            recent.push(space, log, first, rows.map(|(_, row)| Bytes::from(std::mem::take(row))));
        }
        for (&(space, log), &(_, before)) in &self.trimmed {
            recent.trim(space, log, before);
        }
        for (number, _) in self.deleted_spaces.values() {
            recent.clear_space(*number);
        }
    }

    fn remember_digest(&mut self, index: LogIndex) {
        if !index.0.is_multiple_of(DIGEST_INTERVAL) {
            return;
        }
        self.digests.push_back((index, self.applied.digest));
        self.digests_new.push((index, self.applied.digest));
        while self.digests.len() > DIGESTS_KEPT {
            self.digests_gone.extend(self.digests.pop_front().map(|(index, _)| index));
        }
    }

    /// A part of what changes: the ids alone, or all that says how far the state is, with its digest.
    pub(super) fn torn_batch(&self, generation: &Generation, part: Torn) -> WriteBatch {
        let mut batch = WriteBatch::default();
        match part {
            Torn::Ids => {
                for (key, value) in &self.ids {
                    batch.put_cf(generation.ids(), key, value);
                }
            }
            Torn::Index => {
                batch.put_cf(generation.small(), keys::APPLIED, entry::encode_log_id(self.applied.log_id));
                batch.put_cf(generation.small(), keys::DIGEST, rows::digest(self.applied.digest));
            }
        }
        batch
    }

    /// Everything that changes.
    pub(super) fn batch(&self, generation: &Generation) -> WriteBatch {
        let mut batch = WriteBatch::default();
        let (records, ids, small) = (generation.records(), generation.ids(), generation.small());
        for (key, value) in &self.records {
            batch.put_cf(records, key, value);
        }
        for (key, value) in &self.ids {
            batch.put_cf(ids, key, value);
        }
        for (name, space) in &self.spaces {
            batch.put_cf(small, keys::space(name), rows::space(space));
        }
        for ((space, name), mark) in &self.deleted_logs {
            batch.delete_cf(small, keys::log(*space, name));
            batch.put_cf(small, keys::deleted_log(*space, name), rows::deleted_log(mark));
        }
        for ((space, name), head) in &self.logs {
            batch.put_cf(small, keys::log(*space, name), rows::log(head));
        }
        let mut put = |key: &[u8], value: Option<&[u8]>| match value {
            Some(value) => batch.put_cf(small, key, value),
            None => batch.delete_cf(small, key),
        };
        for (key, value) in &self.watched {
            put(key, value.as_deref());
        }
        for ((space, start), bucket) in &self.buckets {
            put(&keys::bucket(*space, *start), bucket.as_ref().map(rows::bucket).as_deref());
        }
        for ((at, due), is) in &self.due {
            put(&keys::due(*at, due), is.then(rows::due).as_deref());
        }
        for (&(space, log), &(from, before)) in &self.trimmed {
            if before.0 - from.0 <= TRIMMED_ONE_BY_ONE {
                for offset in from.0..before.0 {
                    batch.delete_cf(records, keys::record(space, log, Offset(offset)));
                }
            } else {
                batch.delete_range_cf(records, keys::record(space, log, from), keys::record(space, log, before));
            }
        }
        for (&space, &(from, below)) in &self.forgotten {
            let Range { start, end } = keys::ids_born(space, from, below);
            batch.delete_range_cf(ids, start, end);
        }
        for (name, (number, at)) in &self.deleted_spaces {
            let Range { start, end } = keys::numbered(*number);
            batch.delete_range_cf(records, start, end);
            batch.delete_range_cf(ids, start, end);
            for Range { start, end } in keys::small_of(*number) {
                batch.delete_range_cf(small, start, end);
            }
            batch.delete_cf(small, keys::space(name));
            batch.put_cf(small, keys::deleted_space(name), rows::deleted_space(*at));
        }
        for (index, digest) in &self.digests_new {
            batch.put_cf(small, keys::remembered_digest(*index), rows::digest(*digest));
        }
        for index in &self.digests_gone {
            batch.delete_cf(small, keys::remembered_digest(*index));
        }
        if self.membership_changed {
            batch.put_cf(small, keys::MEMBERSHIP, entry::encode_stored_membership(&self.applied.membership));
        }
        batch.put_cf(small, keys::GLOBALS, rows::globals(&self.applied.globals));
        batch.put_cf(small, keys::APPLIED, entry::encode_log_id(self.applied.log_id));
        batch.put_cf(small, keys::DIGEST, rows::digest(self.applied.digest));
        batch
    }
}
