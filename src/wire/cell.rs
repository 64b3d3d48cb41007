//! What a space holds beside its logs ⇄ messages: cells, positions, locks, policies.

use std::time::Duration;

use crate::types::{
    Cell, CellKey, CellValue, History, Holder, KeyedCell, Lock, LockName, LogCreation, LogName, NamedLock, Offset,
    Position, ReaderName, ReaderPosition, Retention, Sequence, Token, Version,
};

use super::outcome::{Unreadable, time};
use super::v1;

pub(super) fn value_message(value: &CellValue) -> v1::CellValue {
    let value = match value {
        CellValue::Bytes(bytes) => v1::cell_value::Value::Bytes(bytes.clone()),
        CellValue::Integer(integer) => v1::cell_value::Value::Integer(*integer),
    };
    v1::CellValue { value: Some(value) }
}

/// None: of a kind that this build does not know.
pub(super) fn value(message: Option<v1::CellValue>) -> Option<CellValue> {
    match message?.value? {
        v1::cell_value::Value::Bytes(bytes) => Some(CellValue::Bytes(bytes)),
        v1::cell_value::Value::Integer(integer) => Some(CellValue::Integer(integer)),
    }
}

/// A cell with its key, to be sent.
pub(super) fn cell_message(keyed: &KeyedCell) -> v1::Cell {
    v1::Cell {
        key: keyed.key.as_str().to_owned(),
        value: Some(value_message(&keyed.cell.value)),
        version: keyed.cell.version.0,
        time_ms: keyed.cell.time.as_ms(),
    }
}

pub(super) fn cell(message: v1::Cell) -> Result<KeyedCell, Unreadable> {
    let cell = Cell {
        value: value(message.value).ok_or(Unreadable("value of a cell"))?,
        version: Version(message.version),
        time: time(message.time_ms)?,
    };
    Ok(KeyedCell { key: CellKey::new(&message.key).map_err(|_| Unreadable("key of a cell"))?, cell })
}

pub(super) fn position_message(at: &ReaderPosition) -> v1::ReaderPosition {
    v1::ReaderPosition {
        reader: at.reader.as_str().to_owned(),
        log: at.log.as_str().to_owned(),
        offset: at.position.offset.0,
        version: at.position.version.0,
        time_ms: at.position.time.as_ms(),
        end: at.end.0,
    }
}

pub(super) fn position(message: &v1::ReaderPosition) -> Result<ReaderPosition, Unreadable> {
    Ok(ReaderPosition {
        reader: ReaderName::new(&message.reader).map_err(|_| Unreadable("name of a reader"))?,
        log: LogName::new(&message.log).map_err(|_| Unreadable("name of a log"))?,
        position: Position {
            offset: Offset(message.offset),
            version: Version(message.version),
            time: time(message.time_ms)?,
        },
        end: Offset(message.end),
    })
}

pub(super) fn token_message(token: Token) -> v1::Token {
    v1::Token { history: token.history.0, sequence: token.sequence.0 }
}

pub(super) fn token(message: v1::Token) -> Token {
    Token { history: History(message.history), sequence: Sequence(message.sequence) }
}

/// A lock with its name; a refusal that says by whom a lock is held has no need of the name.
pub(super) fn lock_message(name: &str, lock: &Lock) -> v1::Lock {
    v1::Lock {
        name: name.to_owned(),
        holder: lock.holder.as_str().to_owned(),
        token: Some(token_message(lock.token)),
        expires_ms: lock.expires.as_ms(),
    }
}

pub(super) fn lock(message: &v1::Lock) -> Result<Lock, Unreadable> {
    Ok(Lock {
        holder: Holder::new(&message.holder).map_err(|_| Unreadable("holder of a lock"))?,
        token: token(message.token.ok_or(Unreadable("token of a lock"))?),
        expires: time(message.expires_ms)?,
    })
}

pub(super) fn named_lock(message: &v1::Lock) -> Result<NamedLock, Unreadable> {
    let name = LockName::new(&message.name).map_err(|_| Unreadable("name of a lock"))?;
    Ok(NamedLock { name, lock: lock(message)? })
}

pub(super) fn retention_message(retention: &Retention) -> v1::Retention {
    v1::Retention { age_ms: retention.age.map(milliseconds), bytes: retention.bytes, records: retention.records }
}

/// None given: everything is kept.
pub(super) fn retention(message: Option<v1::Retention>) -> Retention {
    let message = message.unwrap_or_default();
    Retention { age: message.age_ms.map(Duration::from_millis), bytes: message.bytes, records: message.records }
}

pub(super) fn log_creation_message(creation: LogCreation) -> i32 {
    match creation {
        LogCreation::ByAppend => v1::LogCreation::ByAppend,
        LogCreation::Explicit => v1::LogCreation::Explicit,
    }
    .into()
}

/// `Ok(None)`: nothing is said. An error: a kind that this build does not know.
pub(super) fn log_creation(value: i32) -> Result<Option<LogCreation>, Unreadable> {
    match v1::LogCreation::try_from(value) {
        Ok(v1::LogCreation::Unspecified) => Ok(None),
        Ok(v1::LogCreation::ByAppend) => Ok(Some(LogCreation::ByAppend)),
        Ok(v1::LogCreation::Explicit) => Ok(Some(LogCreation::Explicit)),
        Err(_) => Err(Unreadable("way in which logs come to be")),
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
