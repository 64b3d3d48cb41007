//! The values that are printed, each in the form that a format needs.
//!
//! - For people a value is one line that leaves the terminal as it is.
//! - For programs it is whole: numbers are bare, times are RFC 3339 (in JSON milliseconds), bytes are bytes.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytesize::ByteSize;
use serde_json::Value as Json;

use crate::types::{Birth, Id, LogTime};

/// The word for a value that does not exist.
pub(super) const NONE: &str = "-";

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// There is none; JSON leaves its field out.
    None,
    Text(String),
    /// Text if it is UTF-8; else JSON and CSV have it as base64 under another name.
    Bytes(bytes::Bytes),
    /// People see this many decimals.
    Float(f64, usize),
    Time(LogTime),
    /// A number of bytes.
    Size(u64),
    /// As JSON has it.
    Json(Json),
    /// As JSON has it, with what people see instead.
    Told(Json, String),
}

impl Value {
    /// `null` where there is none.
    pub(super) fn or_null(value: Option<impl Into<Self>>) -> Self {
        value.map_or(Self::Json(Json::Null), Into::into)
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None | Self::Json(Json::Null) | Self::Time(LogTime::ZERO))
    }

    /// For people.
    pub(super) fn for_people(&self) -> String {
        match self {
            Self::Bytes(bytes) => Bytes::new(bytes).cell(),
            Self::Size(bytes) => ByteSize::b(*bytes).to_string(),
            Self::Float(value, decimals) => format!("{value:.decimals$}"),
            Self::Json(Json::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Told(_, text) | Self::Text(text) => escaped(text),
            value if value.is_none() => NONE.to_owned(),
            value => value.csv().0,
        }
    }

    /// As a bare value: bytes as they are, and names without the control characters that would end their field.
    pub(super) fn plain(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Size(_) | Self::Float(..) => self.csv().0.into_bytes(),
            value => value.for_people().into_bytes(),
        }
    }

    /// For CSV: the whole value, and the base64 of bytes that are not text.
    pub(super) fn csv(&self) -> (String, String) {
        let text = match self {
            value if value.is_none() => String::new(),
            Self::Bytes(bytes) => match Bytes::new(bytes) {
                Bytes::Text(text) => text,
                Bytes::Base64(base64) => return (String::new(), base64),
            },
            Self::Time(at) => time(*at),
            Self::Text(text) => text.clone(),
            Self::Size(number) => number.to_string(),
            Self::Float(number, _) => number.to_string(),
            Self::None => String::new(),
            Self::Json(json) | Self::Told(json, _) => json.to_string(),
        };
        (text, String::new())
    }

    /// As a field of a JSON object, if it has one.
    pub(super) fn field(&self, name: &str) -> Option<(String, Json)> {
        let json = match self {
            Self::None => return None,
            Self::Bytes(bytes) => match Bytes::new(bytes) {
                Bytes::Text(text) => text.into(),
                Bytes::Base64(base64) => return Some((format!("{name}_base64"), base64.into())),
            },
            Self::Text(text) => text.clone().into(),
            Self::Size(number) => (*number).into(),
            Self::Float(number, _) => (*number).into(),
            Self::Time(at) => at.as_ms().into(),
            Self::Json(json) | Self::Told(json, _) => json.clone(),
        };
        Some((name.to_owned(), json))
    }
}

macro_rules! values {
    ($($make:ident: $($from:ty),*;)*) => { $($(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$make(value.into())
            }
        }
    )*)* };
}

values! {
    Json: u64, u32, u16, usize, i64, bool, Json;
    Text: String, &str;
    Bytes: bytes::Bytes;
    Time: LogTime;
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

/// Bytes as JSON has them: text if they are UTF-8, base64 under another name if not.
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
