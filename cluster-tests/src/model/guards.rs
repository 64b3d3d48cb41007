//! What a guard finds in a space before the command's own actions.

use super::expected::Expected;
use super::rows::Fact;
use super::space::{Cell, Space, integer, lock_message};
use crate::proto::guard::Guard;
use crate::proto::refused::Found;
use crate::proto::{FoundPosition, LockFree, NoCell, NotANumber, PositionIs, Token};

impl Space {
    /// Whether the guard holds at a time.
    pub(super) fn guard(&self, guard: &Guard, time_ms: u64) -> Expected {
        match guard {
            Guard::LogEnd(wanted) => match self.logs.get(&wanted.log).end {
                Some(end) => Expected::holds_if(end == wanted.end, Found::LogEnd(end)),
                None => Expected::unknown(),
            },
            Guard::CellAbsent(wanted) => match self.cells.get(&wanted.key) {
                Fact::Is(None) => Expected::holds(),
                Fact::Is(Some(cell)) => Expected::fails(Found::CellVersion(cell.version)),
                Fact::Unknown => Expected::unknown(),
            },
            Guard::CellVersion(wanted) => self.of_cell(&wanted.key, |cell| {
                Expected::holds_if(cell.version == wanted.version, Found::CellVersion(cell.version))
            }),
            Guard::CellAtLeast(wanted) => self.of_cell(&wanted.key, |cell| match integer(cell.value.as_ref()) {
                Some(number) => Expected::holds_if(number >= wanted.least, Found::TooLittle(number)),
                None => Expected::fails(Found::NotANumber(NotANumber {})),
            }),
            Guard::Position(wanted) => self.position_is(wanted),
            Guard::LockHeld(wanted) => self.held_by(&wanted.lock, wanted.token.as_ref(), time_ms),
            Guard::Fate(wanted) => match &wanted.id {
                Some(id) => self.target(id, time_ms).guard(wanted.is()),
                None => Expected::unknown(),
            },
        }
    }

    fn of_cell(&self, key: &str, check: impl FnOnce(&Cell) -> Expected) -> Expected {
        match self.cells.get(key) {
            Fact::Is(Some(cell)) => check(&cell),
            Fact::Is(None) => Expected::fails(Found::NoCell(NoCell {})),
            Fact::Unknown => Expected::unknown(),
        }
    }

    fn position_is(&self, wanted: &PositionIs) -> Expected {
        let (offset, version) = match self.positions.get(&(wanted.reader.clone(), wanted.log.clone())) {
            Fact::Is(Some(position)) => (position.offset, position.version),
            Fact::Is(None) => (0, 0),
            Fact::Unknown => return Expected::unknown(),
        };
        let is_there = (offset, version) == (wanted.offset, wanted.version);
        Expected::holds_if(is_there, Found::Position(FoundPosition { offset, version }))
    }

    /// Whether a lock is held by a token at a time: at the very time at which it expires it is not.
    pub(super) fn held_by(&self, name: &str, token: Option<&Token>, time_ms: u64) -> Expected {
        match self.locks.get(name) {
            Fact::Unknown => Expected::unknown(),
            Fact::Is(Some(lock)) if time_ms < lock.expires_ms => {
                let is_held = token.is_some_and(|token| (token.history, token.sequence) == lock.token);
                Expected::holds_if(is_held, Found::LockHeld(lock_message(&lock)))
            }
            Fact::Is(_) => Expected::fails(Found::LockFree(LockFree {})),
        }
    }
}
