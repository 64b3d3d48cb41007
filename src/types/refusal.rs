//! Why a command was refused: which guard or action failed, and what was found.

use std::fmt;

use super::cell::Token;
use super::id::Id;
use super::name::Holder;
use super::number::{MachineVersion, Offset, Version};
use super::time::LogTime;

/// Which guard or action failed, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The guard or action.
    pub step: Step,
    /// What was found.
    pub found: Found,
}

/// A guard or an action of a command, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A guard.
    Guard(u32),
    /// An action.
    Action(u32),
}

/// What stood against a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// The log ends elsewhere.
    LogEnd(Offset),
    /// The log is not there.
    NoLog,
    /// The log is there already.
    LogExists,
    /// An offset past the log's end was named.
    PastEnd(Offset),
    /// The cell is not there.
    NoCell,
    /// The cell is there, with this version.
    CellVersion(Version),
    /// The cell holds bytes, where a number was wanted.
    NotANumber,
    /// The number is less than was wanted.
    TooLittle(i64),
    /// The sum would leave the bounds; the number is still this.
    OutOfBounds(i64),
    /// The reader is elsewhere.
    Position {
        /// Where it is.
        offset: Offset,
        /// The position's version.
        version: Version,
    },
    /// The reader has no position in the log: it was never moved there, or was deleted.
    NoReader,
    /// The lock is not held, or no longer.
    LockFree,
    /// The lock is held by somebody.
    LockHeld {
        /// Who.
        holder: Holder,
        /// By which token.
        token: Token,
        /// Until when, unless it is renewed.
        expires: LogTime,
    },
    /// The other id's fate is another.
    Fate(FateKind),
    /// The space has forgotten ids as old as the target.
    TargetTooOld {
        /// The time below which the space has forgotten.
        floor: LogTime,
    },
    /// The target was born too far ahead of the space's clock to be decided.
    TargetBornAhead {
        /// The space's clock.
        clock: LogTime,
    },
    /// Another command has undone the target already.
    AlreadyCompensated {
        /// The id of that command.
        by: Id,
    },
    /// The space is not there.
    NoSpace,
    /// The space is there already.
    SpaceExists,
    /// The space was deleted, and its name is never given again.
    SpaceDeleted {
        /// The cluster's time when it was.
        at: LogTime,
    },
    /// A space that remembers for ever never forgets, and one that forgets never remembers for ever.
    MemoryIsFixed,
    /// The policy was changed too often for what the space still remembers.
    TooManyChanges,
    /// The version is less than the one in force.
    VersionInForce(MachineVersion),
}

/// What became of an id, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FateKind {
    /// Nothing yet.
    Unknown,
    /// It was applied, and is in force.
    Applied,
    /// It was applied, and undone by another command.
    Compensated,
    /// It was refused.
    Refused,
    /// It was cancelled.
    Cancelled,
}

impl fmt::Display for FateKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FateKind {
    /// The word for people and scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Applied => "applied",
            Self::Compensated => "compensated",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Found {
    /// The word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LogEnd(_) => "log_end",
            Self::NoLog => "no_log",
            Self::LogExists => "log_exists",
            Self::PastEnd(_) => "past_end",
            Self::NoCell => "no_cell",
            Self::CellVersion(_) => "cell_version",
            Self::NotANumber => "not_a_number",
            Self::TooLittle(_) => "too_little",
            Self::OutOfBounds(_) => "out_of_bounds",
            Self::Position { .. } => "position",
            Self::NoReader => "no_reader",
            Self::LockFree => "lock_free",
            Self::LockHeld { .. } => "lock_held",
            Self::Fate(_) => "fate",
            Self::TargetTooOld { .. } => "target_too_old",
            Self::TargetBornAhead { .. } => "target_born_ahead",
            Self::AlreadyCompensated { .. } => "already_compensated",
            Self::NoSpace => "no_space",
            Self::SpaceExists => "space_exists",
            Self::SpaceDeleted { .. } => "space_deleted",
            Self::MemoryIsFixed => "memory_is_fixed",
            Self::TooManyChanges => "too_many_changes",
            Self::VersionInForce(_) => "version_in_force",
        }
    }
}
