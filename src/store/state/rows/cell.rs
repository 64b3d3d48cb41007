//! Values of cells, of readers' positions and of locks.

use bytes::Bytes;

use super::{begin, time, version_one};
use crate::types::codec::DecodeError;
use crate::types::{Cell, CellValue, History, Holder, Lock, Offset, Position, Sequence, Token, Version};

/// A cell's value.
pub(in crate::store::state) fn cell(cell: &Cell) -> Vec<u8> {
    let mut encoder = begin(24 + cell.value.size());
    encoder.varint(cell.version.0);
    encoder.varint(cell.time.as_ms());
    match &cell.value {
        CellValue::Bytes(bytes) => {
            encoder.byte(0);
            encoder.raw(bytes);
        }
        CellValue::Integer(integer) => {
            encoder.byte(1);
            encoder.raw(&integer.to_be_bytes());
        }
    }
    encoder.finish()
}

/// Reads a cell.
pub(in crate::store::state) fn read_cell(value: Bytes) -> Result<Cell, DecodeError> {
    let mut decoder = version_one(value, "a cell")?;
    let (version, time) = (Version(decoder.varint()?), time(&mut decoder)?);
    let value = match decoder.byte()? {
        0 => CellValue::Bytes(decoder.rest()),
        1 => {
            let integer = i64::from_be_bytes(decoder.array()?);
            decoder.finish()?;
            CellValue::Integer(integer)
        }
        found => return Err(DecodeError::UnknownKind { what: "a cell", found: found.into() }),
    };
    Ok(Cell { value, version, time })
}

/// The value of a reader's position.
pub(in crate::store::state) fn position(position: &Position) -> Vec<u8> {
    let mut encoder = begin(24);
    encoder.varint(position.offset.0);
    encoder.varint(position.version.0);
    encoder.varint(position.time.as_ms());
    encoder.finish()
}

/// Reads a reader's position.
pub(in crate::store::state) fn read_position(value: Bytes) -> Result<Position, DecodeError> {
    let mut decoder = version_one(value, "a reader's position")?;
    let position =
        Position { offset: Offset(decoder.varint()?), version: Version(decoder.varint()?), time: time(&mut decoder)? };
    decoder.finish()?;
    Ok(position)
}

/// A lock's value.
pub(in crate::store::state) fn lock(lock: &Lock) -> Vec<u8> {
    let mut encoder = begin(32 + lock.holder.as_str().len());
    encoder.text(lock.holder.as_str());
    encoder.varint(lock.token.history.0);
    encoder.varint(lock.token.sequence.0);
    encoder.varint(lock.expires.as_ms());
    encoder.finish()
}

/// Reads a lock.
pub(in crate::store::state) fn read_lock(value: Bytes) -> Result<Lock, DecodeError> {
    let mut decoder = version_one(value, "a lock")?;
    let holder = Holder::new(&decoder.text()?).map_err(|_| DecodeError::Invalid("holder of a lock"))?;
    let token = Token { history: History(decoder.varint()?), sequence: Sequence(decoder.varint()?) };
    let lock = Lock { holder, token, expires: time(&mut decoder)? };
    decoder.finish()?;
    Ok(lock)
}
