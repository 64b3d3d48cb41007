//! Values of what stays of logs, positions and spaces that were deleted.

use bytes::Bytes;

use super::{begin, time, version_one, write_time};
use crate::machine::DeletedLog;
use crate::types::codec::DecodeError;
use crate::types::{LogNumber, LogTime, Offset, Version};

/// The value of what stays of a log.
pub(in crate::store::state) fn deleted_log(mark: &DeletedLog) -> Vec<u8> {
    let mut encoder = begin(24);
    encoder.varint(mark.number.0);
    encoder.varint(mark.end.0);
    write_time(&mut encoder, mark.at);
    encoder.finish()
}

/// Reads what stayed of a log.
pub(in crate::store::state) fn read_deleted_log(value: Bytes) -> Result<DeletedLog, DecodeError> {
    let mut decoder = version_one(value, "a log that was deleted")?;
    let mark =
        DeletedLog { number: LogNumber(decoder.varint()?), end: Offset(decoder.varint()?), at: time(&mut decoder)? };
    decoder.finish()?;
    Ok(mark)
}

/// The value of what stays of a reader's position.
pub(in crate::store::state) fn deleted_position(version: Version) -> Vec<u8> {
    let mut encoder = begin(12);
    encoder.varint(version.0);
    encoder.finish()
}

/// Reads what stayed of a reader's position.
pub(in crate::store::state) fn read_deleted_position(value: Bytes) -> Result<Version, DecodeError> {
    let mut decoder = version_one(value, "a position that was deleted")?;
    let version = Version(decoder.varint()?);
    decoder.finish()?;
    Ok(version)
}

/// The value of what stays of a space.
pub(in crate::store::state) fn deleted_space(at: LogTime) -> Vec<u8> {
    let mut encoder = begin(12);
    write_time(&mut encoder, at);
    encoder.finish()
}

/// Reads what stayed of a space.
pub(in crate::store::state) fn read_deleted_space(value: Bytes) -> Result<LogTime, DecodeError> {
    let mut decoder = version_one(value, "a space that was deleted")?;
    let at = time(&mut decoder)?;
    decoder.finish()?;
    Ok(at)
}
