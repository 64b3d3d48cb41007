//! The state as it should be: everything in memory, one effect at a time.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::super::{keys, rows, settings};
use super::Rows;
use crate::machine::{Batch, Digest, Due, Effect, Globals, Overlay, Ran, View, admit_history, genesis, run};
use crate::store::entry;
use crate::types::limits::{DIGEST_INTERVAL, DIGESTS_KEPT};
use crate::types::{
    Answer, EntryKind, LogEntry, LogId, LogIndex, LogTime, MachineVersion, SpaceNumber, StoredMembership,
};

/// A state without a disk.
#[derive(Clone)]
pub(super) struct Model {
    overlay: Overlay,
    /// Spaces that were deleted.
    gone: BTreeSet<SpaceNumber>,
    rows: Rows,
    pub(super) log_id: Option<LogId>,
    pub(super) membership: StoredMembership,
    pub(super) digest: Digest,
    pub(super) remembered: Vec<(LogIndex, Digest)>,
}

impl Model {
    pub(super) fn new() -> Self {
        let mut model = Self {
            overlay: Overlay::default(),
            gone: BTreeSet::new(),
            rows: Rows::new(),
            log_id: None,
            membership: StoredMembership::default(),
            digest: Digest::default(),
            remembered: Vec::new(),
        };
        model.take(&Effect::Globals(Globals::default()));
        for effect in genesis() {
            model.take(&effect);
        }
        model
    }

    /// The model after all of these entries.
    pub(super) fn after(entries: &[LogEntry]) -> Self {
        let mut model = Self::new();
        for entry in entries {
            model.apply(entry);
        }
        model
    }

    pub(super) fn apply(&mut self, entry: &LogEntry) -> Vec<Answer> {
        let ran = match &entry.kind {
            EntryKind::Blank => Ran::default(),
            EntryKind::Membership(membership) => {
                self.membership = StoredMembership { log_id: Some(entry.id), membership: membership.clone() };
                let histories = membership.members.values().map(|member| member.history);
                Ran { answers: vec![], effects: admit_history(self.overlay.globals(), histories).into_iter().collect() }
            }
            EntryKind::Batch(bytes) => {
                let batch = Batch::decode(bytes.clone()).expect("a batch");
                run(&mut self.overlay.clone(), &batch)
            }
        };
        ran.effects.iter().for_each(|effect| self.take(effect));
        self.log_id = Some(entry.id);
        self.digest = self.digest.next(entry.id.index, MachineVersion::FIRST, &ran.answers, &ran.effects);
        if entry.id.index.0.is_multiple_of(DIGEST_INTERVAL) {
            self.remembered.push((entry.id.index, self.digest));
            let gone = self.remembered.len().saturating_sub(DIGESTS_KEPT);
            self.remembered.drain(..gone);
        }
        ran.answers
    }

    fn take(&mut self, effect: &Effect) {
        self.overlay.apply(effect.clone());
        let mut set = |key: &[u8], value: Option<Vec<u8>>| {
            let key = (settings::SMALL, key.to_vec());
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        };
        match effect {
            Effect::Globals(globals) => set(&keys::GLOBALS, Some(rows::globals(globals))),
            Effect::Space { name, space } => set(&keys::space(name), Some(rows::space(space))),
            Effect::Bucket { space, start, bucket } => {
                set(&keys::bucket(*space, *start), bucket.as_ref().map(rows::bucket));
            }
            Effect::Log { space, name, head } => set(&keys::log(*space, name), Some(rows::log(head))),
            Effect::LogDeleted { space, name, mark } => {
                set(&keys::log(*space, name), None);
                set(&keys::deleted_log(*space, name), Some(rows::deleted_log(mark)));
            }
            Effect::Cell { space, key, cell } => set(&keys::cell(*space, key), cell.as_ref().map(rows::cell)),
            Effect::Position { space, reader, log, position } => {
                set(&keys::position(*space, reader, log), Some(rows::position(position)));
            }
            Effect::PositionDeleted { space, reader, log, version } => {
                set(&keys::position(*space, reader, log), None);
                set(&keys::deleted_position(*space, reader, log), Some(rows::deleted_position(*version)));
            }
            Effect::Lock { space, name, lock } => set(&keys::lock(*space, name), lock.as_ref().map(rows::lock)),
            Effect::Due { at, due, is } => set(&keys::due(*at, due), is.then(rows::due)),
            Effect::Records { space, log, first, id, time, records } => {
                for (at, record) in records.iter().enumerate() {
                    let key = keys::record(*space, *log, first.plus(at as u64)).to_vec();
                    self.rows.insert((settings::RECORDS, key), rows::record(*time, id, record));
                }
            }
            Effect::Remember { space, id, remembered } => {
                self.rows.insert((settings::IDS, keys::id(*space, id)), rows::remembered(remembered));
            }
            Effect::Trim { space, log, from, before } => {
                let range = keys::record(*space, *log, *from).to_vec()..keys::record(*space, *log, *before).to_vec();
                self.rows.retain(|(family, key), _| *family != settings::RECORDS || !range.contains(key));
            }
            Effect::Forget { space, from, below } => {
                let range = keys::ids_born(*space, *from, *below);
                self.rows.retain(|(family, key), _| *family != settings::IDS || !range.contains(key));
            }
            Effect::SpaceDeleted { name, number, at } => {
                set(&keys::space(name), None);
                set(&keys::deleted_space(name), Some(rows::deleted_space(*at)));
                self.drop_space(*number);
            }
        }
    }

    /// What is due in it stays.
    fn drop_space(&mut self, number: SpaceNumber) {
        let bytes = number.0.to_be_bytes();
        self.rows.retain(|(family, key), _| {
            let tagged = key.split_first();
            match tagged {
                Some((tag, rest)) if *family == settings::SMALL => {
                    !matches!(*tag, 0x07..=0x0b | 0x0d | 0x0e) || !rest.starts_with(&bytes)
                }
                _ => *family == settings::SMALL || !key.starts_with(&bytes),
            }
        });
        self.gone.insert(number);
    }

    fn small_rows<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (&'a [u8], Bytes)> {
        let small =
            self.rows.iter().filter(move |((family, key), _)| *family == settings::SMALL && key.starts_with(prefix));
        small.map(|((_, key), value)| (key.as_slice(), Bytes::copy_from_slice(value)))
    }

    /// What is due by the index.
    pub(super) fn due_in_the_index(&self) -> BTreeSet<(LogTime, Due)> {
        self.small_rows(&keys::ALL_DUE).map(|(key, _)| keys::read_due(key).expect("something due")).collect()
    }

    /// What is due in spaces that are there.
    pub(super) fn due_of_what_is_there(&self) -> BTreeSet<(LogTime, Due)> {
        let is_there = |due: &Due| match due {
            Due::Floor(_) => true,
            Due::Lock(space, _) | Due::Log(space, _) => !self.gone.contains(space),
        };
        self.due_in_the_index().into_iter().filter(|(_, due)| is_there(due)).collect()
    }

    /// What is due by the rows that it is about.
    pub(super) fn due_by_the_rows(&self) -> BTreeSet<(LogTime, Due)> {
        let mut due = BTreeSet::new();
        for (key, value) in self.small_rows(&keys::SPACES) {
            let name = keys::space_name(key).expect("a space's name");
            let space = rows::read_space(value).expect("a space");
            due.extend(space.due.map(|at| (at, Due::Floor(name))));
            let number = space.number;
            for (key, value) in self.small_rows(&keys::locks(number)) {
                let name = keys::lock_name(number, key).expect("a lock's name");
                due.insert((rows::read_lock(value).expect("a lock").expires, Due::Lock(number, name)));
            }
            for (key, value) in self.small_rows(&keys::logs(number)) {
                let name = keys::log_name(number, key).expect("a log's name");
                let head = rows::read_log(value).expect("a log's head");
                due.extend(head.due.map(|at| (at, Due::Log(number, name))));
            }
        }
        due
    }

    /// The rows that a state has on disk.
    pub(super) fn rows(&self) -> Rows {
        let mut all = self.rows.clone();
        let mut put = |key: &[u8], value| all.insert((settings::SMALL, key.to_vec()), value);
        put(&keys::APPLIED, entry::encode_log_id(self.log_id));
        put(&keys::MEMBERSHIP, entry::encode_stored_membership(&self.membership));
        put(&keys::DIGEST, rows::digest(self.digest));
        for (index, digest) in &self.remembered {
            put(&keys::remembered_digest(*index), rows::digest(*digest));
        }
        all
    }
}
