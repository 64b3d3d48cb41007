//! What is remembered of what was seen: each kind of look once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Content, Name};
use crate::client::{Failure, Place};
use crate::proto::Record;

/// How many records of a page of a tail are remembered.
pub const PAGE_RECORDS: usize = 8;

/// What a linearizable read of a log's end saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndSeen {
    /// The log.
    pub log: Name,
    /// When it was asked.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// The end.
    pub end: u64,
}

/// A record that somebody was shown while the run went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSeen {
    /// Where.
    pub offset: u64,
    /// The id that wrote it.
    pub id: Name,
    /// What it holds.
    pub content: Content,
}

impl RecordSeen {
    /// As an answer has it.
    pub fn of(record: &Record) -> Self {
        let id = record.id.as_ref().map_or_else(Name::default, |id| Name::of(&id.text));
        Self { offset: record.offset, id, content: Content::of_record(&record.payload, &record.headers) }
    }
}

/// All records of a page, however many: two pages that show anything else differ in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllSeen {
    /// How many there are.
    pub count: u64,
    /// Their offsets, ids and contents.
    pub content: Content,
}

impl AllSeen {
    /// Of these records.
    pub fn of(records: impl IntoIterator<Item = RecordSeen>) -> Self {
        let (mut count, mut bytes) = (0, Vec::new());
        for RecordSeen { offset, id, content } in records {
            count += 1;
            bytes.extend(offset.to_le_bytes());
            bytes.extend((id.len() as u64).to_le_bytes());
            bytes.extend(id.as_bytes());
            content.write(&mut bytes);
        }
        Self { count, content: Content::of(&bytes) }
    }
}

/// What a node showed of a log out of its own state, however old that is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LocalSeen {
    /// The node.
    pub node: u64,
    /// The log.
    pub log: Name,
    /// When it was asked.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// The first offset that was left for the node.
    pub start: u64,
    /// Where the log ended for the node.
    pub end: u64,
    /// The first records shown.
    pub records: Vec<RecordSeen>,
    /// All of them.
    pub all: AllSeen,
}

/// A page of a tail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PageSeen {
    /// Which tail, of all in the history.
    pub tail: usize,
    /// The node.
    pub node: u64,
    /// The log.
    pub log: Name,
    /// Whether all was to be there that was acknowledged before the tail was asked for.
    pub linearizable: bool,
    /// When the tail was asked for.
    pub invoked: Duration,
    /// When the page came.
    pub completed: Duration,
    /// Where the page was to begin.
    pub from: u64,
    /// Where the next one is to begin.
    pub next: u64,
    /// The first offset that was left.
    pub start: u64,
    /// Where the log ended.
    pub end: u64,
    /// The first records of the page, [`PAGE_RECORDS`] at most.
    pub records: Vec<RecordSeen>,
    /// All of them.
    pub all: AllSeen,
}

/// What a look for an id found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nothing has become of it.
    Unknown,
    /// The space has forgotten ids of its age.
    TooOld,
    /// It was applied, and its records are here.
    Appended(Place),
    /// It is decided otherwise, in words.
    Other(String),
}

/// A look for what became of the id of an append.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookedUp {
    /// The id.
    pub id: Name,
    /// The node asked.
    pub node: u64,
    /// Whether all was to be seen that was acknowledged before.
    pub linearizable: bool,
    /// When it was asked.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// What it was.
    pub fate: Fate,
}

/// A read that failed in a way that is worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadFailed {
    /// The node.
    pub node: u64,
    /// When the answer came.
    pub at: Duration,
    /// What was asked for, in words.
    pub what: String,
    /// The answer.
    pub failure: Failure,
}

/// Reasons for which reads fail every day: nobody leads, there is no time, or what is asked for is not there. Without a
/// reason it was no node that answered.
const EVERYDAY: [&str; 10] = [
    "",
    "NO_LEADER",
    "TIMED_OUT",
    "OVERLOADED",
    "NOT_SERVING",
    "NOT_INITIALISED",
    "NO_SUCH_SPACE",
    "NO_SUCH_LOG",
    "NO_SUCH_CELL",
    "TRIMMED",
];

impl ReadFailed {
    /// Whether a failure is worth a look.
    pub(super) fn is_odd(failure: &Failure) -> bool {
        !EVERYDAY.contains(&failure.reason.as_str())
    }
}

/// A number in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// The number.
    pub number: i64,
    /// The sequence of the command that made it so.
    pub version: u64,
}

/// Cells with numbers, as they all were at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CellsSeen {
    /// The node asked.
    pub node: u64,
    /// When it was asked.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// Each of them by its key.
    pub cells: BTreeMap<String, Number>,
}

/// How a node was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSeen {
    /// The node.
    pub node: u64,
    /// When it said so.
    pub at: Duration,
    /// Its term.
    pub term: u64,
    /// Whether it leads.
    pub leads: bool,
    /// Whether it serves.
    pub serves: bool,
    /// The last entry that it knows to be committed.
    pub committed: u64,
    /// The last entry that it has applied.
    pub applied: u64,
    /// The digest there.
    pub digest: String,
}
