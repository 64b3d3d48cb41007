//! What `decide` may see: rows that were read before it runs.

use std::collections::BTreeSet;

use crate::types::{Action, Guard, Id, LogName, Proposal, SpaceName, SpaceNumber};

use super::rows::{Globals, LogHead, Remembered, Space};

/// The state as `decide` sees it. Reading can't fail: whatever is needed was fetched before.
pub trait View {
    /// What holds for all spaces.
    fn globals(&self) -> Globals;
    /// A space by its name.
    fn space(&self, name: &SpaceName) -> Option<&Space>;
    /// A log by its name.
    fn log(&self, space: SpaceNumber, name: &LogName) -> Option<&LogHead>;
    /// What the space knows of an id.
    fn remembered(&self, space: SpaceNumber, id: &Id) -> Option<&Remembered>;
}

/// The rows that proposals may read, so that a store can fetch them all at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Spaces.
    pub spaces: BTreeSet<SpaceName>,
    /// Ids by space, in the order of the proposals: one that is proposed twice is named twice.
    pub ids: Vec<(SpaceName, Id)>,
    /// Logs by space.
    pub logs: BTreeSet<(SpaceName, LogName)>,
}

impl Reads {
    /// Adds what one proposal may read.
    pub fn add(&mut self, proposal: &Proposal) {
        let space = proposal.space();
        self.spaces.insert(space.clone());
        self.ids.push((space.clone(), proposal.id().clone()));
        let Proposal::Command(command) = proposal else { return };
        for guard in &command.guards {
            let Guard::LogEnd { log, .. } = guard;
            self.logs.insert((space.clone(), log.clone()));
        }
        for action in &command.actions {
            let Action::Append { log, .. } = action;
            self.logs.insert((space.clone(), log.clone()));
        }
    }
}
