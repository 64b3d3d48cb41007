//! What a space holds beside its logs, as readers see it: cells, readers' positions, locks.

use std::fmt;

use bytes::Bytes;

use super::name::{CellKey, Holder, LockName, LogName, ReaderName};
use super::number::{History, Offset, Sequence, Version};
use super::time::LogTime;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellValue {
    /// Bytes that mean something to clients alone.
    Bytes(Bytes),
    /// A number that can be added to.
    Integer(i64),
}

impl CellValue {
    /// How many bytes of the sender's it carries.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Integer(_) => 8,
        }
    }
}

impl CellValue {
    /// The number, if it holds one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Bytes(_) => None,
            Self::Integer(integer) => Some(*integer),
        }
    }

    /// The bytes, if it holds any.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Integer(_) => None,
        }
    }
}

impl From<i64> for CellValue {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<Bytes> for CellValue {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for CellValue {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<&'static str> for CellValue {
    fn from(text: &'static str) -> Self {
        Self::Bytes(text.into())
    }
}

/// A named value of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it holds.
    pub value: CellValue,
    /// How it came to hold it.
    pub version: Version,
    /// The space's time then.
    pub time: LogTime,
}

/// A cell with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedCell {
    /// The key.
    pub key: CellKey,
    /// The cell.
    pub cell: Cell,
}

/// How far a reader has come in a log. One that was never moved is at 0 and has version 0. One that was deleted is at
/// 0, too, with the version of its deletion, so that whoever saw it before loses at a guard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The first offset that it has not done.
    pub offset: Offset,
    /// How it came to be there.
    pub version: Version,
    /// The space's time when it was moved there; zero for a reader that was never moved, or was deleted since.
    pub time: LogTime,
}

impl Position {
    /// Where a reader is that was deleted by the command that gave this version.
    pub fn deleted(version: Version) -> Self {
        Self { version, ..Self::default() }
    }

    /// Whether a command has moved the reader, and none deleted it since. Otherwise it begins where the log begins.
    pub fn was_moved(&self) -> bool {
        self.time > LogTime::ZERO
    }
}

/// A position with its reader and its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderPosition {
    /// The reader.
    pub reader: ReaderName,
    /// The log.
    pub log: LogName,
    /// How far it has come.
    pub position: Position,
    /// Where the log ends, or ended when it was deleted.
    pub end: Offset,
}

/// What proves that a lock was acquired: where the acquiring command stands. It grows for ever, so that whatever a lock
/// protects can refuse a token that is less than one that it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The cluster's history.
    pub history: History,
    /// The acquiring command's sequence.
    pub sequence: Sequence,
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.history, self.sequence)
    }
}

impl Token {
    /// Reads what its display wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (history, sequence) = text.split_once('/')?;
        Some(Self { history: History(history.parse().ok()?), sequence: Sequence(sequence.parse().ok()?) })
    }
}

/// A lock that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Who holds it, as it said.
    pub holder: Holder,
    /// What it holds it by.
    pub token: Token,
    /// The space's time at which it is no longer held, unless it is renewed.
    pub expires: LogTime,
}

/// A lock with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLock {
    /// The name.
    pub name: LockName,
    /// The lock.
    pub lock: Lock,
}
