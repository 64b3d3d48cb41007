//! Checks what must hold, against the state before the command's own actions.

use std::time::Duration;

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{
    Cell, CellKey, CellValue, FateIs, FateKind, Found, Guard, Id, Lock, LockName, LogName, LogTime, Offset, Position,
    ReaderName, Refusal, Step, Token, Version,
};

use super::arrive::find_target;
use super::rows::Space;
use super::view::View;

/// The first guard that does not hold refuses the command.
pub(super) fn check(view: &impl View, space: &Space, guards: &[Guard]) -> Result<(), Refusal> {
    (0..).zip(guards).try_for_each(|(place, guard)| {
        check_one(view, space, guard).map_err(|found| Refusal { step: Step::Guard(place), found })
    })
}

fn check_one(view: &impl View, space: &Space, guard: &Guard) -> Result<(), Found> {
    let cell = |key: &CellKey| view.cell(space.number, key);
    match guard {
        Guard::LogEnd { log, end } => log_end(view, space, log, *end),
        Guard::CellAbsent { key } => cell(key).map_or(Ok(()), |cell| Err(Found::CellVersion(cell.version))),
        Guard::CellVersion { key, version } => cell_version(cell(key), *version),
        Guard::CellAtLeast { key, least } => cell_at_least(cell(key), *least),
        Guard::Position { reader, log, offset, version } => position(view, space, reader, log, (*offset, *version)),
        Guard::LockHeld { lock, token } => lock_held(view, space, lock, *token),
        Guard::Fate { target, is } => fate(view, space, target, *is),
    }
}

fn log_end(view: &impl View, space: &Space, log: &LogName, end: Offset) -> Result<(), Found> {
    let deleted = || view.deleted_log(space.number, log).map(|deleted| deleted.end);
    let found = view.log(space.number, log).map(|head| head.end).or_else(deleted).unwrap_or_default();
    if found == end { Ok(()) } else { Err(Found::LogEnd(found)) }
}

fn cell_version(cell: Option<&Cell>, version: Version) -> Result<(), Found> {
    let found = cell.ok_or(Found::NoCell)?.version;
    // What somebody else has written meanwhile is overwritten.
    let is_later = seeded(Bug::VersionOrLater) && found > version;
    if found == version || is_later { Ok(()) } else { Err(Found::CellVersion(found)) }
}

fn cell_at_least(cell: Option<&Cell>, least: i64) -> Result<(), Found> {
    match cell.ok_or(Found::NoCell)?.value {
        CellValue::Bytes(_) => Err(Found::NotANumber),
        CellValue::Integer(value) if value < least => Err(Found::TooLittle(value)),
        CellValue::Integer(_) => Ok(()),
    }
}

fn position(
    view: &impl View,
    space: &Space,
    reader: &ReaderName,
    log: &LogName,
    wanted: (Offset, Version),
) -> Result<(), Found> {
    let deleted = || view.deleted_position(space.number, reader, log).map(Position::deleted);
    let found = view.position(space.number, reader, log).copied().or_else(deleted).unwrap_or_default();
    if (found.offset, found.version) == wanted {
        Ok(())
    } else {
        Err(Found::Position { offset: found.offset, version: found.version })
    }
}

fn lock_held(view: &impl View, space: &Space, lock: &LockName, token: Token) -> Result<(), Found> {
    held_by(view.lock(space.number, lock), token, view.globals().clock).map(|_| ())
}

/// The lock, if it is held by this token: a row that has expired is none, be it there or not.
pub(super) fn held_by(lock: Option<&Lock>, token: Token, clock: LogTime) -> Result<&Lock, Found> {
    match held(lock, clock) {
        Some(lock) if lock.token == token => Ok(lock),
        Some(other) => Err(held_by_other(other)),
        None => Err(Found::LockFree),
    }
}

/// The lock, if it is held: it is not, at the very time at which it expires.
pub(super) fn held(lock: Option<&Lock>, clock: LogTime) -> Option<&Lock> {
    // Its holder was told that it has it for longer.
    let early = if seeded(Bug::LockFreeEarly) { Duration::from_secs(1) } else { Duration::ZERO };
    lock.filter(|lock| clock.saturating_add(early) < lock.expires)
}

/// What a lock that somebody else holds is to whoever wants it.
pub(super) fn held_by_other(lock: &Lock) -> Found {
    Found::LockHeld { holder: lock.holder.clone(), token: lock.token, expires: lock.expires }
}

fn fate(view: &impl View, space: &Space, target: &Id, is: FateIs) -> Result<(), Found> {
    // Something is built on what was undone.
    let is_undone = |by: Option<&Id>| by.is_some() && !seeded(Bug::GuardBlindToUndoing);
    let found = find_target(view, space, target)?.map_or(FateKind::Unknown, |remembered| {
        remembered.outcome.verdict.fate(is_undone(remembered.compensated_by.as_ref()))
    });
    if is.holds_for(found) { Ok(()) } else { Err(Found::Fate(found)) }
}
