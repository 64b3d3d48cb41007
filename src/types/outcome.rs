//! What became of a command.

use super::number::{History, Offset, Sequence};
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
    /// Nothing was done, because of this.
    Refused(Refusal),
    /// Nothing was done, and never will be.
    Cancelled,
}

/// What one action got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionResult {
    /// The records took these places.
    Appended {
        /// The first record's offset.
        first: Offset,
        /// How many records.
        count: u32,
    },
}

/// Which guard or action failed, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The log does not end where the guard says.
    LogEnd {
        /// Which guard, counted from 0.
        guard: u32,
        /// Where the log ends.
        found: Offset,
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
