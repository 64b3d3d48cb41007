//! What the model finds against a guard.

use super::{ModelSpace, time};
use crate::types::{CellValue, FateIs, FateKind, Found, Guard, Offset, Verdict, Version};

pub(super) fn what_stands_against(space: &ModelSpace, clock_ms: u64, guard: &Guard) -> Option<Found> {
    match guard {
        Guard::LogEnd { log, end } => {
            let found = space.end_of(log.as_str());
            (found != end.0).then_some(Found::LogEnd(Offset(found)))
        }
        Guard::CellAbsent { key } => {
            let cell = space.cells.get(key.as_str())?;
            Some(Found::CellVersion(Version(cell.version)))
        }
        Guard::CellVersion { key, version } => {
            let Some(cell) = space.cells.get(key.as_str()) else { return Some(Found::NoCell) };
            (cell.version != version.0).then_some(Found::CellVersion(Version(cell.version)))
        }
        Guard::CellAtLeast { key, least } => match space.cells.get(key.as_str()).map(|cell| &cell.value) {
            None => Some(Found::NoCell),
            Some(CellValue::Bytes(_)) => Some(Found::NotANumber),
            Some(CellValue::Integer(value)) => (value < least).then_some(Found::TooLittle(*value)),
        },
        Guard::Position { reader, log, offset, version } => {
            let found = space.position_of(reader.as_str(), log.as_str());
            let is_there = found == (offset.0, version.0);
            let found = Found::Position { offset: Offset(found.0), version: Version(found.1) };
            (!is_there).then_some(found)
        }
        Guard::LockHeld { lock, token } => match super::actions::holding(space, clock_ms, lock) {
            None => Some(Found::LockFree),
            Some(held) => (held.token != *token).then(|| super::actions::other_holds(held)),
        },
        Guard::Fate { target, is } => {
            if space.is_too_old(target) {
                return Some(Found::TargetTooOld { floor: time(space.floor_ms) });
            }
            if let Some(floor_ms) = space.is_closed_to(target, clock_ms) {
                return Some(Found::TargetTooOld { floor: time(floor_ms) });
            }
            let found = match space.known(target) {
                None => FateKind::Unknown,
                Some(known) => match (&known.outcome.verdict, &known.compensated_by) {
                    (Verdict::Applied(_), Some(_)) => FateKind::Compensated,
                    (Verdict::Applied(_) | Verdict::NothingToUndo, _) => FateKind::Applied,
                    (Verdict::Refused(_), _) => FateKind::Refused,
                    (Verdict::Cancelled, _) => FateKind::Cancelled,
                },
            };
            let holds = match is {
                FateIs::Applied => found == FateKind::Applied || found == FateKind::Compensated,
                FateIs::InForce => found == FateKind::Applied,
                FateIs::Refused => found == FateKind::Refused,
                FateIs::Cancelled => found == FateKind::Cancelled,
                FateIs::Unknown => found == FateKind::Unknown,
            };
            (!holds).then_some(Found::Fate(found))
        }
    }
}
