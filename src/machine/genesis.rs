//! How a cluster's state begins.

use crate::types::{History, LogCreation, LogTime, Memory, SpaceName, SpaceNumber, SpacePolicy};

use super::rows::{Effect, Globals, Space};

/// The rows that every state has before its first entry.
pub fn genesis() -> Vec<Effect> {
    let policy = SpacePolicy { memory: Memory::Forever, logs: LogCreation::ByAppend };
    [(SpaceName::system(), SpaceNumber(0)), (SpaceName::main(), SpaceNumber(1))]
        .map(|(name, number)| Effect::Space { name, space: Space::new(number, policy, LogTime::ZERO) })
        .into()
}

/// The effect of a membership entry: the cluster's history is the greatest that a member was admitted under.
pub fn admit_history(globals: Globals, members: impl Iterator<Item = History>) -> Option<Effect> {
    let greatest = members.max()?;
    (greatest > globals.history).then_some(Effect::Globals(Globals { history: greatest, ..globals }))
}
