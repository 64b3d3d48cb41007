//! What `decide` and `advance` may see: rows that were read before they run.

use std::collections::BTreeSet;

use crate::types::{
    Action, Cell, CellKey, Guard, Id, Lock, LockName, LogName, LogTime, Position, Proposal, ReaderName, SpaceName,
    SpaceNumber, Version,
};

use super::rows::{Bucket, DeletedLog, Due, Globals, LogHead, Remembered, Space};

/// The state as the machine sees it. Reading can't fail: whatever is needed was fetched before.
pub trait View {
    /// What holds for all spaces.
    fn globals(&self) -> Globals;
    /// A space by its name.
    fn space(&self, name: &SpaceName) -> Option<&Space>;
    /// When a space was deleted that had this name.
    fn deleted_space(&self, name: &SpaceName) -> Option<LogTime>;
    /// A log by its name.
    fn log(&self, space: SpaceNumber, name: &LogName) -> Option<&LogHead>;
    /// What stayed of a log that was deleted and is not there again.
    fn deleted_log(&self, space: SpaceNumber, name: &LogName) -> Option<&DeletedLog>;
    /// What the space knows of an id.
    fn remembered(&self, space: SpaceNumber, id: &Id) -> Option<&Remembered>;
    /// A cell by its key.
    fn cell(&self, space: SpaceNumber, key: &CellKey) -> Option<&Cell>;
    /// A reader's position in a log.
    fn position(&self, space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Option<&Position>;
    /// The version of a reader that was deleted and not moved again.
    fn deleted_position(&self, space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Option<Version>;
    /// A lock by its name.
    fn lock(&self, space: SpaceNumber, name: &LockName) -> Option<&Lock>;
    /// A bucket by its first birth.
    fn bucket(&self, space: SpaceNumber, start: LogTime) -> Option<&Bucket>;
    /// The space's oldest bucket, or the first that begins after a time, and when it begins.
    fn bucket_after(&self, space: SpaceNumber, after: Option<LogTime>) -> Option<(LogTime, &Bucket)>;
    /// What is due first.
    fn next_due(&self) -> Option<(LogTime, &Due)>;
}

/// The rows that proposals may read, so that a store can fetch them all at once.
///
/// Where a space, a log or a position is not there, what stayed of it when it was deleted is read, too.
///
/// Beside them time reads what is due; how much of it a store has to fetch is said at [`super::due_in_entry`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Spaces.
    pub spaces: BTreeSet<SpaceName>,
    /// Ids by space, in the order of the proposals: one that is proposed twice is named twice. In a finite space the
    /// bucket of each is read, too.
    pub ids: Vec<(SpaceName, Id)>,
    /// Logs by space.
    pub logs: BTreeSet<(SpaceName, LogName)>,
    /// Cells by space.
    pub cells: BTreeSet<(SpaceName, CellKey)>,
    /// Readers' positions by space.
    pub positions: BTreeSet<(SpaceName, ReaderName, LogName)>,
    /// Locks by space.
    pub locks: BTreeSet<(SpaceName, LockName)>,
    /// Spaces whose memory may change, so that all of their buckets are read.
    pub changed: BTreeSet<SpaceName>,
}

impl Reads {
    /// Adds what one proposal may read.
    pub fn add(&mut self, proposal: &Proposal) {
        let space = proposal.space();
        self.spaces.insert(space.clone());
        self.ids.push((space.clone(), proposal.id().clone()));
        let Proposal::Command(command) = proposal else { return };
        command.guards.iter().for_each(|guard| self.add_guard(space, guard));
        command.actions.iter().for_each(|action| self.add_action(space, action));
    }

    fn add_guard(&mut self, space: &SpaceName, guard: &Guard) {
        let space = space.clone();
        match guard {
            Guard::LogEnd { log, .. } => {
                self.logs.insert((space, log.clone()));
            }
            Guard::CellAbsent { key } | Guard::CellVersion { key, .. } | Guard::CellAtLeast { key, .. } => {
                self.cells.insert((space, key.clone()));
            }
            Guard::Position { reader, log, .. } => {
                self.positions.insert((space, reader.clone(), log.clone()));
            }
            Guard::LockHeld { lock, .. } => {
                self.locks.insert((space, lock.clone()));
            }
            Guard::Fate { target, .. } => self.ids.push((space, target.clone())),
        }
    }

    fn add_action(&mut self, space: &SpaceName, action: &Action) {
        let space = space.clone();
        match action {
            Action::Append { log, .. }
            | Action::Trim { log, .. }
            | Action::CreateLog { log, .. }
            | Action::SetRetention { log, .. }
            | Action::DeleteLog { log } => {
                self.logs.insert((space, log.clone()));
            }
            Action::Put { key, .. } | Action::Delete { key } | Action::Add { key, .. } => {
                self.cells.insert((space, key.clone()));
            }
            Action::Move { reader, log, .. } => {
                self.logs.insert((space.clone(), log.clone()));
                self.positions.insert((space, reader.clone(), log.clone()));
            }
            Action::DeleteReader { reader, log } => {
                self.positions.insert((space, reader.clone(), log.clone()));
            }
            Action::Acquire { lock, .. } | Action::Renew { lock, .. } | Action::Release { lock, .. } => {
                self.locks.insert((space, lock.clone()));
            }
            Action::Compensate { target } => self.ids.push((space, target.clone())),
            Action::CreateSpace { name, .. } | Action::DeleteSpace { name } => {
                self.spaces.insert(name.clone());
            }
            Action::SetSpace { name, .. } => {
                self.spaces.insert(name.clone());
                self.changed.insert(name.clone());
            }
            Action::RaiseVersion { .. } => {}
        }
    }
}
