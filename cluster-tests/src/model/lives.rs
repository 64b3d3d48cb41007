//! How spaces come, change and go: what the commands of the reserved space say, and what it means in the spaces themselves.
//!
//! - The commands of two spaces have no common order but time. What a space was told at the very time of a change may come
//!   before it or after it, so both are right.

use super::floor::{AHEAD_MS, Change, Memory};
use super::rows::Fact;
use crate::proto::{CreateSpace, LogCreation, SetSpace};

/// What a space is from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    /// How long it remembers; none: for ever.
    pub(super) memory: Option<Memory>,
    /// Whether a log has to be made by a command of its own.
    pub(super) explicit: bool,
}

/// A space from its beginning on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    /// Each with its time, in order.
    policies: Vec<(u64, Policy)>,
    /// When it was deleted.
    pub(super) deleted_ms: Option<u64>,
}

impl Life {
    /// Of a space that every cluster has.
    pub(super) fn without_beginning() -> Self {
        Self { policies: vec![(0, Policy { memory: None, explicit: false })], deleted_ms: None }
    }

    /// Of a space that is made now.
    pub(super) fn new(create: &CreateSpace, time_ms: u64) -> Self {
        let explicit = create.logs() == LogCreation::Explicit;
        let policy = Policy { memory: create.memory_ms.map(Memory::new), explicit };
        Self { policies: vec![(time_ms, policy)], deleted_ms: None }
    }

    /// What the space is now.
    pub(super) fn policy(&self) -> Option<&Policy> {
        self.policies.last().map(|(_, policy)| policy)
    }

    /// The space is changed. None: what remembers for ever does not forget.
    pub(super) fn change(&mut self, set: &SetSpace, time_ms: u64) -> Option<Change> {
        let mut policy = self.policy()?.clone();
        let mut change = Change { allowed: true, refused: false };
        if let Some(memory_ms) = set.memory_ms {
            change = policy.memory.as_mut()?.change(memory_ms, time_ms);
        }
        match set.logs() {
            LogCreation::Unspecified => {}
            LogCreation::ByAppend => policy.explicit = false,
            LogCreation::Explicit => policy.explicit = true,
        }
        self.policies.push((time_ms, policy));
        Some(change)
    }

    /// What the space may be at a time; nothing before it was made.
    fn at(&self, time_ms: u64) -> impl Iterator<Item = &Policy> {
        let until = self.policies.partition_point(|(from, _)| *from <= time_ms);
        let before = self.policies.partition_point(|(from, _)| *from < time_ms).saturating_sub(1);
        let range = self.policies.get(before..until).unwrap_or_default();
        range.iter().map(|(_, policy)| policy)
    }
}

impl Fact<Life> {
    /// Why nothing can be decided in the space at a time.
    pub(super) fn denies(&self, time_ms: u64) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Is(None) => Some("the space was never made".to_owned()),
            Self::Is(Some(life)) => {
                if let Some(deleted_ms) = life.deleted_ms.filter(|deleted_ms| *deleted_ms < time_ms) {
                    return Some(format!("the space was deleted at {deleted_ms}"));
                }
                life.at(time_ms).next().is_none().then(|| "the space was made later".to_owned())
            }
        }
    }

    /// Whether appends may make logs at a time, and whether they may not.
    pub(super) fn makes_logs(&self, time_ms: u64) -> (bool, bool) {
        let Self::Is(Some(life)) = self else { return (true, true) };
        (life.at(time_ms).any(|policy| !policy.explicit), life.at(time_ms).any(|policy| policy.explicit))
    }

    /// The least birth of an unknown id that is taken at a time: as one policy has it, and as another may have it.
    pub(super) fn closed(&self, time_ms: u64) -> (u64, u64) {
        let Self::Is(Some(life)) = self else { return (0, u64::MAX) };
        let bound = |policy: &Policy| policy.memory.as_ref().map_or(0, |memory| memory.closed(time_ms));
        let bounds = || life.at(time_ms).map(bound);
        (bounds().min().unwrap_or(0), bounds().max().unwrap_or(0))
    }

    /// Whether births count in the space: where nothing is forgotten, none does.
    fn is_finite(&self) -> bool {
        matches!(self, Self::Is(Some(life)) if life.policy().is_some_and(|policy| policy.memory.is_some()))
    }

    /// Whether an id that nobody knows is born too far ahead.
    pub(super) fn is_ahead(&self, birth_ms: Option<u64>, time_ms: u64) -> bool {
        self.is_finite() && birth_ms.is_some_and(|birth_ms| birth_ms > time_ms.saturating_add(AHEAD_MS))
    }
}
