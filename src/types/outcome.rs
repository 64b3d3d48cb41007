//! What became of a command.

use super::cell::Token;
use super::number::{History, MachineVersion, Offset, Sequence, Version};
use super::refusal::{FateKind, Refusal};
use super::time::LogTime;

/// The one answer of an id: written once, replayed for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was decided.
    pub verdict: Verdict,
    /// The outcome's place among all outcomes of its space.
    pub sequence: Sequence,
    /// The cluster's history when it was decided.
    pub history: History,
    /// The space's time when it was decided.
    pub time: LogTime,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was done; one result for each action, in order.
    Applied(Vec<ActionResult>),
    /// The command was to undo what had not been done, and from now on never will be: none of its actions was done.
    NothingToUndo,
    /// Nothing was done, because of this.
    Refused(Refusal),
    /// Nothing was done, and never will be.
    Cancelled,
}

impl Verdict {
    /// The fate of an id that got it, in a word.
    pub(crate) fn fate(&self, is_compensated: bool) -> FateKind {
        match self {
            Self::Applied(_) | Self::NothingToUndo if is_compensated => FateKind::Compensated,
            Self::Applied(_) | Self::NothingToUndo => FateKind::Applied,
            Self::Refused(_) => FateKind::Refused,
            Self::Cancelled => FateKind::Cancelled,
        }
    }
}

/// What one action got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionResult {
    /// The records took these places.
    Appended {
        /// The first record's offset.
        first: Offset,
        /// How many records.
        count: u32,
    },
    /// The cell holds the new value.
    Put {
        /// The cell's version.
        version: Version,
    },
    /// The cell is gone.
    Deleted {
        /// The version with which it went.
        version: Version,
    },
    /// The cell holds the sum.
    Added {
        /// The sum.
        value: i64,
        /// The cell's version.
        version: Version,
    },
    /// The reader is at the new position.
    Moved {
        /// The position's version.
        version: Version,
    },
    /// The lock is held: acquired now, or for longer.
    Locked {
        /// What it is held by.
        token: Token,
        /// When it is no longer held, unless it is renewed.
        expires: LogTime,
    },
    /// The lock is free.
    Released,
    /// The log begins here now.
    Trimmed {
        /// The first offset that is still there.
        start: Offset,
    },
    /// The target counts as undone: the other actions of this command undid it.
    Compensated,
    /// The log is there.
    LogCreated,
    /// The log is kept as was asked.
    RetentionSet,
    /// The log and its records are gone.
    LogDeleted {
        /// Where it ended, and where it goes on should it be made again.
        end: Offset,
    },
    /// The reader's position is gone.
    ReaderDeleted {
        /// The version that the reader has until it is moved again.
        version: Version,
    },
    /// The space is there.
    SpaceCreated,
    /// The space's policy is as was asked.
    SpaceSet,
    /// The space is gone, and its name is never given again.
    SpaceDeleted,
    /// Entries are decided by these rules from now on.
    VersionRaised {
        /// The rules.
        version: MachineVersion,
    },
}

/// An id's outcome, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The outcome.
    pub outcome: Outcome,
    /// Whether an earlier arrival of the id decided it.
    pub replayed: bool,
}

/// What the machine says to one proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The id's outcome.
    Decided {
        /// The outcome.
        outcome: Outcome,
        /// Whether an earlier arrival of the id decided it.
        replayed: bool,
    },
    /// Nothing was decided and nothing recorded.
    Rejected(Rejection),
}

/// Why a proposal was turned away without an outcome. It has changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The space does not exist.
    NoSuchSpace,
    /// The space was deleted.
    SpaceDeleted {
        /// The cluster's time when it was.
        at: LogTime,
    },
    /// Birth below the floor.
    TooOld {
        /// The time below which the space has forgotten.
        floor: LogTime,
    },
    /// A finite space takes only ids with a birth.
    WithoutBirth,
    /// An infinite space takes no birth beside an id.
    BirthBesideForever,
    /// Born too far ahead of the space's clock.
    BornAhead {
        /// The space's clock.
        clock: LogTime,
    },
    /// The id is known with other content.
    Reused,
    /// The command breaks a rule that holds whatever the state is.
    Malformed,
}
