//! The checks that every id meets before anything is done for it, whether a command brings it or a cancel.
//!
//! - Below the floor an id is too old, whether or not its row is still there: when a row goes depends on the disk, and an
//!   answer may not.
//! - An id that is known is known however far ahead it was born.

use crate::types::limits::BORN_AHEAD_MAX;
use crate::types::{Birth, Id, Memory, Rejection, SpaceName};

use super::rows::{Remembered, Space};
use super::view::View;

/// What the space knows of an id that may be decided.
pub(super) enum Arrival<'a> {
    /// It was decided.
    Known(&'a Remembered),
    /// It was not.
    New(&'a Space),
}

/// Looks an id up, unless a rule turns it away.
pub(super) fn arrive<'a>(view: &'a impl View, name: &SpaceName, id: &Id) -> Result<Arrival<'a>, Rejection> {
    if *name == SpaceName::system() {
        return Err(Rejection::NoSuchSpace);
    }
    let space = view.space(name).ok_or(Rejection::NoSuchSpace)?;
    let birth = match (space.memory, id.birth()) {
        (Memory::Forever, Birth::Beside(_)) => return Err(Rejection::BirthBesideForever),
        (Memory::Forever, Birth::Absent | Birth::Carried(_)) => None,
        (Memory::For(_), Birth::Absent) => return Err(Rejection::WithoutBirth),
        (Memory::For(_), Birth::Carried(time) | Birth::Beside(time)) => Some(time),
    };
    if birth.is_some_and(|birth| birth < space.floor) {
        return Err(Rejection::TooOld { floor: space.floor });
    }
    if let Some(remembered) = view.remembered(space.number, id) {
        return Ok(Arrival::Known(remembered));
    }
    let clock = view.globals().clock;
    if birth.is_some_and(|birth| birth > clock.saturating_add(BORN_AHEAD_MAX)) {
        return Err(Rejection::BornAhead { clock });
    }
    Ok(Arrival::New(space))
}
