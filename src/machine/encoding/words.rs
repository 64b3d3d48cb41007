//! The bytes of what commands, outcomes and rows have in common.
//!
//! Numbers, counts and times are varints; a number that may be less than nothing is a signed varint; durations are whole
//! milliseconds; names and keys follow their length; ids are as [`Id::encode`](crate::types::Id::encode) writes them.
//! Whatever may be missing is `0`, or `1` and itself.
//!
//! | what | bytes |
//! |---|---|
//! | token | history · sequence |
//! | value of a cell | `1` bytes, behind their length · `2` integer (signed) |
//! | retention | age (may be missing) · bytes (may be missing) · records (may be missing) |
//! | memory | duration; for ever, it is missing |
//! | creation of logs | `1` by append · `2` explicit |

use std::time::Duration;

use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{
    CellKey, CellValue, History, Holder, LockName, LogCreation, LogName, LogTime, MachineVersion, Memory, ReaderName,
    Retention, Sequence, SpaceName, Token,
};

pub(in crate::machine) fn write_duration(encoder: &mut Encoder, duration: Duration) {
    encoder.varint(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
}

pub(super) fn read_duration(decoder: &mut Decoder) -> Result<Duration, DecodeError> {
    decoder.varint().map(Duration::from_millis)
}

pub(in crate::machine) fn write_time(encoder: &mut Encoder, time: LogTime) {
    encoder.varint(time.as_ms());
}

pub(in crate::machine) fn read_time(decoder: &mut Decoder) -> Result<LogTime, DecodeError> {
    LogTime::from_ms(decoder.varint()?).ok_or(DecodeError::Invalid("time"))
}

pub(in crate::machine) fn read_machine_version(decoder: &mut Decoder) -> Result<MachineVersion, DecodeError> {
    let version = u16::try_from(decoder.varint()?).map_err(|_| DecodeError::Invalid("machine version"))?;
    Ok(MachineVersion(version))
}

pub(in crate::machine) fn write_token(encoder: &mut Encoder, token: Token) {
    encoder.varint(token.history.0);
    encoder.varint(token.sequence.0);
}

pub(super) fn read_token(decoder: &mut Decoder) -> Result<Token, DecodeError> {
    Ok(Token { history: History(decoder.varint()?), sequence: Sequence(decoder.varint()?) })
}

pub(in crate::machine) fn write_value(encoder: &mut Encoder, value: &CellValue) {
    match value {
        CellValue::Bytes(bytes) => {
            encoder.byte(1);
            encoder.bytes(bytes);
        }
        CellValue::Integer(integer) => {
            encoder.byte(2);
            encoder.signed_varint(*integer);
        }
    }
}

pub(super) fn read_value(decoder: &mut Decoder) -> Result<CellValue, DecodeError> {
    match decoder.byte()? {
        1 => decoder.bytes().map(CellValue::Bytes),
        2 => decoder.signed_varint().map(CellValue::Integer),
        found => Err(unknown("value of a cell", found)),
    }
}

pub(in crate::machine) fn write_retention(encoder: &mut Encoder, retention: &Retention) {
    encoder.option(retention.age, write_duration);
    encoder.option(retention.bytes, Encoder::varint);
    encoder.option(retention.records, Encoder::varint);
}

pub(super) fn read_retention(decoder: &mut Decoder) -> Result<Retention, DecodeError> {
    Ok(Retention {
        age: decoder.option(read_duration)?,
        bytes: decoder.option(Decoder::varint)?,
        records: decoder.option(Decoder::varint)?,
    })
}

pub(in crate::machine) fn write_memory(encoder: &mut Encoder, memory: Memory) {
    let duration = match memory {
        Memory::Forever => None,
        Memory::For(duration) => Some(duration),
    };
    encoder.option(duration, write_duration);
}

pub(super) fn read_memory(decoder: &mut Decoder) -> Result<Memory, DecodeError> {
    Ok(decoder.option(read_duration)?.map_or(Memory::Forever, Memory::For))
}

pub(in crate::machine) fn write_log_creation(encoder: &mut Encoder, logs: LogCreation) {
    encoder.byte(match logs {
        LogCreation::ByAppend => 1,
        LogCreation::Explicit => 2,
    });
}

pub(super) fn read_log_creation(decoder: &mut Decoder) -> Result<LogCreation, DecodeError> {
    match decoder.byte()? {
        1 => Ok(LogCreation::ByAppend),
        2 => Ok(LogCreation::Explicit),
        found => Err(unknown("creation of logs", found)),
    }
}

pub(super) fn read_space_name(decoder: &mut Decoder) -> Result<SpaceName, DecodeError> {
    read_name(decoder, "name of a space", |text| SpaceName::new(text).ok())
}

pub(super) fn read_log_name(decoder: &mut Decoder) -> Result<LogName, DecodeError> {
    read_name(decoder, "name of a log", |text| LogName::new(text).ok())
}

pub(super) fn read_cell_key(decoder: &mut Decoder) -> Result<CellKey, DecodeError> {
    read_name(decoder, "key of a cell", |text| CellKey::new(text).ok())
}

pub(super) fn read_lock_name(decoder: &mut Decoder) -> Result<LockName, DecodeError> {
    read_name(decoder, "name of a lock", |text| LockName::new(text).ok())
}

pub(super) fn read_holder(decoder: &mut Decoder) -> Result<Holder, DecodeError> {
    read_name(decoder, "holder of a lock", |text| Holder::new(text).ok())
}

pub(super) fn read_reader_name(decoder: &mut Decoder) -> Result<ReaderName, DecodeError> {
    read_name(decoder, "name of a reader", |text| ReaderName::new(text).ok())
}

fn read_name<T>(
    decoder: &mut Decoder,
    what: &'static str,
    check: impl FnOnce(&str) -> Option<T>,
) -> Result<T, DecodeError> {
    let bytes = decoder.bytes()?;
    std::str::from_utf8(&bytes).ok().and_then(check).ok_or(DecodeError::Invalid(what))
}

pub(super) fn unknown(what: &'static str, found: u8) -> DecodeError {
    DecodeError::UnknownKind { what, found: found.into() }
}
