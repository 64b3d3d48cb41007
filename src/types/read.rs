//! What a reader asks for and gets.

use super::cell::{KeyedCell, Lock, NamedLock, ReaderPosition};
use super::id::Id;
use super::identity::NodeId;
use super::name::{CellKey, LockName, LogName, ReaderName, SpaceName};
use super::number::{LogIndex, Offset, Sequence, Version};
use super::outcome::Outcome;
use super::policy::{Retention, SpacePolicy};
use super::record::Record;
use super::refusal::FateKind;
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
    Decided {
        /// The outcome, which never changes.
        outcome: Outcome,
        /// The id of the command that has undone it since.
        compensated_by: Option<Id>,
    },
    /// The space has forgotten ids as old as this one, and refuses them.
    TooOld {
        /// The time below which the space has forgotten.
        floor: LogTime,
    },
}

impl Fate {
    /// The fate in a word; none for an id that is too old to have one.
    pub fn kind(&self) -> Option<FateKind> {
        match self {
            Self::Unknown => Some(FateKind::Unknown),
            Self::Decided { outcome, compensated_by } => Some(outcome.verdict.fate(compensated_by.is_some())),
            Self::TooOld { .. } => None,
        }
    }
}

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The log ends at this offset or later. A log that never was ends at 0, and one that was deleted where it ended.
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
    /// The cell has another version than this; 0 is that of one that is not there.
    CellChanged {
        /// The cell.
        key: CellKey,
        /// The version that the waiting one knows.
        version: Version,
    },
    /// The cell holds a number that is at least this.
    CellAtLeast {
        /// The cell.
        key: CellKey,
        /// The least number.
        least: i64,
    },
    /// The reader is at this offset or past it.
    PositionReached {
        /// The reader.
        reader: ReaderName,
        /// The log.
        log: LogName,
        /// The least offset.
        offset: Offset,
    },
    /// Nobody holds the lock.
    LockFree {
        /// The lock.
        lock: LockName,
    },
}

/// What made a condition hold. Of what can turn back it is a hint: a guard alone is sure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Met {
    /// The log ends here.
    LogEnd(Offset),
    /// This became of the id; never [`Fate::Unknown`].
    Fate(Fate),
    /// The cell; none if it is not there.
    Cell(Option<KeyedCell>),
    /// The reader is here.
    Position(ReaderPosition),
    /// The lock is free.
    LockFree,
}

/// A run of a log's records.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct LogDescription {
    /// The name.
    pub name: LogName,
    /// The first offset that is still there.
    pub start: Offset,
    /// The offset that the next record gets.
    pub end: Offset,
    /// Payload and header bytes between start and end. After a trim it may count a piece of about a 64th too much.
    pub bytes: u64,
    /// The space's time when it was made.
    pub created: LogTime,
    /// How much of it is kept.
    pub retention: Retention,
}

/// A run of a space's logs, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The logs.
    pub logs: Vec<LogDescription>,
    /// Whether more come after the last one here.
    pub more: bool,
    /// What the answering node had applied.
    pub applied: LogIndex,
}

/// A run of something that a space lists, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed<T> {
    /// What was found.
    pub items: Vec<T>,
    /// Whether more come after the last one here.
    pub more: bool,
    /// What the answering node had applied.
    pub applied: LogIndex,
}

/// Cells by key.
pub type Cells = Listed<KeyedCell>;
/// Positions by reader and log.
pub type Positions = Listed<ReaderPosition>;
/// Locks that are held, by name.
pub type Locks = Listed<NamedLock>;
/// A lock, as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockReading {
    /// The lock, if somebody holds it.
    pub lock: Option<Lock>,
    /// The space's clock, which decides when it expires.
    pub clock: LogTime,
}

/// Spaces by name.
pub type Spaces = Listed<SpaceDescription>;

/// A space, as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpaceDescription {
    /// The name.
    pub name: SpaceName,
    /// What it was made with, or set to since.
    pub policy: SpacePolicy,
    /// The time below which it has forgotten.
    pub floor: LogTime,
    /// Its clock.
    pub clock: LogTime,
    /// How many ids it remembers.
    pub ids: u64,
    /// About how many bytes that takes, before compression.
    pub id_bytes: u64,
    /// The sequence of its latest outcome.
    pub last_sequence: Sequence,
}

/// How old duplicates were when they arrived at one node, since it started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Duplicates {
    /// The node.
    pub node: NodeId,
    /// In the order of their age.
    pub ages: Vec<DuplicatesOfAge>,
}

/// How many duplicates were of about one age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuplicatesOfAge {
    /// Younger than this; none for the oldest of all.
    pub below: Option<std::time::Duration>,
    /// How many.
    pub count: u64,
}
