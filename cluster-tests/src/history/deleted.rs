//! What is known to have been deleted.

use std::collections::HashMap;
use std::time::Duration;

use super::{Command, Events, Got, Job, Name};

/// Logs and spaces whose deletion was answered.
#[derive(Debug, Default)]
pub struct Deleted {
    /// By log, when each deletion was answered and where the log ended.
    logs: HashMap<Name, Vec<(Duration, u64)>>,
    /// By space, when its deletion was answered.
    spaces: HashMap<Name, Duration>,
}

impl Deleted {
    /// All that was.
    pub fn of(events: &Events) -> Self {
        let mut deleted = Self::default();
        for command in &events.commands {
            let Some((at, sealed)) = command.decided().filter(|(_, sealed)| sealed.is_applied()) else { continue };
            match (&command.job, sealed.got()) {
                (Job::DeleteLog { log }, [Got::LogDeleted { end }]) => {
                    deleted.logs.entry(Name::from(log)).or_default().push((at, *end));
                }
                (Job::DeleteSpace { space }, _) => {
                    deleted.spaces.insert(Name::from(space), at);
                }
                _ => {}
            }
        }
        deleted
    }

    /// The first offset of a log that no deletion took: 0 if there was none.
    pub fn end(&self, log: Name) -> u64 {
        self.logs.get(&log).into_iter().flatten().map(|(_, end)| *end).max().unwrap_or(0)
    }

    /// The same, of the deletions that were answered before a time.
    pub fn end_before(&self, log: Name, at: Duration) -> u64 {
        let before = self.logs.get(&log).into_iter().flatten().filter(|(answered, _)| *answered < at);
        before.map(|(_, end)| *end).max().unwrap_or(0)
    }

    /// When the deletion of a command's space was answered.
    pub fn space_of(&self, command: &Command) -> Option<Duration> {
        self.space(command.space)
    }

    /// When the deletion of a space was answered.
    pub fn space(&self, name: Name) -> Option<Duration> {
        self.spaces.get(&name).copied()
    }

    /// How many deletions there are.
    pub fn count(&self) -> usize {
        self.logs.values().map(Vec::len).sum::<usize>() + self.spaces.len()
    }

    /// Whether a record of a log, as a dump of a replica names it, has gone with its log or its space.
    pub fn has_taken(&self, log: Name, offset: u64) -> bool {
        if self.logs.is_empty() && self.spaces.is_empty() {
            return false;
        }
        let space = log.split_once('/').map(|(space, _)| Name::of(space));
        offset < self.end(log) || space.is_some_and(|space| self.spaces.contains_key(&space))
    }
}
