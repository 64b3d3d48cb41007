//! What an outbox keeps: appends, each with a number.

use std::fmt;

use crate::types::{Action, Command, Id, LogName, MalformedCommand, NewRecord, SpaceName};

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

/// All that it takes to send an append, now or after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The space that the id and the log are of.
    pub space: SpaceName,
    /// The id under which it is sent, however often.
    pub id: Id,
    /// The log.
    pub log: LogName,
    /// At least one record.
    pub records: Vec<NewRecord>,
}

impl Append {
    /// Checks what every node would check, so that nothing is kept which can never be sent.
    pub(super) fn check(&self) -> Result<(), MalformedCommand> {
        let append = Action::Append { log: self.log.clone(), records: self.records.clone() };
        let (space, id) = (self.space.clone(), self.id.clone());
        Command { space, id, guards: Vec::new(), actions: vec![append] }.check()
    }
}

/// An append that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: entries with lower numbers were kept before.
    pub number: EntryNumber,
    /// What is kept.
    pub append: Append,
    /// How many bytes the append takes in the file.
    pub(super) bytes: usize,
}
