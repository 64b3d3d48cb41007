//! Checks what must hold, against the state before the command's own actions.

use crate::types::{Guard, Offset, Refusal, SpaceNumber};

use super::view::View;

/// The first guard that does not hold refuses the command.
pub(super) fn check(view: &impl View, space: SpaceNumber, guards: &[Guard]) -> Result<(), Refusal> {
    (0..).zip(guards).try_for_each(|(place, guard)| match guard {
        Guard::LogEnd { log, end } => {
            let found = view.log(space, log).map_or(Offset(0), |head| head.end);
            if found == *end { Ok(()) } else { Err(Refusal::LogEnd { guard: place, found }) }
        }
    })
}
