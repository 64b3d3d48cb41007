//! The checks that every id meets before anything is done for it, whether a command brings it, a cancel names it, or a
//! guard or a compensation asks for it.
//!
//! - Below the floor an id is too old, whether or not its row is still there: when a row goes depends on the disk, and an
//!   answer may not.
//! - An id that is known is known however far ahead it was born, and however old it is, until it is forgotten.
//! - One that is not known is too old already when it would be forgotten at once: refused now, it surely never runs;
//!   decided and forgotten, nobody could tell.

use crate::types::limits::BORN_AHEAD_MAX;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Birth, Found, Id, LogTime, Memory, Rejection, SpaceName};

use super::rows::{Remembered, Space};
use super::view::View;

/// What the space knows of an id that may be decided.
pub(super) enum Arrival<'a> {
    /// It was decided.
    Known(&'a Remembered),
    /// It was not.
    New(&'a Space),
}

/// Looks an id up, unless a rule turns it away. It comes with the ids that its command names.
pub(super) fn arrive<'a, 'b>(
    view: &'a impl View,
    name: &SpaceName,
    id: &Id,
    mut targets: impl Iterator<Item = &'b Id>,
) -> Result<Arrival<'a>, Rejection> {
    let space = view.space(name).ok_or_else(|| match view.deleted_space(name) {
        Some(at) => Rejection::SpaceDeleted { at },
        None => Rejection::NoSuchSpace,
    })?;
    check_form(space, id)?;
    targets.try_for_each(|target| check_form(space, target))?;
    if is_too_old(space, id) {
        return Err(Rejection::TooOld { floor: space.floor });
    }
    if let Some(remembered) = view.remembered(space.number, id) {
        return Ok(Arrival::Known(remembered));
    }
    let clock = view.globals().clock;
    if let Some(floor) = closed_to(space, id, clock) {
        return Err(Rejection::TooOld { floor });
    }
    if is_born_ahead(space, id, clock) {
        return Err(Rejection::BornAhead { clock });
    }
    Ok(Arrival::New(space))
}

/// What the space knows of an id that a command names beside its own.
pub(super) fn find_target<'a>(
    view: &'a impl View,
    space: &Space,
    target: &Id,
) -> Result<Option<&'a Remembered>, Found> {
    if is_too_old(space, target) {
        return Err(Found::TargetTooOld { floor: space.floor });
    }
    if let Some(known) = view.remembered(space.number, target) {
        return Ok(Some(known));
    }
    match closed_to(space, target, view.globals().clock) {
        Some(floor) => Err(Found::TargetTooOld { floor }),
        None => Ok(None),
    }
}

/// Whether the space can't know yet that the id is never to be used again once it has forgotten it.
pub(super) fn is_born_ahead(space: &Space, id: &Id, clock: LogTime) -> bool {
    birth_in(space, id).is_some_and(|birth| birth > clock.saturating_add(BORN_AHEAD_MAX))
}

fn is_too_old(space: &Space, id: &Id) -> bool {
    birth_in(space, id).is_some_and(|birth| birth < space.floor)
}

/// What an id that is not known is below, if it is too old.
fn closed_to(space: &Space, id: &Id, clock: LogTime) -> Option<LogTime> {
    if seeded(Bug::FloorNotKept) {
        // The floor that is not kept refuses nothing.
        return None;
    }
    let closed = space.closed_by(clock);
    birth_in(space, id).is_some_and(|birth| birth < closed).then_some(closed)
}

/// The birth that counts: where nothing is forgotten, none does.
fn birth_in(space: &Space, id: &Id) -> Option<LogTime> {
    match space.memory {
        Memory::Forever => None,
        Memory::For(_) => id.birth().time(),
    }
}

/// Whether a birth is there where it must be, and only there. Who only asks about an id has to keep to it, too: without
/// its birth, or with one, it is another id, of which nothing is known.
pub fn check_form(space: &Space, id: &Id) -> Result<(), Rejection> {
    match (space.memory, id.birth()) {
        (Memory::Forever, Birth::Beside(_)) => Err(Rejection::BirthBesideForever),
        (Memory::For(_), Birth::Absent) => Err(Rejection::WithoutBirth),
        (Memory::Forever, Birth::Absent | Birth::Carried(_))
        | (Memory::For(_), Birth::Carried(_) | Birth::Beside(_)) => Ok(()),
    }
}
