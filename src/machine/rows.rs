//! What the machine remembers between entries: the rows of its state, as values.
//!
//! - A row says when it is due by itself (a lock's `expires`, a log's and a space's `due`), and [`Effect::Due`] keeps the
//!   index of all that is due equal to what the rows say: one place in it for each, never more. The locks and logs of a
//!   space that was deleted leave their places behind, until the time that these name.
//! - What was deleted and could be mistaken for what comes after it leaves a mark: a log its end, a reader its
//!   version, a space its name.

use std::time::Duration;

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{
    Cell, CellKey, Era, History, Id, Lock, LockName, LogCreation, LogName, LogNumber, LogTime, MachineVersion, Memory,
    NewRecord, Offset, Outcome, Position, ReaderName, Retention, Sequence, SpaceName, SpaceNumber, Version,
};

use super::fingerprint::Fingerprint;

/// What holds for all spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Globals {
    /// The cluster's history.
    pub history: History,
    /// The greatest stamp seen; every space's clock.
    pub clock: LogTime,
    /// The rules by which new entries are to be decided.
    pub version: MachineVersion,
    /// The number that the next space gets.
    pub next_space: SpaceNumber,
}

impl Default for Globals {
    /// What every state begins with: the reserved space has the number 0, and `main` 1.
    fn default() -> Self {
        Self { history: History(0), clock: LogTime::ZERO, version: MachineVersion::FIRST, next_space: SpaceNumber(2) }
    }
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its short name in keys.
    pub number: SpaceNumber,
    /// How long it remembers ids.
    pub memory: Memory,
    /// How its logs come to be.
    pub logs: LogCreation,
    /// The time below which it has forgotten. It never goes back.
    pub floor: LogTime,
    /// The birth below which an id that was not known when its memory changed last is too old. It never goes back.
    pub closed: LogTime,
    /// How births are gathered in buckets, oldest first; none in a space that remembers for ever.
    pub eras: Vec<Era>,
    /// When its oldest bucket can go.
    pub due: Option<LogTime>,
    /// How many ids it remembers.
    pub ids: u64,
    /// About how many bytes they take.
    pub id_bytes: u64,
    /// The sequence of its latest outcome; 0 before the first.
    pub last_sequence: Sequence,
    /// The number that its next log gets.
    pub next_log: LogNumber,
}

impl Space {
    /// The bucket that ids born then are counted in: its first birth and the first after it. None in a space that
    /// remembers for ever.
    pub fn bucket_of(&self, birth: LogTime) -> Option<(LogTime, LogTime)> {
        let place = self.eras.partition_point(|era| era.from <= birth).checked_sub(1)?;
        let era = self.eras.get(place)?;
        let width = u64::try_from(era.width.as_millis()).unwrap_or(u64::MAX).max(1);
        let into = (birth.as_ms() - era.from.as_ms()) / width * width;
        let start = era.from.saturating_add(Duration::from_millis(into));
        let end = start.saturating_add(era.width);
        let limit = self.eras.get(place + 1).map_or(end, |next| next.from.min(end));
        Some((start, limit))
    }

    /// The birth below which an id that is not known is too old: it would be forgotten as soon as it was decided, and its
    /// sender could never learn what became of it. It is the beginning of a bucket, and never goes back while the clock
    /// does not.
    pub fn closed_by(&self, clock: LogTime) -> LogTime {
        let Memory::For(memory) = self.memory else { return LogTime::ZERO };
        let kept =
            self.bucket_of(clock.saturating_sub(remembered_for(memory))).map_or(LogTime::ZERO, |(start, _)| start);
        kept.max(self.closed).max(self.floor)
    }
}

/// For how long a space of this memory remembers.
pub(super) fn remembered_for(memory: Duration) -> Duration {
    // What the space has promised to know is too old for it.
    if seeded(Bug::ForgottenEarly) { memory * 9 / 10 } else { memory }
}

/// The ids of a finite space that were born in one piece of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// The first birth after it.
    pub end: LogTime,
    /// How many ids.
    pub ids: u64,
    /// About how many bytes they take.
    pub bytes: u64,
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
    /// Payload and header bytes of all records that it ever had.
    pub bytes_ever: u64,
    /// The space's time when it was made.
    pub created: LogTime,
    /// The space's time of its last append.
    pub last: LogTime,
    /// How much of it is kept.
    pub retention: Retention,
    /// When a piece of it is to go.
    pub due: Option<LogTime>,
    /// Where its pieces begin, oldest first; the first one's begins at `start` or before.
    pub marks: Vec<Mark>,
}

impl LogHead {
    /// Payload and header bytes of the records from the piece on that `start` is in.
    pub fn bytes(&self) -> u64 {
        self.bytes_ever - self.marks.first().map_or(0, |mark| mark.bytes_before)
    }
}

/// What stays of a log that was deleted, until it is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedLog {
    /// Its short name in keys, which it keeps.
    pub number: LogNumber,
    /// Where it ended, and goes on.
    pub end: Offset,
    /// The space's time when it was deleted.
    pub at: LogTime,
}

/// Where a piece of a log begins. Retention takes whole pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The offset of its first record.
    pub first: Offset,
    /// Payload and header bytes of all records before it, that the log ever had.
    pub bytes_before: u64,
    /// The space's time of its first record.
    pub opened: LogTime,
}

/// What a space knows of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Of the command that decided it; a tombstone has none and answers any content.
    pub fingerprint: Option<Fingerprint>,
    /// What became of it.
    pub outcome: Outcome,
    /// The id of the command that has undone it.
    pub compensated_by: Option<Id>,
}

/// What time does something to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The space can forget its oldest bucket.
    Floor(SpaceName),
    /// The lock expires.
    Lock(SpaceNumber, LockName),
    /// A piece of the log is older, or the log larger, than what is kept of it.
    Log(SpaceNumber, LogName),
}

/// One change of state. Effects are applied in order, together with the entry's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// What holds for all spaces becomes this.
    Globals(Globals),
    /// The space becomes this.
    Space {
        /// The name.
        name: SpaceName,
        /// The row.
        space: Space,
    },
    /// The bucket becomes this, or goes.
    Bucket {
        /// The space.
        space: SpaceNumber,
        /// The first birth of it.
        start: LogTime,
        /// The row.
        bucket: Option<Bucket>,
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
    /// The log's head goes, and this stays.
    LogDeleted {
        /// The log's space.
        space: SpaceNumber,
        /// The name.
        name: LogName,
        /// What stays.
        mark: DeletedLog,
    },
    /// The cell becomes this, or goes.
    Cell {
        /// The cell's space.
        space: SpaceNumber,
        /// The key.
        key: CellKey,
        /// The row.
        cell: Option<Cell>,
    },
    /// The reader's position in the log becomes this.
    Position {
        /// The reader's space.
        space: SpaceNumber,
        /// The reader.
        reader: ReaderName,
        /// The log.
        log: LogName,
        /// The row.
        position: Position,
    },
    /// The reader's position in the log goes, and this version stays.
    PositionDeleted {
        /// The reader's space.
        space: SpaceNumber,
        /// The reader.
        reader: ReaderName,
        /// The log.
        log: LogName,
        /// What stays.
        version: Version,
    },
    /// The lock becomes this, or goes.
    Lock {
        /// The lock's space.
        space: SpaceNumber,
        /// The name.
        name: LockName,
        /// The row.
        lock: Option<Lock>,
    },
    /// Something is due at a time, or no longer due then.
    Due {
        /// When.
        at: LogTime,
        /// What.
        due: Due,
        /// Whether it is.
        is: bool,
    },
    /// The ids of the space that were born from one time on and before another are forgotten. It comes after whatever
    /// was remembered of them.
    Forget {
        /// The space.
        space: SpaceNumber,
        /// The old floor.
        from: LogTime,
        /// The new floor.
        below: LogTime,
    },
    /// These records of the log are taken away, be they of the same entry: it comes after the records that it takes.
    Trim {
        /// The log's space.
        space: SpaceNumber,
        /// The log.
        log: LogNumber,
        /// The first that goes.
        from: Offset,
        /// The first that stays.
        before: Offset,
    },
    /// The space goes with everything in it, and its name stays. It comes after whatever else was written to the
    /// space; what is due in it stays in the index.
    SpaceDeleted {
        /// The name.
        name: SpaceName,
        /// Its short name in keys, which no other space gets.
        number: SpaceNumber,
        /// The time of all spaces when it was deleted.
        at: LogTime,
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
