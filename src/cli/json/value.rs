//! The values that guards and actions are made of, as they are written and printed.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cli::value::Bytes;
use crate::types::{
    CellKey, CellValue, Header, Holder, Id, LockName, LogCreation, LogName, LogTime, Memory, NewRecord, ReaderName,
    Retention, SpaceName, Token,
};

/// The bytes that one of two fields has.
fn bytes(name: &str, text: Option<String>, base64: Option<String>) -> Result<bytes::Bytes, String> {
    match (text, base64) {
        (Some(text), None) => Ok(text.into()),
        (None, Some(base64)) => {
            BASE64_STANDARD.decode(base64).map(bytes::Bytes::from).map_err(|error| format!("{name}_base64: {error}"))
        }
        (None, None) => Err(format!("neither {name} nor {name}_base64")),
        (Some(_), Some(_)) => Err(format!("both {name} and {name}_base64")),
    }
}

/// A record's payload and headers.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RecordFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) payload_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) headers: Vec<HeaderFields>,
}

/// A record's header.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct HeaderFields {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl HeaderFields {
    pub(in crate::cli) fn new(header: &Header) -> Self {
        let (value, value_base64) = match Bytes::new(&header.value) {
            Bytes::Text(text) => (Some(text), None),
            Bytes::Base64(base64) => (None, Some(base64)),
        };
        Self { key: header.key.clone(), value, value_base64 }
    }
}

impl TryFrom<RecordFields> for NewRecord {
    type Error = String;

    fn try_from(fields: RecordFields) -> Result<Self, String> {
        let payload = bytes("payload", fields.payload, fields.payload_base64)?;
        let headers = fields.headers.into_iter().map(|header| {
            let value = bytes("value", header.value, header.value_base64)?;
            Ok(Header { key: header.key, value })
        });
        Ok(Self { payload, headers: headers.collect::<Result<_, String>>()? })
    }
}

/// A record in a list of them.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RecordFields")]
pub(super) struct Record(pub(super) NewRecord);

impl TryFrom<RecordFields> for Record {
    type Error = String;

    fn try_from(fields: RecordFields) -> Result<Self, String> {
        NewRecord::try_from(fields).map(Self)
    }
}

/// A cell's key and what it is to hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PutFields {
    #[serde(deserialize_with = "text")]
    key: CellKey,
    value: Option<String>,
    value_base64: Option<String>,
    integer: Option<i64>,
}

/// The same, read.
#[derive(Debug, Deserialize)]
#[serde(try_from = "PutFields")]
pub(super) struct Put {
    pub(super) key: CellKey,
    pub(super) value: CellValue,
}

impl TryFrom<PutFields> for Put {
    type Error = String;

    fn try_from(fields: PutFields) -> Result<Self, String> {
        let PutFields { key, value, value_base64, integer } = fields;
        let value = match (integer, value, value_base64) {
            (None, None, None) => return Err("neither value, value_base64 nor integer".to_owned()),
            (Some(integer), None, None) => CellValue::Integer(integer),
            (None, value, value_base64) => CellValue::Bytes(bytes("value", value, value_base64)?),
            (Some(_), _, _) => return Err("an integer beside a value".to_owned()),
        };
        Ok(Self { key, value })
    }
}

/// What is written as text.
pub(super) trait Text: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

macro_rules! name {
    ($($name:ident),*) => { $(
        impl Text for $name {
            fn read(text: &str) -> Result<Self, String> {
                Self::new(text).map_err(|error| error.to_string())
            }
        }
    )* };
}

name!(CellKey, Holder, LockName, LogName, ReaderName, SpaceName);

impl Text for Token {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| "a token is as \"1760000000123/17\"".to_owned())
    }
}

impl Text for Duration {
    fn read(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map_err(|error| format!("{error}; a time is as \"10s\" or \"7d\""))
    }
}

impl Text for Memory {
    fn read(text: &str) -> Result<Self, String> {
        if text == FOREVER { Ok(Self::Forever) } else { Duration::read(text).map(Self::For) }
    }
}

impl Text for LogCreation {
    fn read(text: &str) -> Result<Self, String> {
        let known = [Self::ByAppend, Self::Explicit].into_iter().find(|known| log_creation(*known) == text);
        known.ok_or_else(|| "logs are made \"by_append\" or \"explicit\"".to_owned())
    }
}

/// Reads what is written as text.
pub(super) fn text<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// The same where it may be left out.
pub(super) fn text_if_any<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    text(deserializer).map(Some)
}

const FOREVER: &str = "forever";

/// How long a space remembers.
pub(in crate::cli) fn memory(memory: Memory) -> String {
    match memory {
        Memory::Forever => FOREVER.to_owned(),
        Memory::For(duration) => humantime::format_duration(duration).to_string(),
    }
}

/// How logs come to be.
pub(in crate::cli) fn log_creation(logs: LogCreation) -> &'static str {
    match logs {
        LogCreation::ByAppend => "by_append",
        LogCreation::Explicit => "explicit",
    }
}

/// How much of a log is kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RetentionFields {
    #[serde(
        default,
        deserialize_with = "text_if_any",
        serialize_with = "duration",
        skip_serializing_if = "Option::is_none"
    )]
    age: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn duration<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| humantime::format_duration(duration).to_string()).serialize(serializer)
}

/// How much of a log is kept, to be printed.
pub(in crate::cli) fn retention(retention: &Retention) -> RetentionFields {
    RetentionFields { age: retention.age, bytes: retention.bytes, records: retention.records }
}

impl From<RetentionFields> for Retention {
    fn from(fields: RetentionFields) -> Self {
        Self { age: fields.age, bytes: fields.bytes, records: fields.records }
    }
}

/// An id: its text, or text and birth.
#[derive(Debug)]
pub(super) struct IdField(pub(super) Id);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdFields {
    text: String,
    birth_ms: u64,
}

impl<'de> Deserialize<'de> for IdField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = IdField;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an id, as text or as {\"text\", \"birth_ms\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<IdField, E> {
                Id::new(text).map(IdField).map_err(de::Error::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<IdField, A::Error> {
                let fields = IdFields::deserialize(MapAccessDeserializer::new(map))?;
                let birth = LogTime::from_ms(fields.birth_ms)
                    .ok_or_else(|| de::Error::custom("birth_ms has at most 48 bits"))?;
                Id::with_birth(fields.text, birth).map(IdField).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Read)
    }
}
