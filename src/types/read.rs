//! What a reader asks for and gets.

use super::id::Id;
use super::name::LogName;
use super::number::{LogIndex, Offset};
use super::outcome::Outcome;
use super::record::Record;
use super::time::LogTime;

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Everything acknowledged before the request was sent is seen, whichever node is asked.
    #[default]
    Linearizable,
    /// What the asked node has applied; possibly stale.
    Local,
}

/// What became of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// No command with this id has been decided. One may still be on its way.
    Unknown,
    /// This was decided.
    Decided(Outcome),
    /// The space has forgotten ids as old as this one, and refuses them.
    TooOld {
        /// The time below which the space has forgotten.
        floor: LogTime,
    },
}

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The log ends at this offset or later; a log that is not there ends at 0.
    LogEnd {
        /// The log.
        log: LogName,
        /// The least end.
        end: Offset,
    },
    /// The id has an outcome, or is too old to get one.
    Decided {
        /// The id.
        id: Id,
    },
}

/// What made a condition hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// The log ends here.
    LogEnd(Offset),
    /// This became of the id; never [`Fate::Unknown`].
    Fate(Fate),
}

/// A run of a log's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where to go on reading.
    pub next: Offset,
    /// The log's end when the page was read.
    pub end: Offset,
    /// The log's first offset then.
    pub start: Offset,
    /// What the answering node had applied.
    pub applied: LogIndex,
}

/// The head of a log, as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDescription {
    /// The name.
    pub name: LogName,
    /// The first offset that is still there.
    pub start: Offset,
    /// The offset that the next record gets.
    pub end: Offset,
    /// Payload and header bytes between start and end.
    pub bytes: u64,
    /// The space's time when it was made.
    pub created: LogTime,
}

/// A run of a space's logs, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The logs.
    pub logs: Vec<LogDescription>,
    /// Whether more come after the last one here.
    pub more: bool,
    /// What the answering node had applied.
    pub applied: LogIndex,
}
