//! How words of the command line are read.

use std::time::Duration;

use bytesize::ByteSize;

use crate::types::limits::{COMMAND_RECORDS_MAX, STREAM_UNANSWERED_MAX};
use crate::types::{Id, LogCreation, Memory, Offset, Token};

use super::readers::Place;
use super::records::Begin;

pub(super) fn id(text: &str) -> Result<Id, crate::types::MalformedId> {
    Id::new(text)
}

pub(super) fn begin(text: &str) -> Result<Begin, String> {
    match text {
        "start" => Ok(Begin::Start),
        "end" => Ok(Begin::End),
        _ => offset(text).map(Begin::Offset).ok_or_else(|| "an offset, `start` or `end`".to_owned()),
    }
}

pub(super) fn place(text: &str) -> Result<Place, String> {
    match text {
        "start" => Ok(Place::Start),
        "end" => Ok(Place::End),
        _ => offset(text).map(Place::Offset).ok_or_else(|| "an offset, `start` or `end`".to_owned()),
    }
}

fn offset(text: &str) -> Option<Offset> {
    text.parse().ok().map(Offset)
}

pub(super) fn in_flight(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=STREAM_UNANSWERED_MAX).contains(&count) => Ok(count),
        _ => Err(format!("a number from 1 to {STREAM_UNANSWERED_MAX}")),
    }
}

pub(super) fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=COMMAND_RECORDS_MAX).contains(&count) => Ok(count),
        _ => Err(format!("a number from 1 to {COMMAND_RECORDS_MAX}")),
    }
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; a time such as 10s, 5m or 7d"))
}

pub(super) fn positive_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() { Err("the time must not be zero".to_owned()) } else { Ok(time) }
}

pub(super) fn memory(text: &str) -> Result<Memory, String> {
    match text {
        "forever" => Ok(Memory::Forever),
        _ => time(text).map(Memory::For).map_err(|_| "`forever`, or a time such as 7d".to_owned()),
    }
}

pub(super) fn log_creation(text: &str) -> Result<LogCreation, String> {
    match text {
        "by-append" => Ok(LogCreation::ByAppend),
        "explicit" => Ok(LogCreation::Explicit),
        _ => Err("`by-append` or `explicit`".to_owned()),
    }
}

pub(super) fn token(text: &str) -> Result<Token, String> {
    Token::parse(text).ok_or_else(|| "a token such as 1760000000123/17".to_owned())
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    text.parse().map(|bytes: ByteSize| bytes.as_u64())
}
