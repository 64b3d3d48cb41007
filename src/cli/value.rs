//! The values that are printed, each in the form that a format needs.
//!
//! - For people a value is one line that leaves the terminal as it is.
//! - For programs it is whole: numbers are bare, times are RFC 3339 (in JSON milliseconds), bytes are bytes.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytesize::ByteSize;
use serde::ser::SerializeMap;
use serde_json::Value as Json;

use crate::types::{Birth, Id, LogTime};

/// The word for a value that does not exist.
pub(super) const NONE: &str = "-";

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// There is none; JSON leaves its field out.
    None,
    /// There is none; JSON says `null`.
    Null,
    Text(String),
    /// Text if it is UTF-8; else JSON and CSV have it as base64 under another name.
    Bytes(bytes::Bytes),
    Unsigned(u64),
    Signed(i64),
    /// People see this many decimals.
    Float(f64, usize),
    Flag(bool),
    Time(LogTime),
    /// A number of bytes.
    Size(u64),
    /// What only JSON can hold.
    Document(Json),
    /// The same, with what people see instead.
    Told(Json, String),
}

impl Value {
    /// For people.
    pub(super) fn for_people(&self) -> String {
        match self {
            Self::Bytes(bytes) => Bytes::new(bytes).cell(),
            Self::Size(bytes) => ByteSize::b(*bytes).to_string(),
            Self::Float(value, decimals) => format!("{value:.decimals$}"),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Told(_, text) | Self::Text(text) => escaped(text),
            value => value.bare().unwrap_or_else(|| NONE.to_owned()),
        }
    }

    /// As a bare value: bytes as they are, and names without the control characters that would end their field.
    pub(super) fn plain(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Flag(_) | Self::Told(..) | Self::Text(_) => self.for_people().into_bytes(),
            value => value.bare().unwrap_or_else(|| NONE.to_owned()).into_bytes(),
        }
    }

    /// For CSV: the whole value, and the base64 of bytes that are not text.
    pub(super) fn csv(&self) -> (String, String) {
        match self {
            Self::Bytes(bytes) => match Bytes::new(bytes) {
                Bytes::Text(text) => (text, String::new()),
                Bytes::Base64(base64) => (String::new(), base64),
            },
            value => (value.bare().unwrap_or_default(), String::new()),
        }
    }

    fn bare(&self) -> Option<String> {
        Some(match self {
            Self::None | Self::Null => return None,
            Self::Time(at) if *at == LogTime::ZERO => return None,
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Unsigned(number) | Self::Size(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number, _) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(at) => time(*at),
            Self::Document(document) | Self::Told(document, _) => document.to_string(),
        })
    }

    /// Adds it to a JSON object.
    pub(super) fn serialize_into<M: SerializeMap>(&self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::None => Ok(()),
            Self::Null => map.serialize_entry(name, &()),
            Self::Text(text) => map.serialize_entry(name, text),
            Self::Bytes(bytes) => match Bytes::new(bytes) {
                Bytes::Text(text) => map.serialize_entry(name, &text),
                Bytes::Base64(base64) => map.serialize_entry(&format!("{name}_base64"), &base64),
            },
            Self::Unsigned(number) | Self::Size(number) => map.serialize_entry(name, number),
            Self::Signed(number) => map.serialize_entry(name, number),
            Self::Float(number, _) => map.serialize_entry(name, number),
            Self::Flag(flag) => map.serialize_entry(name, flag),
            Self::Time(at) => map.serialize_entry(name, &at.as_ms()),
            Self::Document(document) | Self::Told(document, _) => map.serialize_entry(name, document),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None | Self::Null) || matches!(self, Self::Time(at) if *at == LogTime::ZERO)
    }
}

macro_rules! value {
    ($($from:ty => $make:expr,)*) => { $(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                let make: fn($from) -> Self = $make;
                make(value)
            }
        }
    )* };
}

value! {
    String => Self::Text,
    &str => |text| Self::Text(text.to_owned()),
    bytes::Bytes => Self::Bytes,
    u64 => Self::Unsigned,
    u32 => |number| Self::Unsigned(number.into()),
    u16 => |number| Self::Unsigned(number.into()),
    usize => |number| Self::Unsigned(number as u64),
    i64 => Self::Signed,
    bool => Self::Flag,
    LogTime => Self::Time,
    Json => Self::Document,
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl Value {
    /// Where nothing is `null` in JSON, instead of no field.
    pub(super) fn or_null(value: Option<impl Into<Self>>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Bytes as JSON has them: text if they are UTF-8, base64 under another name if not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bytes {
    Text(String),
    Base64(String),
}

impl Bytes {
    pub(super) fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(BASE64_STANDARD.encode(bytes)),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Base64(_) => None,
        }
    }

    pub(super) fn base64(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Base64(base64) => Some(base64),
        }
    }

    /// For people: one line that leaves the terminal as it is.
    pub(super) fn cell(&self) -> String {
        match self {
            Self::Text(text) => escaped(text),
            Self::Base64(base64) => format!("base64:{base64}"),
        }
    }
}

/// Control characters as escapes, so that a text stays one line and cannot command a terminal.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A time for people.
pub(super) fn time(time: LogTime) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time.as_ms())).to_string()
}

/// The birth that was given beside an id; one that the id carries is in its text.
pub(super) fn birth_beside(id: &Id) -> Option<u64> {
    match id.birth() {
        Birth::Beside(birth) => Some(birth.as_ms()),
        Birth::Absent | Birth::Carried(_) => None,
    }
}

/// A count in a quotient.
#[expect(
    clippy::cast_precision_loss,
    reason = "what people count here is far below the 2^52 that a float holds exactly"
)]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_leaves_the_terminal_as_it_is_and_is_whole() {
        assert_eq!(Bytes::new(b"a\x1b[31m\nb").cell(), "a\\u{1b}[31m\\nb");
        assert_eq!(Bytes::new(b"\xff\x00").cell(), "base64:/wA=");
        assert_eq!(Value::Bytes("é".repeat(200).into()).for_people(), "é".repeat(200));
    }

    #[test]
    fn programs_get_whole_and_raw_values() {
        assert_eq!(Value::Size(2_048).for_people(), "2.0 KiB");
        assert_eq!(Value::Size(2_048).csv().0, "2048");
        assert_eq!(Value::Bytes("a\nb".into()).plain(), b"a\nb");
        assert_eq!(Value::from("a\tb").plain(), b"a\\tb");
        assert_eq!(Value::Bytes(b"\xff".as_slice().into()).csv(), (String::new(), "/w==".to_owned()));
        assert_eq!((Value::None.csv().0, Value::None.plain()), (String::new(), b"-".to_vec()));
    }

    #[test]
    fn a_time_is_printed_in_utc() {
        let at = LogTime::from_ms(1_760_000_000_123).unwrap();
        assert_eq!(time(at), "2025-10-09T08:53:20.123Z");
        assert_eq!(Value::Time(at).csv().0, "2025-10-09T08:53:20.123Z");
        assert_eq!(Value::Time(LogTime::ZERO).for_people(), "-");
    }
}
