//! Rows in memory: those that were fetched, and over them what has been decided since.
//!
//! - A row that is not here does not exist. The store must have fetched whatever [`super::Reads`] names.

use std::collections::BTreeMap;

use crate::types::{Id, LogName, SpaceName, SpaceNumber};

use super::rows::{Effect, Globals, LogHead, Remembered, Space};
use super::view::View;

/// The state as far as a few entries need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    globals: Globals,
    spaces: BTreeMap<SpaceName, Space>,
    logs: BTreeMap<SpaceNumber, BTreeMap<LogName, LogHead>>,
    ids: BTreeMap<SpaceNumber, BTreeMap<Id, Remembered>>,
}

impl Overlay {
    /// What holds for all spaces is this.
    pub fn set_globals(&mut self, globals: Globals) {
        self.globals = globals;
    }

    /// The space is this.
    pub fn insert_space(&mut self, name: SpaceName, space: Space) {
        self.spaces.insert(name, space);
    }

    /// The log's head is this.
    pub fn insert_log(&mut self, space: SpaceNumber, name: LogName, head: LogHead) {
        self.logs.entry(space).or_default().insert(name, head);
    }

    /// The id is known like this.
    pub fn insert_remembered(&mut self, space: SpaceNumber, id: Id, remembered: Remembered) {
        self.ids.entry(space).or_default().insert(id, remembered);
    }

    /// Takes a change of state in. Records are not looked at when something is decided, and are left out.
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Globals(globals) => self.set_globals(*globals),
            Effect::Space { name, space } => self.insert_space(name.clone(), space.clone()),
            Effect::Log { space, name, head } => self.insert_log(*space, name.clone(), head.clone()),
            Effect::Remember { space, id, remembered } => {
                self.insert_remembered(*space, id.clone(), remembered.clone());
            }
            Effect::Records { .. } => {}
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

    fn log(&self, space: SpaceNumber, name: &LogName) -> Option<&LogHead> {
        self.logs.get(&space)?.get(name)
    }

    fn remembered(&self, space: SpaceNumber, id: &Id) -> Option<&Remembered> {
        self.ids.get(&space)?.get(id)
    }
}
