//! Gets every row that some entries may read, before they are decided.
//!
//! - What is decided must not depend on how entries are cut into chunks, so nothing may be missing: a row that was not
//!   fetched does not exist for the machine.
//! - Rows that nearly every entry reads stay in memory. They are the rows on disk: they change after a write, with it.
//! - While nothing is due and no space that forgets is named, nothing is searched for.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::due::DueFirst;
use super::error::Error;
use super::generation::Generation;
use super::{keys, rows};
use crate::machine::{Batch, Due, Globals, LogHead, Overlay, Reads, Space, View, due_in_entry};
use crate::types::codec::DecodeError;
use crate::types::limits::HOT_ROWS_MAX;
use crate::types::{LockName, LogName, LogTime, Memory, SpaceName, SpaceNumber};

/// Rows that were read or written lately, as they are on disk.
#[derive(Debug)]
pub(super) struct Hot {
    spaces: BTreeMap<SpaceName, Space>,
    logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    due: DueFirst,
}

/// What the rows that are due are about.
#[derive(Debug, Default)]
struct Pending {
    floors: BTreeSet<SpaceName>,
    locks: BTreeSet<(SpaceNumber, LockName)>,
    logs: BTreeSet<(SpaceNumber, LogName)>,
}

impl Hot {
    /// Nothing but what is due first.
    pub(super) fn new(due: DueFirst) -> Self {
        Self { spaces: BTreeMap::new(), logs: BTreeMap::new(), due }
    }

    /// When something is due first.
    pub(super) fn next_due(&self) -> Option<LogTime> {
        self.due.time()
    }

    /// Takes in what was written to the index of what is due.
    pub(super) fn take_due(
        &mut self,
        generation: &Generation,
        changes: &BTreeMap<(LogTime, Due), bool>,
    ) -> Result<(), Error> {
        self.due.take(generation, changes)
    }

    /// Takes in what was written, and makes room if there is too much.
    pub(super) fn remember(
        &mut self,
        spaces: BTreeMap<SpaceName, Space>,
        logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    ) {
        self.spaces.extend(spaces);
        self.logs.extend(logs);
        if self.spaces.len() > HOT_ROWS_MAX {
            self.spaces.clear();
        }
        if self.logs.len() > HOT_ROWS_MAX {
            self.logs.clear();
        }
    }

    /// A log is no longer there.
    pub(super) fn forget_log(&mut self, space: SpaceNumber, name: LogName) {
        self.logs.remove(&(space, name));
    }

    /// A space is no longer there.
    pub(super) fn forget_space(&mut self, name: &SpaceName, number: SpaceNumber) {
        self.spaces.remove(name);
        self.logs.retain(|(space, _), _| *space != number);
    }

    /// Gets every row that the batches may read.
    pub(super) fn fetch<'a>(
        &mut self,
        generation: &Generation,
        globals: Globals,
        batches: impl Iterator<Item = &'a Batch>,
    ) -> Result<Overlay, Error> {
        let mut reads = Reads::default();
        let (mut may_go, mut until) = (0, globals.clock);
        for batch in batches {
            may_go += due_in_entry(batch.proposals.len());
            until = until.max(batch.stamp);
            batch.proposals.iter().for_each(|proposal| reads.add(proposal));
        }
        let mut overlay = Overlay::default();
        overlay.set_globals(globals);
        let mut pending = Pending::default();
        if may_go > 0 && self.next_due().is_some_and(|at| at <= until) {
            let named = reads.locks.len() + reads.logs.len() + reads.spaces.len();
            pending = self.fetch_due(generation, until, may_go + named, &mut overlay)?;
        }
        for name in reads.spaces.iter().chain(&pending.floors) {
            if let Some(space) = self.space(generation, name)? {
                overlay.insert_space(name.clone(), space.clone());
            } else if let Some(at) = generation.deleted_space(generation.database(), name)? {
                overlay.insert_deleted_space(name.clone(), at);
            }
        }
        self.fetch_logs(generation, &reads, pending.logs, &mut overlay)?;
        fetch_locks(generation, &reads, pending.locks, &mut overlay)?;
        fetch_cells(generation, &reads, &mut overlay)?;
        fetch_positions(generation, &reads, &mut overlay)?;
        fetch_ids(generation, &reads, &mut overlay)?;
        fetch_buckets(generation, &reads, &pending.floors, until, may_go, &mut overlay)?;
        Ok(overlay)
    }

    /// The first `limit` things that are due by `until`, and what they are about.
    fn fetch_due(
        &mut self,
        generation: &Generation,
        until: LogTime,
        limit: usize,
        overlay: &mut Overlay,
    ) -> Result<Pending, Error> {
        let mut pending = Pending::default();
        for (at, due) in self.due.due_by(generation, until, limit)? {
            match &due {
                Due::Floor(name) => {
                    pending.floors.insert(name.clone());
                }
                Due::Lock(space, name) => {
                    pending.locks.insert((*space, name.clone()));
                }
                Due::Log(space, name) => {
                    pending.logs.insert((*space, name.clone()));
                }
            }
            overlay.insert_due(at, due);
        }
        Ok(pending)
    }

    fn fetch_logs(
        &mut self,
        generation: &Generation,
        reads: &Reads,
        mut wanted: BTreeSet<(SpaceNumber, LogName)>,
        overlay: &mut Overlay,
    ) -> Result<(), Error> {
        for (space, name) in &reads.logs {
            wanted.extend(number(overlay, space).map(|number| (number, name.clone())));
        }
        for (space, name) in wanted {
            if let Some(head) = self.log(generation, space, &name)? {
                overlay.insert_log(space, name, head.clone());
            } else if let Some(mark) = generation.deleted_log(generation.database(), space, &name)? {
                overlay.insert_deleted_log(space, name, mark);
            }
        }
        Ok(())
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
}

/// A space that is not there yet has no rows: what the entries themselves make, they know.
fn number(overlay: &Overlay, space: &SpaceName) -> Option<SpaceNumber> {
    overlay.space(space).map(|space| space.number)
}

fn fetch_locks(
    generation: &Generation,
    reads: &Reads,
    mut wanted: BTreeSet<(SpaceNumber, LockName)>,
    overlay: &mut Overlay,
) -> Result<(), Error> {
    for (space, name) in &reads.locks {
        wanted.extend(number(overlay, space).map(|number| (number, name.clone())));
    }
    let wanted = wanted.into_iter().map(|(space, name)| (keys::lock(space, &name), (space, name))).collect();
    for ((space, name), lock) in fetch_sorted(generation, wanted, rows::read_lock)? {
        overlay.insert_lock(space, name, lock);
    }
    Ok(())
}

fn fetch_cells(generation: &Generation, reads: &Reads, overlay: &mut Overlay) -> Result<(), Error> {
    let cells = reads.cells.iter().filter_map(|(space, key)| {
        let number = number(overlay, space)?;
        Some((keys::cell(number, key), (number, key)))
    });
    for ((number, key), cell) in fetch_sorted(generation, cells.collect(), rows::read_cell)? {
        overlay.insert_cell(number, key.clone(), cell);
    }
    Ok(())
}

fn fetch_positions(generation: &Generation, reads: &Reads, overlay: &mut Overlay) -> Result<(), Error> {
    let positions = reads.positions.iter().filter_map(|(space, reader, log)| {
        let number = number(overlay, space)?;
        Some((keys::position(number, reader, log), (number, reader, log)))
    });
    for ((number, reader, log), position) in fetch_sorted(generation, positions.collect(), rows::read_position)? {
        overlay.insert_position(number, reader.clone(), log.clone(), position);
    }
    let absent = reads.positions.iter().filter_map(|(space, reader, log)| {
        let number = number(overlay, space)?;
        let is_absent = overlay.position(number, reader, log).is_none();
        is_absent.then(|| (keys::deleted_position(number, reader, log), (number, reader, log)))
    });
    let deleted = fetch_sorted(generation, absent.collect(), rows::read_deleted_position)?;
    for ((number, reader, log), version) in deleted {
        overlay.insert_deleted_position(number, reader.clone(), log.clone(), version);
    }
    Ok(())
}

/// The small rows that are there of those wanted, each with what was said beside its key.
fn fetch_sorted<T, V>(
    generation: &Generation,
    mut wanted: Vec<(Vec<u8>, T)>,
    read: impl Fn(Bytes) -> Result<V, DecodeError>,
) -> Result<Vec<(T, V)>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    wanted.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let sorted: Vec<_> = wanted.iter().map(|(key, _)| key.as_slice()).collect();
    let found = generation.sorted(generation.small(), &sorted, read)?;
    Ok(wanted.into_iter().zip(found).filter_map(|((_, what), row)| Some((what, row?))).collect())
}

fn fetch_ids(generation: &Generation, reads: &Reads, overlay: &mut Overlay) -> Result<(), Error> {
    let mut wanted = Vec::with_capacity(reads.ids.len());
    for (space, id) in &reads.ids {
        let Some(number) = number(overlay, space) else { continue };
        wanted.push((keys::id(number, id), number, id));
    }
    wanted.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    wanted.dedup_by(|one, other| one.0 == other.0);
    let sorted: Vec<_> = wanted.iter().map(|(key, ..)| key.as_slice()).collect();
    let found = generation.remembered_sorted(&sorted)?;
    for ((_, number, id), remembered) in wanted.into_iter().zip(found) {
        if let Some(remembered) = remembered {
            overlay.insert_remembered(number, id.clone(), remembered);
        }
    }
    Ok(())
}

/// The buckets of the ids that are named; where a floor may move before the last entry, the space's oldest, too: as many as
/// may go, and the next.
fn fetch_buckets(
    generation: &Generation,
    reads: &Reads,
    floors: &BTreeSet<SpaceName>,
    until: LogTime,
    may_go: usize,
    overlay: &mut Overlay,
) -> Result<(), Error> {
    let mut births: BTreeMap<&SpaceName, BTreeSet<LogTime>> = BTreeMap::new();
    for (space, id) in &reads.ids {
        births.entry(space).or_default().extend(id.birth().time());
    }
    for name in floors.iter().chain(&reads.changed) {
        births.entry(name).or_default();
    }
    for (name, births) in births {
        let Some(space) = overlay.space(name) else { continue };
        let Memory::For(memory) = space.memory else { continue };
        let number = space.number;
        let buckets: BTreeSet<_> = births.into_iter().filter_map(|birth| space.bucket_of(birth)).collect();
        let may_forget = floors.contains(name)
            || reads.changed.contains(name)
            || space.due.is_some_and(|due| due <= until)
            || buckets.iter().any(|(_, end)| end.saturating_add(memory) <= until);
        if may_forget {
            for (start, bucket) in generation.buckets(number, space.floor, may_go + 1)? {
                overlay.insert_bucket(number, start, bucket);
            }
        }
        for (start, _) in buckets {
            if let Some(bucket) = generation.bucket(number, start)? {
                overlay.insert_bucket(number, start, bucket);
            }
        }
    }
    Ok(())
}
