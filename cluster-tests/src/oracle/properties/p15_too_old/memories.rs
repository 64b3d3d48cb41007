//! How long each space remembers ids, by the commands that made and changed it.

use std::collections::HashMap;

use crate::command::SYSTEM;
use crate::history::{Command, Events, Name};
use crate::model::floor::Memory;
use crate::proto::action::Action;

/// The memories of all spaces that forget.
#[derive(Debug, Default)]
pub(in crate::oracle::properties) struct Memories {
    /// None: nobody knows how it was changed.
    spaces: HashMap<Name, Option<Memory>>,
}

impl Memories {
    /// As the commands of the reserved space have left them.
    pub(in crate::oracle::properties) fn of(events: &Events) -> Self {
        let mut memories = Self::default();
        let mut decided = Vec::new();
        let mut open = Vec::new();
        for command in events.commands.iter().filter(|command| command.space == SYSTEM) {
            match command.applied().map(|sealed| (sealed.sequence, sealed.time_ms)) {
                Some((sequence, time_ms)) => decided.push((sequence, time_ms, command)),
                None if command.is_open() => open.push(command),
                None => {}
            }
        }
        decided.sort_unstable_by_key(|(sequence, ..)| *sequence);
        for (_, time_ms, command) in decided {
            memories.apply(&command, time_ms);
        }
        for action in open.iter().flat_map(|command| command.request.open().actions) {
            if let Some(Action::SetSpace(set)) = action.action {
                memories.spaces.insert(Name::from(set.name), None);
            }
        }
        memories
    }

    fn apply(&mut self, command: &Command, time_ms: u64) {
        for action in command.request.open().actions.into_iter().filter_map(|action| action.action) {
            match action {
                Action::CreateSpace(create) => {
                    if let Some(memory_ms) = create.memory_ms {
                        self.spaces.insert(Name::from(create.name), Some(Memory::new(memory_ms)));
                    }
                }
                Action::SetSpace(set) => {
                    if let Some(Some(memory)) = self.spaces.get_mut(&Name::from(set.name))
                        && let Some(memory_ms) = set.memory_ms
                    {
                        memory.change(memory_ms, time_ms);
                    }
                }
                _ => {}
            }
        }
    }

    /// The greatest floor that a space may have when its clock shows this; none: nobody knows.
    ///
    /// What the memory was changed to later counts, too: that makes the bound looser, and never wrong.
    pub(in crate::oracle::properties) fn floor(&self, space: Name, clock_ms: u64) -> Option<u64> {
        Some(self.spaces.get(&space)?.as_ref()?.closed(clock_ms))
    }
}
