//! What may come of one step of a command, as far as the model knows.

use crate::proto::refused::Found;

/// A step may hold, fail, or either.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expected {
    /// Whether it may hold.
    pub(super) holds: bool,
    /// How it may fail.
    pub(super) fails: Vec<Failing>,
}

/// A way to fail.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failing {
    /// This is found.
    With(Found),
    /// A floor is found: above this birth, and at most this time.
    TooOld {
        /// The target's birth.
        birth_ms: u64,
        /// The time below which the space takes no ids.
        closed_ms: u64,
    },
    /// Anything is found.
    Anyhow,
}

impl Failing {
    fn allows(&self, found: &Found) -> bool {
        match (self, found) {
            (Self::With(expected), _) => expected == found,
            (Self::TooOld { birth_ms, closed_ms }, Found::TargetTooOldFloorMs(floor_ms)) => {
                birth_ms < floor_ms && floor_ms <= closed_ms
            }
            (Self::TooOld { .. }, _) => false,
            (Self::Anyhow, _) => true,
        }
    }
}

impl Expected {
    /// The step holds.
    pub(super) fn holds() -> Self {
        Self { holds: true, fails: Vec::new() }
    }

    /// The step fails with this.
    pub(super) fn fails(found: Found) -> Self {
        Self { holds: false, fails: vec![Failing::With(found)] }
    }

    /// The step holds if this is true, and fails with that otherwise.
    pub(super) fn holds_if(holds: bool, found: Found) -> Self {
        if holds { Self::holds() } else { Self::fails(found) }
    }

    /// Nobody knows.
    pub(super) fn unknown() -> Self {
        Self { holds: true, fails: vec![Failing::Anyhow] }
    }

    /// Whether the step may fail with this.
    pub(super) fn allows(&self, found: Option<&Found>) -> bool {
        found.is_some_and(|found| self.fails.iter().any(|failing| failing.allows(found)))
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut ways: Vec<String> = Vec::new();
        if self.holds {
            ways.push("it holds".to_owned());
        }
        ways.extend(self.fails.iter().map(|failing| match failing {
            Failing::With(found) => format!("it fails with {found:?}"),
            Failing::TooOld { birth_ms, closed_ms } => {
                format!("the target is too old: it was born at {birth_ms}, and ids are taken from {closed_ms} on")
            }
            Failing::Anyhow => "it fails".to_owned(),
        }));
        formatter.write_str(&ways.join(", or "))
    }
}
