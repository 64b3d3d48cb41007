//! A store as the machine imagines it: effects go in, rows come out.

use std::collections::BTreeMap;

use crate::machine::{Effect, Globals, LogHead, Overlay, Reads, Remembered, Space};
use crate::types::{Id, LogName, LogNumber, LogTime, NewRecord, SpaceName, SpaceNumber};

/// A record, its id and its time.
type Kept = (NewRecord, Id, LogTime);

/// Everything that effects have written.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) globals: Globals,
    pub(super) spaces: BTreeMap<SpaceName, Space>,
    pub(super) logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    pub(super) records: BTreeMap<(SpaceNumber, LogNumber), Vec<Kept>>,
    pub(super) ids: BTreeMap<(SpaceNumber, Id), Remembered>,
}

impl Table {
    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect.clone() {
            Effect::Globals(globals) => self.globals = globals,
            Effect::Space { name, space } => {
                self.spaces.insert(name, space);
            }
            Effect::Log { space, name, head } => {
                self.logs.insert((space, name), head);
            }
            Effect::Records { space, log, first, id, time, records } => {
                let kept = self.records.entry((space, log)).or_default();
                assert_eq!(first.0, kept.len() as u64, "records follow each other without a gap");
                kept.extend(records.into_iter().map(|record| (record, id.clone(), time)));
            }
            Effect::Remember { space, id, remembered } => {
                let before = self.ids.insert((space, id), remembered);
                assert_eq!(before, None, "an outcome is written once");
            }
        }
    }

    /// All rows.
    pub(super) fn load(&self) -> Overlay {
        let mut overlay = Overlay::default();
        overlay.set_globals(self.globals);
        for (name, space) in &self.spaces {
            overlay.insert_space(name.clone(), space.clone());
        }
        for ((space, name), head) in &self.logs {
            overlay.insert_log(*space, name.clone(), head.clone());
        }
        for ((space, id), remembered) in &self.ids {
            overlay.insert_remembered(*space, id.clone(), remembered.clone());
        }
        overlay
    }

    /// The rows that are named, and no others.
    pub(super) fn fetch(&self, reads: &Reads) -> Overlay {
        let mut overlay = Overlay::default();
        overlay.set_globals(self.globals);
        for name in &reads.spaces {
            if let Some(space) = self.spaces.get(name) {
                overlay.insert_space(name.clone(), space.clone());
            }
        }
        for (name, log) in &reads.logs {
            let Some(space) = self.spaces.get(name) else { continue };
            if let Some(head) = self.logs.get(&(space.number, log.clone())) {
                overlay.insert_log(space.number, log.clone(), head.clone());
            }
        }
        for (name, id) in &reads.ids {
            let Some(space) = self.spaces.get(name) else { continue };
            if let Some(remembered) = self.ids.get(&(space.number, id.clone())) {
                overlay.insert_remembered(space.number, id.clone(), remembered.clone());
            }
        }
        overlay
    }
}
