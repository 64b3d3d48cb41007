//! Refusals ⇄ messages.

use crate::types::{FateKind, Found, MachineVersion, Offset, Refusal, Step, Version};

use super::cell::{lock, lock_message};
use super::command::command_id;
use super::fields;
use super::outcome::{Unreadable, time};
use super::v1;
use super::v1::refused::{Found as Message, Step as StepMessage};

/// A refusal to be sent.
pub(super) fn refusal_message(refusal: &Refusal) -> v1::Refused {
    let step = match refusal.step {
        Step::Guard(place) => StepMessage::Guard(place),
        Step::Action(place) => StepMessage::Action(place),
    };
    let found = match &refusal.found {
        Found::LogEnd(end) => Message::LogEnd(end.0),
        Found::NoLog => Message::NoLog(v1::NoLog {}),
        Found::LogExists => Message::LogExists(v1::LogExists {}),
        Found::PastEnd(end) => Message::PastEnd(end.0),
        Found::NoCell => Message::NoCell(v1::NoCell {}),
        Found::CellVersion(version) => Message::CellVersion(version.0),
        Found::NotANumber => Message::NotANumber(v1::NotANumber {}),
        Found::TooLittle(value) => Message::TooLittle(*value),
        Found::OutOfBounds(value) => Message::OutOfBounds(*value),
        Found::Position { offset, version } => {
            Message::Position(v1::FoundPosition { offset: offset.0, version: version.0 })
        }
        Found::NoReader => Message::NoReader(v1::NoReader {}),
        Found::LockFree => Message::LockFree(v1::LockFree {}),
        Found::LockHeld { holder, token, expires } => {
            let held = crate::types::Lock { holder: holder.clone(), token: *token, expires: *expires };
            Message::LockHeld(lock_message("", &held))
        }
        Found::Fate(kind) => Message::Fate(fate_message(*kind).into()),
        Found::TargetTooOld { floor } => Message::TargetTooOldFloorMs(floor.as_ms()),
        Found::TargetBornAhead { clock } => Message::TargetBornAheadClockMs(clock.as_ms()),
        Found::AlreadyCompensated { by } => Message::AlreadyCompensatedBy(command_id(by)),
        Found::NoSpace => Message::NoSpace(v1::NoSpace {}),
        Found::SpaceDeleted { at } => Message::SpaceDeletedMs(at.as_ms()),
        Found::SpaceExists => Message::SpaceExists(v1::SpaceExists {}),
        Found::MemoryIsFixed => Message::MemoryIsFixed(v1::MemoryIsFixed {}),
        Found::TooManyChanges => Message::TooManyChanges(v1::TooManyChanges {}),
        Found::VersionInForce(version) => Message::VersionInForce(version.0.into()),
    };
    v1::Refused { step: Some(step), found: Some(found) }
}

/// A refusal that was received.
pub(super) fn refusal(message: &v1::Refused) -> Result<Refusal, Unreadable> {
    let step = match message.step.ok_or(Unreadable("step of a refusal"))? {
        StepMessage::Guard(place) => Step::Guard(place),
        StepMessage::Action(place) => Step::Action(place),
    };
    let found = match message.found.as_ref().ok_or(Unreadable("refusal"))? {
        Message::LogEnd(end) => Found::LogEnd(Offset(*end)),
        Message::NoLog(v1::NoLog {}) => Found::NoLog,
        Message::LogExists(v1::LogExists {}) => Found::LogExists,
        Message::PastEnd(end) => Found::PastEnd(Offset(*end)),
        Message::NoCell(v1::NoCell {}) => Found::NoCell,
        Message::CellVersion(version) => Found::CellVersion(Version(*version)),
        Message::NotANumber(v1::NotANumber {}) => Found::NotANumber,
        Message::TooLittle(value) => Found::TooLittle(*value),
        Message::OutOfBounds(value) => Found::OutOfBounds(*value),
        Message::Position(v1::FoundPosition { offset, version }) => {
            Found::Position { offset: Offset(*offset), version: Version(*version) }
        }
        Message::NoReader(v1::NoReader {}) => Found::NoReader,
        Message::LockFree(v1::LockFree {}) => Found::LockFree,
        Message::LockHeld(held) => {
            let crate::types::Lock { holder, token, expires } = lock(held)?;
            Found::LockHeld { holder, token, expires }
        }
        Message::Fate(kind) => Found::Fate(fate(*kind)?),
        Message::TargetTooOldFloorMs(floor) => Found::TargetTooOld { floor: time(*floor)? },
        Message::TargetBornAheadClockMs(clock) => Found::TargetBornAhead { clock: time(*clock)? },
        Message::AlreadyCompensatedBy(by) => {
            Found::AlreadyCompensated { by: fields::id(Some(by.clone())).map_err(|_| Unreadable("id"))? }
        }
        Message::NoSpace(v1::NoSpace {}) => Found::NoSpace,
        Message::SpaceDeletedMs(at) => Found::SpaceDeleted { at: time(*at)? },
        Message::SpaceExists(v1::SpaceExists {}) => Found::SpaceExists,
        Message::MemoryIsFixed(v1::MemoryIsFixed {}) => Found::MemoryIsFixed,
        Message::TooManyChanges(v1::TooManyChanges {}) => Found::TooManyChanges,
        Message::VersionInForce(version) => Found::VersionInForce(MachineVersion(
            u16::try_from(*version).map_err(|_| Unreadable("version of the machine"))?,
        )),
    };
    Ok(Refusal { step, found })
}

fn fate_message(kind: FateKind) -> v1::FoundFate {
    match kind {
        FateKind::Unknown => v1::FoundFate::FoundUnknown,
        FateKind::Applied => v1::FoundFate::FoundApplied,
        FateKind::Compensated => v1::FoundFate::FoundCompensated,
        FateKind::Refused => v1::FoundFate::FoundRefused,
        FateKind::Cancelled => v1::FoundFate::FoundCancelled,
    }
}

fn fate(value: i32) -> Result<FateKind, Unreadable> {
    match v1::FoundFate::try_from(value) {
        Ok(v1::FoundFate::FoundUnknown) => Ok(FateKind::Unknown),
        Ok(v1::FoundFate::FoundApplied) => Ok(FateKind::Applied),
        Ok(v1::FoundFate::FoundCompensated) => Ok(FateKind::Compensated),
        Ok(v1::FoundFate::FoundRefused) => Ok(FateKind::Refused),
        Ok(v1::FoundFate::FoundCancelled) => Ok(FateKind::Cancelled),
        Ok(v1::FoundFate::Unspecified) | Err(_) => Err(Unreadable("fate")),
    }
}
