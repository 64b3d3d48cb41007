//! What somebody asked a node for, and what it said: looks at state, and waits for a condition.
//!
//! - A question that failed has seen nothing and is no event of these. Some failures say something: that a record was trimmed
//!   away, that there is no such cell, and that the condition of a wait did not come to hold in time.
//! - Every answer has the entry that its node had applied then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Content, Name, RecordSeen, Sealed};
use crate::client::Failure;
use crate::command::sealed;
use crate::proto::{
    self, CommandId, GetCellResponse, GetLockResponse, GetPositionResponse, Lock, LogCreation, LookupResponse,
    ReadResponse, ReaderPosition, SpaceDescription, WaitResponse, cell_value, lookup_response, wait_request,
    wait_response,
};

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The node.
    pub node: u64,
    /// Whether all was to be seen that was acknowledged before.
    pub linearizable: bool,
    /// The space; empty for `main`.
    pub space: Name,
    /// When it was asked.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// The last entry that the node had applied; 0 if it did not say.
    pub applied: u64,
    /// What was asked.
    pub question: Question,
    /// What was said.
    pub answer: Answer,
}

/// What a node is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A page of a log.
    Records {
        /// The log.
        log: Name,
        /// The first offset; none: the first that is left.
        from: Option<u64>,
    },
    /// A page of the list of logs.
    Logs {
        /// The name that the page comes after.
        after: String,
        /// How many at most.
        limit: u32,
    },
    /// A page of the list of cells.
    Cells {
        /// The key that the page comes after.
        after: String,
        /// What keys begin with.
        prefix: String,
        /// How many at most.
        limit: u32,
    },
    /// A cell.
    Cell {
        /// Its key.
        key: Name,
    },
    /// A page of the list of spaces.
    Spaces {
        /// The name that the page comes after.
        after: String,
        /// How many at most.
        limit: u32,
    },
    /// A page of the list of readers' positions.
    Positions {
        /// Of this reader alone; empty: of all.
        reader: String,
        /// The reader and the log that the page comes after.
        after: (String, String),
        /// How many at most.
        limit: u32,
    },
    /// A page of the list of locks.
    Locks {
        /// The name that the page comes after.
        after: String,
        /// What names begin with.
        prefix: String,
        /// How many at most.
        limit: u32,
    },
    /// What became of an id.
    Fate(Identity),
    /// Where a reader is.
    Position {
        /// The reader.
        reader: Name,
        /// The log that it reads.
        log: Name,
    },
    /// Who holds a lock.
    Lock {
        /// The lock.
        lock: Name,
    },
    /// To wait until something holds.
    Wait {
        /// What.
        wanted: Wanted,
        /// How long the node was given.
        deadline: Duration,
    },
}

/// An id, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Its text.
    pub text: Name,
    /// The birth beside it.
    pub birth_ms: Option<u64>,
}

impl Identity {
    /// As the protocol has it.
    pub fn of(id: &CommandId) -> Self {
        Self { text: Name::of(&id.text), birth_ms: id.birth_ms }
    }

    /// As the protocol has it.
    pub fn message(self) -> CommandId {
        CommandId { text: self.text.to_string(), birth_ms: self.birth_ms }
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A log ends here or later.
    LogEnd {
        /// The log.
        log: Name,
        /// The end.
        end: u64,
    },
    /// An id has an outcome.
    Decided(Identity),
    /// A cell has another version.
    CellChanged {
        /// The cell.
        key: Name,
        /// Than this.
        version: u64,
    },
    /// A cell holds a number.
    CellAtLeast {
        /// The cell.
        key: Name,
        /// That is at least this.
        least: i64,
    },
    /// A reader is here or farther.
    Position {
        /// The reader.
        reader: Name,
        /// The log that it reads.
        log: Name,
        /// The offset.
        offset: u64,
    },
    /// Nobody holds a lock.
    LockFree {
        /// The lock.
        lock: Name,
    },
}

/// What a node says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A page of a log.
    Records {
        /// The first offset that was left.
        start: u64,
        /// Where the log ended.
        end: u64,
        /// Where the next page begins.
        next: u64,
        /// The first records, [`super::PAGE_RECORDS`] at most.
        records: Vec<RecordSeen>,
    },
    /// The record is trimmed away, and this is the first that is left.
    Trimmed(u64),
    /// A page of the list of logs.
    Logs {
        /// Each.
        logs: Vec<LogSeen>,
        /// Whether more come.
        more: bool,
    },
    /// A page of the list of cells.
    Cells {
        /// Each.
        cells: Vec<CellSeen>,
        /// Whether more come.
        more: bool,
    },
    /// The cell, or that there is none.
    Cell(Option<CellSeen>),
    /// A page of the list of spaces.
    Spaces {
        /// Each.
        spaces: Vec<SpaceSeen>,
        /// Whether more come.
        more: bool,
    },
    /// A page of the list of readers' positions.
    Positions {
        /// Each.
        positions: Vec<PositionSeen>,
        /// Whether more come.
        more: bool,
    },
    /// A page of the list of locks.
    Locks {
        /// Each, with who holds it.
        locks: Vec<(Name, LockSeen)>,
        /// Whether more come.
        more: bool,
        /// What the space's clock shows.
        clock_ms: u64,
    },
    /// Nothing has become of the id.
    Unknown,
    /// The space has forgotten ids of its age.
    TooOld,
    /// The id is decided.
    Decided {
        /// Its outcome.
        outcome: Sealed,
        /// The command that has undone it.
        compensated_by: Option<Identity>,
    },
    /// Where the log ends.
    LogEnd(u64),
    /// Where the reader is.
    Position {
        /// The offset.
        offset: u64,
        /// The version.
        version: u64,
    },
    /// Who holds the lock, if anybody does.
    Lock {
        /// Who does.
        held: Option<LockSeen>,
        /// What the space's clock shows.
        clock_ms: u64,
    },
    /// Nobody holds the lock.
    LockFree,
    /// The condition did not come to hold in time.
    Late,
}

/// A lock that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSeen {
    /// What it is held by.
    pub token: (u64, u64),
    /// Until when.
    pub expires_ms: u64,
}

/// A space in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceSeen {
    /// Its name.
    pub name: Name,
    /// How long it remembers ids; none: for ever.
    pub memory_ms: Option<u64>,
    /// Whether logs come to be only by a command.
    pub explicit: bool,
}

/// A reader's position in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionSeen {
    /// The reader.
    pub reader: Name,
    /// The log that it reads.
    pub log: Name,
    /// The offset.
    pub offset: u64,
    /// The version.
    pub version: u64,
}

/// A log in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSeen {
    /// Its name.
    pub name: Name,
    /// The first offset that is left.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSeen {
    /// Its key.
    pub key: Name,
    /// The sequence of the command that made it so.
    pub version: u64,
    /// The number, if it holds one.
    pub number: Option<i64>,
    /// The bytes, if it holds some.
    pub content: Option<Content>,
}

impl SpaceSeen {
    /// As an answer has it.
    pub fn of(space: &SpaceDescription) -> Self {
        let explicit = space.logs() == LogCreation::Explicit;
        Self { name: Name::of(&space.name), memory_ms: space.memory_ms, explicit }
    }
}

impl PositionSeen {
    /// As an answer has it.
    pub fn of(position: &ReaderPosition) -> Self {
        let ReaderPosition { reader, log, offset, version, .. } = position;
        Self { reader: Name::of(reader), log: Name::of(log), offset: *offset, version: *version }
    }
}

impl LockSeen {
    /// As an answer has it.
    pub fn of(lock: &Lock) -> Self {
        let token = lock.token.unwrap_or_default();
        Self { token: (token.history, token.sequence), expires_ms: lock.expires_ms }
    }
}

impl CellSeen {
    /// As an answer has it.
    pub fn of(cell: &proto::Cell) -> Self {
        let (number, content) = match cell.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(cell_value::Value::Integer(number)) => (Some(*number), None),
            Some(cell_value::Value::Bytes(bytes)) => (None, Some(Content::of(bytes))),
            None => (None, None),
        };
        Self { key: Name::of(&cell.key), version: cell.version, number, content }
    }
}

impl Wanted {
    /// As the protocol has it.
    pub fn message(&self) -> wait_request::Condition {
        use wait_request::Condition;
        match *self {
            Self::LogEnd { log, end } => Condition::LogEnd(proto::LogEndReached { log: log.to_string(), end }),
            Self::Decided(id) => Condition::Decided(proto::IdDecided { id: Some(id.message()) }),
            Self::CellChanged { key, version } => {
                Condition::CellChanged(proto::CellChanged { key: key.to_string(), version })
            }
            Self::CellAtLeast { key, least } => {
                Condition::CellAtLeast(proto::CellIsAtLeast { key: key.to_string(), least })
            }
            Self::Position { reader, log, offset } => {
                Condition::Position(proto::PositionReached { reader: reader.to_string(), log: log.to_string(), offset })
            }
            Self::LockFree { lock } => Condition::LockFree(proto::LockIsFree { lock: lock.to_string() }),
        }
    }
}

impl Answer {
    /// Of a read.
    pub fn to_read(answer: &Result<ReadResponse, Failure>) -> Option<(Self, u64)> {
        match answer {
            Ok(page) => {
                let records = page.records.iter().take(super::PAGE_RECORDS).map(RecordSeen::of).collect();
                let (start, end, next) = (page.start, page.end, page.next);
                Some((Self::Records { start, end, next, records }, page.applied_index))
            }
            Err(failure) if failure.reason == "TRIMMED" => Some((Self::Trimmed(fact(failure, "start")?), 0)),
            Err(_) => None,
        }
    }

    /// Of a look at a cell. A node that says that there is none does not say what it has applied.
    pub fn to_cell(answer: &Result<GetCellResponse, Failure>) -> Option<(Self, u64)> {
        match answer {
            Ok(response) => Some((Self::Cell(response.cell.as_ref().map(CellSeen::of)), response.applied_index)),
            Err(failure) if failure.reason == "NO_SUCH_CELL" => Some((Self::Cell(None), 0)),
            Err(_) => None,
        }
    }

    /// Of a look-up.
    pub fn to_lookup(answer: &Result<LookupResponse, Failure>) -> Option<(Self, u64)> {
        let response = answer.as_ref().ok()?;
        let said = match response.fate.as_ref().expect("a lookup says what became of the id") {
            lookup_response::Fate::Unknown(_) => Self::Unknown,
            lookup_response::Fate::TooOld(_) => Self::TooOld,
            lookup_response::Fate::Decided(it) => Self::decided(it),
        };
        Some((said, response.applied_index))
    }

    /// Of a look at a position.
    pub fn to_position(response: &GetPositionResponse) -> (Self, u64) {
        let position = response.position.as_ref().expect("a position is answered");
        (Self::Position { offset: position.offset, version: position.version }, response.applied_index)
    }

    /// Of a look at a lock.
    pub fn to_lock(response: &GetLockResponse) -> (Self, u64) {
        let held = response.lock.as_ref().map(LockSeen::of);
        (Self::Lock { held, clock_ms: response.clock_ms }, response.applied_index)
    }

    /// Of a wait.
    pub fn to_wait(answer: &Result<WaitResponse, Failure>) -> Option<(Self, u64)> {
        use wait_response::Found;
        let response = match answer {
            Ok(response) => response,
            // Without that fact the node has not looked even once.
            Err(failure) if failure.reason == "TIMED_OUT" => {
                return Some((Self::Late, fact(failure, "applied_index")?));
            }
            Err(_) => return None,
        };
        let said = match response.found.as_ref().expect("a wait says what was found") {
            Found::LogEnd(end) => Self::LogEnd(*end),
            Found::Decided(it) => Self::decided(it),
            Found::TooOld(_) => Self::TooOld,
            Found::Cell(cell) => Self::Cell(Some(CellSeen::of(cell))),
            Found::NoCell(_) => Self::Cell(None),
            Found::Position(it) => Self::Position { offset: it.offset, version: it.version },
            Found::LockFree(_) => Self::LockFree,
        };
        Some((said, response.applied_index))
    }

    fn decided(decided: &proto::Decided) -> Self {
        let outcome = sealed(decided.outcome.as_ref().expect("what is decided has an outcome"));
        Self::Decided { outcome, compensated_by: decided.compensated_by.as_ref().map(Identity::of) }
    }
}

fn fact(failure: &Failure, name: &str) -> Option<u64> {
    failure.metadata.get(name)?.parse().ok()
}
