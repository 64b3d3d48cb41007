//! Applies entries: fetch what they may read, decide in memory, write once.
//!
//! - Entries follow each other without a gap, from the one after the last applied on.
//! - Rows that nearly every entry reads stay in memory. They are the rows on disk: they change after a write, with it.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rocksdb::WriteBatch;

use super::error::Error;
use super::generation::{Applied, Generation};
use super::recent::Recent;
use super::{State, keys, lock, rows};
use crate::machine::{
    Batch, Digest, Effect, Globals, LogHead, Overlay, Ran, Reads, Space, View, admit_history, knows, run,
};
use crate::store::crash_point::{fault, reached};
use crate::store::entry;
use crate::types::limits::{DIGEST_INTERVAL, DIGESTS_KEPT, HOT_ROWS_MAX};
use crate::types::{
    Answer, EntryKind, LogEntry, LogId, LogIndex, LogName, LogNumber, MachineVersion, Membership, Offset, SpaceName,
    SpaceNumber, StoredMembership,
};

/// Rows that were read or written lately, as they are on disk.
#[derive(Debug, Default)]
pub(super) struct Applier {
    spaces: BTreeMap<SpaceName, Space>,
    logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
}

/// An entry that this build can apply.
struct Step {
    id: LogId,
    work: Work,
}

enum Work {
    Nothing,
    Admit(Membership),
    Decide(Batch),
}

impl State {
    /// Applies entries that follow on what is applied, all in one write. Returns for each entry an answer to each of its
    /// proposals.
    ///
    /// An entry that this build can't read stops it: those before it are applied, and it and those after it are not.
    pub fn apply(&self, entries: Vec<LogEntry>) -> Result<Vec<Vec<Answer>>, Error> {
        let mut applier = lock(&self.inner.applier);
        self.inner.health.check()?;
        let (generation, before, digests) = {
            let current = self.current();
            (current.generation.clone(), current.applied.clone(), current.digests.clone())
        };
        if !self.inner.options.allow_gaps {
            check_dense(before.log_id, &entries)?;
        }
        let (steps, unreadable) = read_all(entries);
        let answers = if steps.is_empty() {
            Vec::new()
        } else {
            let root = self.inner.directory.root();
            let done = self.inner.health.must(|| {
                let overlay = applier.fetch(&generation, before.globals, &steps)?;
                let done = Done::decide(steps, overlay, (*before).clone(), digests);
                let batch = done.batch(&generation);
                reached(root, "apply: before the write");
                fault(root, "apply: write")?;
                generation.write(batch)?;
                reached(root, "apply: written");
                Ok(done)
            })?;
            self.publish(&mut applier, done)
        };
        match unreadable {
            None => Ok(answers),
            Some(error) => Err(error),
        }
    }

    fn publish(&self, applier: &mut Applier, mut done: Done) -> Vec<Vec<Answer>> {
        self.inner.recent.take(&mut done);
        let counts = &self.inner.counts;
        for answer in done.answers.iter().flatten() {
            let count = match answer {
                Answer::Decided { replayed: false, .. } => &counts.decided,
                Answer::Decided { replayed: true, .. } => &counts.replayed,
                Answer::Rejected(_) => &counts.rejected,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        let index = done.applied.log_id.map(|log_id| log_id.index);
        {
            let mut current = self.current();
            current.applied = Arc::new(done.applied);
            current.digests = done.digests;
        }
        self.inner.applied_index.send_replace(index);
        self.inner.log_changes.tell(done.logs.keys().map(|(space, name)| keys::log(*space, name)));
        self.inner.id_changes.tell(done.ids.iter().map(|(key, _)| key));
        applier.remember(done.spaces, done.logs);
        done.answers
    }
}

fn check_dense(applied: Option<LogId>, entries: &[LogEntry]) -> Result<(), Error> {
    let mut last = applied;
    for entry in entries {
        let follows = match last {
            None => entry.id.index == LogIndex(0),
            Some(last) => entry.id.index == last.index.next() && entry.id > last,
        };
        if !follows {
            return Err(Error::NotNext { applied: last, found: entry.id });
        }
        last = Some(entry.id);
    }
    Ok(())
}

/// The entries up to the first that this build can't read, and why it can't.
fn read_all(entries: Vec<LogEntry>) -> (Vec<Step>, Option<Error>) {
    let mut steps = Vec::with_capacity(entries.len());
    for entry in entries {
        let work = match entry.kind {
            EntryKind::Blank => Work::Nothing,
            EntryKind::Membership(membership) => Work::Admit(membership),
            EntryKind::Batch(bytes) => {
                let place = || format!("entry {}", entry.id);
                let version = match Batch::peek_version(&bytes) {
                    Ok(version) => version,
                    Err(error) => return (steps, Some(Error::corrupt(place(), error.to_string()))),
                };
                if !knows(version) {
                    return (steps, Some(Error::UnknownVersion { entry: entry.id, version }));
                }
                match Batch::decode(bytes) {
                    Ok(batch) => Work::Decide(batch),
                    Err(error) => return (steps, Some(Error::corrupt(place(), error.to_string()))),
                }
            }
        };
        steps.push(Step { id: entry.id, work });
    }
    (steps, None)
}

impl Applier {
    /// Forgets everything: another generation is the state.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gets every row that the steps may read.
    fn fetch(&mut self, generation: &Generation, globals: Globals, steps: &[Step]) -> Result<Overlay, Error> {
        let mut reads = Reads::default();
        for step in steps {
            if let Work::Decide(batch) = &step.work {
                batch.proposals.iter().for_each(|proposal| reads.add(proposal));
            }
        }
        let mut overlay = Overlay::default();
        overlay.set_globals(globals);
        for name in reads.spaces {
            if let Some(space) = self.space(generation, &name)? {
                overlay.insert_space(name, space.clone());
            }
        }
        for (space, name) in reads.logs {
            let Some(number) = overlay.space(&space).map(|space| space.number) else {
                continue;
            };
            if let Some(head) = self.log(generation, number, &name)? {
                overlay.insert_log(number, name, head.clone());
            }
        }
        let mut wanted = Vec::with_capacity(reads.ids.len());
        for (space, id) in reads.ids {
            let Some(number) = overlay.space(&space).map(|space| space.number) else {
                continue;
            };
            wanted.push((keys::id(number, &id), number, id));
        }
        // In the order of the keys one pass over the tables finds all.
        wanted.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        wanted.dedup_by(|one, other| one.0 == other.0);
        let sorted: Vec<_> = wanted.iter().map(|(key, ..)| key.as_slice()).collect();
        let found = generation.remembered_sorted(&sorted)?;
        for ((_, number, id), remembered) in wanted.into_iter().zip(found) {
            if let Some(remembered) = remembered {
                overlay.insert_remembered(number, id, remembered);
            }
        }
        Ok(overlay)
    }

    fn space(&mut self, generation: &Generation, name: &SpaceName) -> Result<Option<&Space>, Error> {
        if !self.spaces.contains_key(name)
            && let Some(space) = generation.space(generation.database(), name)?
        {
            self.spaces.insert(name.clone(), space);
        }
        Ok(self.spaces.get(name))
    }

    fn log(&mut self, generation: &Generation, space: SpaceNumber, name: &LogName) -> Result<Option<&LogHead>, Error> {
        let key = (space, name.clone());
        if !self.logs.contains_key(&key)
            && let Some(head) = generation.log(generation.database(), space, name)?
        {
            self.logs.insert(key.clone(), head);
        }
        Ok(self.logs.get(&key))
    }

    /// Takes in what was written, and makes room if there is too much.
    fn remember(&mut self, spaces: BTreeMap<SpaceName, Space>, logs: BTreeMap<(SpaceNumber, LogName), LogHead>) {
        self.spaces.extend(spaces);
        self.logs.extend(logs);
        if self.spaces.len() > HOT_ROWS_MAX {
            self.spaces.clear();
        }
        if self.logs.len() > HOT_ROWS_MAX {
            self.logs.clear();
        }
    }
}

/// Which of the rows of a chunk were appended where.
struct Appended {
    space: SpaceNumber,
    log: LogNumber,
    first: Offset,
    rows: Range<usize>,
}

impl Recent {
    /// Takes over the rows of logs that somebody follows; they are on disk by now.
    fn take(&self, done: &mut Done) {
        if self.is_empty() {
            return;
        }
        for Appended { space, log, first, rows } in std::mem::take(&mut done.appends) {
            let rows = done.records.get_mut(rows).into_iter().flatten();
            self.push(space, log, first, rows.map(|(_, row)| Bytes::from(std::mem::take(row))));
        }
    }
}

/// What became of a chunk of entries.
struct Done {
    answers: Vec<Vec<Answer>>,
    applied: Applied,
    membership_changed: bool,
    /// Rows as they are in the end; what they were in between nobody can see.
    spaces: BTreeMap<SpaceName, Space>,
    logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    records: Vec<([u8; 20], Vec<u8>)>,
    appends: Vec<Appended>,
    ids: Vec<(Vec<u8>, Vec<u8>)>,
    digests: VecDeque<(LogIndex, Digest)>,
    digests_new: Vec<(LogIndex, Digest)>,
    digests_gone: Vec<LogIndex>,
}

impl Done {
    fn decide(steps: Vec<Step>, mut overlay: Overlay, applied: Applied, digests: VecDeque<(LogIndex, Digest)>) -> Self {
        let mut done = Self {
            answers: Vec::with_capacity(steps.len()),
            applied,
            membership_changed: false,
            spaces: BTreeMap::new(),
            logs: BTreeMap::new(),
            records: Vec::new(),
            appends: Vec::new(),
            ids: Vec::new(),
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
                        overlay.apply(effect);
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
        // In the order of the keys, inserts into the memtable lie side by side.
        done.ids.sort_unstable();
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
            Effect::Records { space, log, first, id, time, records } => {
                let rows = self.records.len()..self.records.len() + records.len();
                self.appends.push(Appended { space, log, first, rows });
                let mut offset = first;
                for record in &records {
                    self.records.push((keys::record(space, log, offset), rows::record(time, &id, record)));
                    offset = offset.next();
                }
            }
            Effect::Remember { space, id, remembered } => {
                self.ids.push((keys::id(space, &id), rows::remembered(&remembered)));
            }
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

    fn batch(&self, generation: &Generation) -> WriteBatch {
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
        for ((space, name), head) in &self.logs {
            batch.put_cf(small, keys::log(*space, name), rows::log(head));
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
