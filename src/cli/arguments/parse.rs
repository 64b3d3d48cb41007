//! How the words of a command line are read.

use std::time::Duration;

use bytesize::ByteSize;
use clap::ValueEnum;

use crate::types::{LogCreation, Memory, Offset};

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// This offset.
    Offset(Offset),
    /// The oldest record that is kept.
    Start,
    /// Where the log ends now.
    End,
}

pub(super) fn place(text: &str) -> Result<Place, String> {
    match text {
        "start" => Ok(Place::Start),
        "end" => Ok(Place::End),
        _ => text.parse().map(Offset).map(Place::Offset).map_err(|_| "give an offset, `start` or `end`".to_owned()),
    }
}

/// A count, and not zero.
pub(super) fn up_to(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| format!("give a number from 1 to {most}"))
    }
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "give a time such as 10s, 5m or 7d".to_owned())
}

pub(super) fn positive_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() { Err("the time must not be zero".to_owned()) } else { Ok(time) }
}

pub(super) fn memory(text: &str) -> Result<Memory, String> {
    match text {
        "forever" => Ok(Memory::Forever),
        _ => time(text).map(Memory::For).map_err(|_| "give `forever`, or a time such as 7d".to_owned()),
    }
}

pub(super) fn log_creation(text: &str) -> Result<LogCreation, String> {
    match text {
        "by-append" => Ok(LogCreation::ByAppend),
        "explicit" => Ok(LogCreation::Explicit),
        _ => Err("give `by-append` or `explicit`".to_owned()),
    }
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let bytes = text.parse().map(|bytes: ByteSize| bytes.as_u64());
    bytes.map_err(|_| "give a number of bytes, such as 4096, 512KiB or 10GiB".to_owned())
}

/// A whole number that is not negative, such as an offset or a count.
pub(super) fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("give a whole number from 0 to {}", u64::MAX))
}

/// The same, and not zero.
pub(super) fn positive_number(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("give a whole number from 1 to {}", u64::MAX))
}

/// A whole number that may be negative.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("give a whole number from {} to {}", i64::MIN, i64::MAX))
}

/// The word that stands for a choice.
pub(crate) fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|word| word.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_cannot_be_read_is_answered_with_what_can_be() {
        for text in ["lots", "", "KiB"] {
            assert!(bytes(text).unwrap_err().starts_with("give "), "{text}");
        }
        assert_eq!((bytes("512KiB"), number("7"), integer("-7")), (Ok(524_288), Ok(7), Ok(-7)));
        assert_eq!(number("18446744073709551616").unwrap_err(), "give a whole number from 0 to 18446744073709551615");
        assert_eq!((positive_number("1"), positive_number("0").is_err()), (Ok(1), true));
        assert!(
            integer("9223372036854775808").unwrap_err().starts_with("give a whole number from -9223372036854775808")
        );
        assert_eq!(time("soon").unwrap_err(), "give a time such as 10s, 5m or 7d");
    }
}
