//! What an operator decides about spaces and logs.

use std::time::Duration;

use super::limits::{MEMORY_MAX, MEMORY_MIN};
use super::time::LogTime;

/// How long a space remembers ids. Which of the two is fixed when the space is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// For ever: no id is ever forgotten.
    Forever,
    /// For this long after an id's birth; then the id is refused as too old.
    For(Duration),
}

impl Memory {
    /// Whether a space may be given it.
    pub(crate) fn is_allowed(self) -> bool {
        match self {
            Self::Forever => true,
            Self::For(duration) => is_allowed_duration(duration),
        }
    }
}

/// Whether a space may remember for this long.
pub(super) fn is_allowed_duration(duration: Duration) -> bool {
    (MEMORY_MIN..=MEMORY_MAX).contains(&duration) && duration.subsec_nanos().is_multiple_of(1_000_000)
}

/// How logs come to be in a space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogCreation {
    /// The first append makes a log.
    #[default]
    ByAppend,
    /// A log is made by a command of its own; an append to one that is not there is refused.
    Explicit,
}

/// What a space is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpacePolicy {
    /// How long it remembers ids.
    pub memory: Memory,
    /// How its logs come to be.
    pub logs: LogCreation,
}

/// How much of a log is kept at least. What is older, and more than any of these, goes in pieces of about a 64th.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Records that are younger than this.
    pub age: Option<Duration>,
    /// The newest records that have this many bytes together.
    pub bytes: Option<u64>,
    /// This many newest records.
    pub records: Option<u64>,
}

impl Retention {
    /// Keep everything.
    pub const EVERYTHING: Self = Self { age: None, bytes: None, records: None };

    /// Whether each bound has a meaning: it is more than nothing, and an age is of whole milliseconds.
    pub(crate) fn is_meaningful(&self) -> bool {
        let age_means_something = |age: Duration| age > Duration::ZERO && age.subsec_nanos().is_multiple_of(1_000_000);
        self.age.is_none_or(age_means_something) && self.bytes != Some(0) && self.records != Some(0)
    }
}

/// A piece of the past that one step of forgetting takes: how births are gathered from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era {
    /// The first birth of it.
    pub from: LogTime,
    /// How much time a bucket of it covers.
    pub width: Duration,
}
