//! What became of the ids that others name: in guards, and in compensations.
//!
//! - Only these are remembered here. What an id was told is its own affair, which a property of its own judges.
//! - A target below the floor is too old. One that is known and about to be forgotten may be known still: that hangs on
//!   whether an entry has forgotten its bucket yet.
//! - A mark says who has undone a command. It stays as long as the id.

use super::expected::{Expected, Failing};
use super::floor;
use super::lives::Life;
use super::rows::Fact;
use crate::proto::refused::Found;
use crate::proto::{CommandId, FoundFate, WantedFate};

/// An id of a space: two births are two ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) text: String,
    pub(super) birth_ms: Option<u64>,
}

impl Id {
    pub(super) fn of(id: &CommandId) -> Self {
        Self { text: id.text.clone(), birth_ms: floor::birth(id) }
    }
}

/// What became of an id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fate {
    pub(super) sequence: u64,
    pub(super) kind: Kind,
    /// The id of the command that has undone it.
    pub(super) undone_by: Option<CommandId>,
}

/// A verdict without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Applied,
    NothingToUndo,
    Refused,
    Cancelled,
}

impl Fate {
    fn found(&self) -> FoundFate {
        match (self.kind, &self.undone_by) {
            (Kind::Applied, Some(_)) => FoundFate::FoundCompensated,
            (Kind::Applied | Kind::NothingToUndo, _) => FoundFate::FoundApplied,
            (Kind::Refused, _) => FoundFate::FoundRefused,
            (Kind::Cancelled, _) => FoundFate::FoundCancelled,
        }
    }
}

/// A target at a time.
pub(super) struct Target<'a> {
    pub(super) id: &'a CommandId,
    pub(super) life: &'a Fact<Life>,
    pub(super) fate: Fact<Fate>,
    pub(super) time_ms: u64,
}

/// What may come of a compensation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Undoing {
    /// Whether the other actions may be done, and how it may fail otherwise.
    pub(super) goes: Expected,
    /// Whether there may be nothing to undo.
    pub(super) has_nothing: bool,
}

impl Target<'_> {
    /// What a guard on the fate finds.
    pub(super) fn guard(&self, wanted: WantedFate) -> Expected {
        let found = match &self.fate {
            Fact::Unknown => return self.or_too_old(Expected::unknown()),
            Fact::Is(None) => FoundFate::FoundUnknown,
            Fact::Is(Some(fate)) => fate.found(),
        };
        let holds = match wanted {
            WantedFate::Unspecified => false,
            WantedFate::WantedApplied => matches!(found, FoundFate::FoundApplied | FoundFate::FoundCompensated),
            WantedFate::WantedInForce => found == FoundFate::FoundApplied,
            WantedFate::WantedRefused => found == FoundFate::FoundRefused,
            WantedFate::WantedCancelled => found == FoundFate::FoundCancelled,
            WantedFate::WantedUnknown => found == FoundFate::FoundUnknown,
        };
        self.or_too_old(Expected::holds_if(holds, Found::Fate(found.into())))
    }

    /// What a compensation finds.
    pub(super) fn undo(&self) -> Undoing {
        let (goes, has_nothing) = match &self.fate {
            Fact::Unknown => (Expected::unknown(), true),
            Fact::Is(None) if self.life.is_ahead(floor::birth(self.id), self.time_ms) => {
                (Expected::fails(Found::TargetBornAheadClockMs(self.time_ms)), false)
            }
            Fact::Is(Some(Fate { kind: Kind::Applied, undone_by: None, .. })) => (Expected::holds(), false),
            Fact::Is(Some(Fate { kind: Kind::Applied, undone_by: Some(by), .. })) => {
                (Expected::fails(Found::AlreadyCompensatedBy(by.clone())), false)
            }
            Fact::Is(_) => (Expected { holds: false, fails: Vec::new() }, true),
        };
        Undoing { has_nothing: has_nothing && !self.is_surely_too_old(), goes: self.or_too_old(goes) }
    }

    fn or_too_old(&self, expected: Expected) -> Expected {
        let (_, closed_ms) = self.life.closed(self.time_ms);
        let Some(birth_ms) = floor::birth(self.id).filter(|birth_ms| *birth_ms < closed_ms) else { return expected };
        let too_old = Failing::TooOld { birth_ms, closed_ms };
        if self.is_surely_too_old() {
            return Expected { holds: false, fails: vec![too_old] };
        }
        Expected { fails: expected.fails.into_iter().chain([too_old]).collect(), ..expected }
    }

    fn is_surely_too_old(&self) -> bool {
        let (closed_ms, _) = self.life.closed(self.time_ms);
        self.fate == Fact::Is(None) && floor::birth(self.id).is_some_and(|birth_ms| birth_ms < closed_ms)
    }
}
