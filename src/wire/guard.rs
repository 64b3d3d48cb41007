//! Guards ⇄ messages. What is wrong with one is named by its field.

use crate::types::{FateIs, Guard, Offset, Version};

use super::cell::{token, token_message};
use super::command::command_id;
use super::fields::{self, Wrong};
use super::v1;
use super::v1::guard::Guard as Message;

/// A guard that was received, in the field `at`.
pub(super) fn guard(at: &str, message: v1::Guard) -> Result<Guard, Wrong> {
    let unknown = || Wrong::malformed(at, &"a guard is required; if one is set, this node does not know its kind");
    Ok(match message.guard.ok_or_else(unknown)? {
        Message::LogEnd(v1::LogEndIs { log, end }) => {
            Guard::LogEnd { log: fields::log_name(&format!("{at}.log_end.log"), &log)?, end: Offset(end) }
        }
        Message::CellAbsent(v1::CellIsAbsent { key }) => {
            Guard::CellAbsent { key: fields::cell_key(&format!("{at}.cell_absent.key"), &key)? }
        }
        Message::CellVersion(v1::CellVersionIs { key, version }) => Guard::CellVersion {
            key: fields::cell_key(&format!("{at}.cell_version.key"), &key)?,
            version: Version(version),
        },
        Message::CellAtLeast(v1::CellIsAtLeast { key, least }) => {
            Guard::CellAtLeast { key: fields::cell_key(&format!("{at}.cell_at_least.key"), &key)?, least }
        }
        Message::Position(v1::PositionIs { reader, log, offset, version }) => Guard::Position {
            reader: fields::reader_name(&format!("{at}.position.reader"), &reader)?,
            log: fields::log_name(&format!("{at}.position.log"), &log)?,
            offset: Offset(offset),
            version: Version(version),
        },
        Message::LockHeld(v1::LockIsHeld { lock, token: held }) => Guard::LockHeld {
            lock: fields::lock_name(&format!("{at}.lock_held.lock"), &lock)?,
            token: token(fields::needed(&format!("{at}.lock_held.token"), held)?),
        },
        Message::Fate(v1::FateIs { id, is }) => Guard::Fate {
            target: fields::id_at(&format!("{at}.fate.id"), id)?,
            is: wanted(is).ok_or_else(|| {
                Wrong::malformed(
                    format!("{at}.fate.is"),
                    &"a fate is required; if one is set, this node does not know it",
                )
            })?,
        },
    })
}

/// A guard to be sent.
pub(super) fn guard_message(guard: &Guard) -> v1::Guard {
    let message = match guard {
        Guard::LogEnd { log, end } => Message::LogEnd(v1::LogEndIs { log: log.as_str().to_owned(), end: end.0 }),
        Guard::CellAbsent { key } => Message::CellAbsent(v1::CellIsAbsent { key: key.as_str().to_owned() }),
        Guard::CellVersion { key, version } => {
            Message::CellVersion(v1::CellVersionIs { key: key.as_str().to_owned(), version: version.0 })
        }
        Guard::CellAtLeast { key, least } => {
            Message::CellAtLeast(v1::CellIsAtLeast { key: key.as_str().to_owned(), least: *least })
        }
        Guard::Position { reader, log, offset, version } => Message::Position(v1::PositionIs {
            reader: reader.as_str().to_owned(),
            log: log.as_str().to_owned(),
            offset: offset.0,
            version: version.0,
        }),
        Guard::LockHeld { lock, token } => {
            Message::LockHeld(v1::LockIsHeld { lock: lock.as_str().to_owned(), token: Some(token_message(*token)) })
        }
        Guard::Fate { target, is } => {
            Message::Fate(v1::FateIs { id: Some(command_id(target)), is: wanted_message(*is).into() })
        }
    };
    v1::Guard { guard: Some(message) }
}

fn wanted(value: i32) -> Option<FateIs> {
    match v1::WantedFate::try_from(value).ok()? {
        v1::WantedFate::Unspecified => None,
        v1::WantedFate::WantedApplied => Some(FateIs::Applied),
        v1::WantedFate::WantedInForce => Some(FateIs::InForce),
        v1::WantedFate::WantedRefused => Some(FateIs::Refused),
        v1::WantedFate::WantedCancelled => Some(FateIs::Cancelled),
        v1::WantedFate::WantedUnknown => Some(FateIs::Unknown),
    }
}

fn wanted_message(is: FateIs) -> v1::WantedFate {
    match is {
        FateIs::Applied => v1::WantedFate::WantedApplied,
        FateIs::InForce => v1::WantedFate::WantedInForce,
        FateIs::Refused => v1::WantedFate::WantedRefused,
        FateIs::Cancelled => v1::WantedFate::WantedCancelled,
        FateIs::Unknown => v1::WantedFate::WantedUnknown,
    }
}
