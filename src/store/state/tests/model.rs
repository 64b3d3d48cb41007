//! The state as it should be: everything in memory, one effect at a time.

use super::super::{keys, rows, settings};
use super::Rows;
use crate::machine::{Batch, Digest, Effect, Globals, Overlay, Ran, View, admit_history, genesis, run};
use crate::store::entry;
use crate::types::limits::{DIGEST_INTERVAL, DIGESTS_KEPT};
use crate::types::{Answer, EntryKind, LogEntry, LogId, LogIndex, MachineVersion, StoredMembership};

/// A state without a disk.
#[derive(Clone)]
pub(super) struct Model {
    overlay: Overlay,
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

    pub(super) fn take(&mut self, effect: &Effect) {
        self.overlay.apply(effect);
        let mut put = |family, key: &[u8], value| self.rows.insert((family, key.to_vec()), value);
        match effect {
            Effect::Globals(globals) => {
                put(settings::SMALL, &keys::GLOBALS, rows::globals(globals));
            }
            Effect::Space { name, space } => {
                put(settings::SMALL, &keys::space(name), rows::space(space));
            }
            Effect::Log { space, name, head } => {
                put(settings::SMALL, &keys::log(*space, name), rows::log(head));
            }
            Effect::Records { space, log, first, id, time, records } => {
                for (at, record) in records.iter().enumerate() {
                    let key = keys::record(*space, *log, first.plus(at as u64));
                    put(settings::RECORDS, &key, rows::record(*time, id, record));
                }
            }
            Effect::Remember { space, id, remembered } => {
                put(settings::IDS, &keys::id(*space, id), rows::remembered(remembered));
            }
        }
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
