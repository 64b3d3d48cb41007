//! What the machine remembers between entries: the rows of its state, as values.

use crate::types::{
    History, Id, LogName, LogNumber, LogTime, Memory, NewRecord, Offset, Outcome, Sequence, SpaceNumber,
};

use super::fingerprint::Fingerprint;

/// What holds for all spaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Globals {
    /// The cluster's history.
    pub history: History,
    /// The greatest stamp seen; every space's clock.
    pub clock: LogTime,
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its short name in keys.
    pub number: SpaceNumber,
    /// How long it remembers ids.
    pub memory: Memory,
    /// The time below which it has forgotten. It never goes back.
    pub floor: LogTime,
    /// The sequence of its latest outcome; 0 before the first.
    pub last_sequence: Sequence,
    /// The number that its next log gets.
    pub next_log: LogNumber,
}

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Its short name in keys.
    pub number: LogNumber,
    /// The first offset that is still there.
    pub start: Offset,
    /// The offset that the next record gets.
    pub end: Offset,
    /// Payload and header bytes of the records between start and end.
    pub bytes: u64,
    /// The space's time when it was made.
    pub created: LogTime,
}

/// What a space knows of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Of the command that decided it; a tombstone has none and answers any content.
    pub fingerprint: Option<Fingerprint>,
    /// What became of it.
    pub outcome: Outcome,
}

/// One change of state. Effects are applied in order, together with the entry's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// What holds for all spaces becomes this.
    Globals(Globals),
    /// The space becomes this.
    Space {
        /// The name.
        name: crate::types::SpaceName,
        /// The row.
        space: Space,
    },
    /// The log's head becomes this.
    Log {
        /// The log's space.
        space: SpaceNumber,
        /// The name.
        name: LogName,
        /// The row.
        head: LogHead,
    },
    /// These records follow each other from `first` on.
    Records {
        /// The log's space.
        space: SpaceNumber,
        /// The log.
        log: LogNumber,
        /// The first record's offset.
        first: Offset,
        /// The id that wrote them.
        id: Id,
        /// The space's time.
        time: LogTime,
        /// The records.
        records: Vec<NewRecord>,
    },
    /// The id is decided.
    Remember {
        /// The id's space.
        space: SpaceNumber,
        /// The id.
        id: Id,
        /// What is remembered.
        remembered: Remembered,
    },
}
