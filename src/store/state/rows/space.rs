//! Values of spaces and of their buckets.

use bytes::Bytes;

use super::{begin, duration, time, version_one, write_duration, write_time};
use crate::machine::{Bucket, Space};
use crate::types::codec::DecodeError;
use crate::types::{Era, LogCreation, LogNumber, Memory, Sequence, SpaceNumber};

/// A space's value.
pub(in crate::store::state) fn space(space: &Space) -> Vec<u8> {
    let mut encoder = begin(48 + 12 * space.eras.len());
    encoder.varint(space.number.0.into());
    let memory = match space.memory {
        Memory::Forever => None,
        Memory::For(memory) => Some(memory),
    };
    encoder.option(memory, write_duration);
    encoder.byte(match space.logs {
        LogCreation::ByAppend => 0,
        LogCreation::Explicit => 1,
    });
    encoder.varint(space.floor.as_ms());
    encoder.varint(space.closed.as_ms());
    encoder.list(&space.eras, |encoder, era| {
        write_time(encoder, era.from);
        write_duration(encoder, era.width);
    });
    encoder.option(space.due, write_time);
    encoder.varint(space.ids);
    encoder.varint(space.id_bytes);
    encoder.varint(space.last_sequence.0);
    encoder.varint(space.next_log.0);
    encoder.finish()
}

/// Reads a space.
pub(in crate::store::state) fn read_space(value: Bytes) -> Result<Space, DecodeError> {
    let mut decoder = version_one(value, "a space")?;
    let number = SpaceNumber(decoder.varint_u32()?);
    let memory = decoder.option(duration)?.map_or(Memory::Forever, Memory::For);
    let logs = match decoder.byte()? {
        0 => LogCreation::ByAppend,
        1 => LogCreation::Explicit,
        found => return Err(DecodeError::UnknownKind { what: "how a space's logs come to be", found: found.into() }),
    };
    let floor = time(&mut decoder)?;
    let closed = time(&mut decoder)?;
    let eras = decoder.list(|decoder| Ok(Era { from: time(decoder)?, width: duration(decoder)? }))?;
    if !eras.is_sorted_by(|earlier, later| earlier.from < later.from) {
        return Err(DecodeError::Invalid("list of eras"));
    }
    let due = decoder.option(time)?;
    let space = Space {
        number,
        memory,
        logs,
        floor,
        closed,
        eras,
        due,
        ids: decoder.varint()?,
        id_bytes: decoder.varint()?,
        last_sequence: Sequence(decoder.varint()?),
        next_log: LogNumber(decoder.varint()?),
    };
    decoder.finish()?;
    Ok(space)
}

/// A bucket's value.
pub(in crate::store::state) fn bucket(bucket: &Bucket) -> Vec<u8> {
    let mut encoder = begin(24);
    encoder.varint(bucket.end.as_ms());
    encoder.varint(bucket.ids);
    encoder.varint(bucket.bytes);
    encoder.finish()
}

/// Reads a bucket.
pub(in crate::store::state) fn read_bucket(value: Bytes) -> Result<Bucket, DecodeError> {
    let mut decoder = version_one(value, "a bucket")?;
    let bucket = Bucket { end: time(&mut decoder)?, ids: decoder.varint()?, bytes: decoder.varint()? };
    decoder.finish()?;
    Ok(bucket)
}
