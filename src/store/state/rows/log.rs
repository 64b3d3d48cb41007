//! The value of a log's head.

use bytes::Bytes;

use super::{begin, duration, time, version_one, write_duration, write_time};
use crate::machine::{LogHead, Mark};
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{LogNumber, LogTime, Offset, Retention};

/// What the first mark is counted from.
const BEGINNING: Mark = Mark { first: Offset(0), bytes_before: 0, opened: LogTime::ZERO };

/// The value of a log's head.
pub(in crate::store::state) fn log(head: &LogHead) -> Vec<u8> {
    let mut encoder = begin(64 + 12 * head.marks.len());
    encoder.varint(head.number.0);
    encoder.varint(head.start.0);
    encoder.varint(head.end.0);
    encoder.varint(head.bytes_ever);
    write_time(&mut encoder, head.created);
    write_time(&mut encoder, head.last);
    encoder.option(head.retention.age, write_duration);
    encoder.option(head.retention.bytes, Encoder::varint);
    encoder.option(head.retention.records, Encoder::varint);
    encoder.option(head.due, write_time);
    // A head is written for every chunk that appends, and has hundreds of marks: what they add is short.
    let mut before = BEGINNING;
    encoder.list(&head.marks, |encoder, mark| {
        encoder.varint(mark.first.0 - before.first.0);
        encoder.varint(mark.bytes_before - before.bytes_before);
        encoder.varint(mark.opened.as_ms() - before.opened.as_ms());
        before = *mark;
    });
    encoder.finish()
}

/// Reads a log's head.
pub(in crate::store::state) fn read_log(value: Bytes) -> Result<LogHead, DecodeError> {
    let invalid = || DecodeError::Invalid("log's head");
    let mut decoder = version_one(value, "a log's head")?;
    let mut before = BEGINNING;
    let mark = |decoder: &mut Decoder| {
        let mut more = |than: u64| than.checked_add(decoder.varint()?).ok_or_else(invalid);
        before = Mark {
            first: Offset(more(before.first.0)?),
            bytes_before: more(before.bytes_before)?,
            opened: LogTime::from_ms(more(before.opened.as_ms())?).ok_or_else(invalid)?,
        };
        Ok(before)
    };
    let head = LogHead {
        number: LogNumber(decoder.varint()?),
        start: Offset(decoder.varint()?),
        end: Offset(decoder.varint()?),
        bytes_ever: decoder.varint()?,
        created: time(&mut decoder)?,
        last: time(&mut decoder)?,
        retention: Retention {
            age: decoder.option(duration)?,
            bytes: decoder.option(Decoder::varint)?,
            records: decoder.option(Decoder::varint)?,
        },
        due: decoder.option(time)?,
        marks: decoder.list(mark)?,
    };
    decoder.finish()?;
    if is_in_order(&head) { Ok(head) } else { Err(invalid()) }
}

/// The machine counts on it: `start` is in the first piece, and pieces follow each other up to the end.
fn is_in_order(head: &LogHead) -> bool {
    let pieces = head.marks.is_sorted_by(|earlier, later| earlier.first < later.first);
    let first = head.marks.first().is_some_and(|mark| mark.first <= head.start);
    let second = head.marks.get(1).is_none_or(|mark| mark.first > head.start);
    let last = head.marks.last().is_some_and(|mark| mark.first <= head.end && mark.bytes_before <= head.bytes_ever);
    head.start <= head.end && pieces && first && second && last
}
