//! What an outbox keeps: commands, each with a number.

use std::fmt;

use crate::types::{Action, Command, LogName};

/// An entry's place in its outbox. It grows for as long as the outbox exists, and no number is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNumber(pub u64);

impl EntryNumber {
    pub(super) const FIRST: Self = Self(1);

    pub(super) fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("an outbox outlives no 64-bit count"))
    }
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A command that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its place: entries with lower numbers were kept before.
    pub number: EntryNumber,
    /// What is kept: all that it takes to send it, now or after a crash.
    pub command: Command,
    /// How many bytes the command takes in the file.
    pub(super) bytes: usize,
}

impl Entry {
    /// The log, if the command does nothing but append to one and has no guard.
    pub fn appends_to(&self) -> Option<&LogName> {
        match (self.command.guards.as_slice(), self.command.actions.as_slice()) {
            ([], [Action::Append { log, .. }]) => Some(log),
            _ => None,
        }
    }
}
