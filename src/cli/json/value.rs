//! The values that guards and actions are made of, as they are written and printed.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::cli::value::Bytes;
use crate::types::{
    CellKey, Header, Holder, Id, LockName, LogCreation, LogName, LogTime, Memory, NewRecord, ReaderName, Retention,
    SpaceName, Token,
};

use super::document::{Fields, Node, Read, Result};

/// The bytes that one of two fields has: as text, or as base64 where they are no text.
pub(super) fn bytes(it: &mut Fields, text: &'static str, base64: &'static str) -> Result<Option<bytes::Bytes>> {
    struct Base64(bytes::Bytes);

    impl Read for Base64 {
        fn read(node: Node) -> Result<Self> {
            let decode =
                |text: &str| BASE64_STANDARD.decode(text).map_err(|error| format!("this is no base64: {error}"));
            node.text("base64", decode).map(|bytes| Self(bytes.into()))
        }
    }

    match (it.may::<String>(text)?, it.may::<Base64>(base64)?) {
        (Some(_), Some(_)) => Err(it.wrong(&format!("give `{text}` or `{base64}`, not both"))),
        (Some(text), None) => Ok(Some(text.into())),
        (None, bytes) => Ok(bytes.map(|bytes| bytes.0)),
    }
}

/// The same where one of the two must be there.
fn some_bytes(it: &mut Fields, text: &'static str, base64: &'static str) -> Result<bytes::Bytes> {
    bytes(it, text, base64)?.ok_or_else(|| it.wrong(&format!("`{text}` or `{base64}` is missing")))
}

/// What a record holds, among other fields.
pub(in crate::cli) fn record(it: &mut Fields) -> Result<NewRecord> {
    let payload = some_bytes(it, "payload", "payload_base64")?;
    Ok(NewRecord { payload, headers: it.may("headers")?.unwrap_or_default() })
}

impl Read for NewRecord {
    fn read(node: Node) -> Result<Self> {
        whole(node, "a record", record)
    }
}

impl Read for Header {
    fn read(node: Node) -> Result<Self> {
        whole(node, "a header", |it| Ok(Self { key: it.need("key")?, value: some_bytes(it, "value", "value_base64")? }))
    }
}

impl Read for Retention {
    fn read(node: Node) -> Result<Self> {
        whole(node, "an object", |it| {
            Ok(Self { age: it.may("age")?, bytes: it.may("bytes")?, records: it.may("records")? })
        })
    }
}

impl Read for Id {
    fn read(node: Node) -> Result<Self> {
        const EXPECTED: &str = "an id, as text or as { \"text\", \"birth_ms\" },";
        if node.is_text() {
            return node.text(EXPECTED, |text| Self::new(text));
        }
        whole(node, EXPECTED, |it| {
            let (text, birth_ms): (String, _) = (it.need("text")?, it.need("birth_ms")?);
            with_birth(&text, birth_ms).map_err(|error| it.wrong(&error))
        })
    }
}

/// An id whose birth is beside it.
pub(in crate::cli) fn with_birth(text: &str, birth_ms: u64) -> Result<Id> {
    let birth = LogTime::from_ms(birth_ms).ok_or("a birth in milliseconds has at most 48 bits")?;
    Id::with_birth(text, birth).map_err(|error| error.to_string())
}

/// An object that has these fields and no others.
fn whole<T>(node: Node, expected: &str, read: impl FnOnce(&mut Fields) -> Result<T>) -> Result<T> {
    let mut fields = node.fields(expected)?;
    let value = read(&mut fields)?;
    fields.end()?;
    Ok(value)
}

macro_rules! texts {
    ($($kind:ty: $expected:literal, $read:expr;)*) => { $(
        impl Read for $kind {
            fn read(node: Node) -> Result<Self> {
                node.text($expected, $read)
            }
        }
    )* };
}

texts! {
    CellKey: "a key", Self::new;
    Holder: "a holder's name", Self::new;
    LockName: "a lock's name", Self::new;
    LogName: "a log's name", Self::new;
    ReaderName: "a reader's name", Self::new;
    SpaceName: "a space's name", Self::new;
    Token: "a token", |text| Self::parse(text).ok_or("a token is written as \"1760000000123/17\"");
    Duration: "a time, as \"10s\" or \"7d\",", time;
    Memory: "\"forever\" or a time", |text| if text == FOREVER { Ok(Self::Forever) } else { time(text).map(Self::For) };
    LogCreation: "\"by_append\" or \"explicit\"", |text| {
        let known = [Self::ByAppend, Self::Explicit].into_iter().find(|known| log_creation(*known) == text);
        known.ok_or("logs are made \"by_append\" or \"explicit\"")
    };
}

fn time(text: &str) -> Result<Duration> {
    humantime::parse_duration(text).map_err(|error| format!("a time is written as \"10s\" or \"7d\": {error}"))
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
pub(in crate::cli) fn retention(retention: &Retention) -> Value {
    let age = retention.age.map(|age| json!(humantime::format_duration(age).to_string()));
    let bounds =
        [("age", age), ("bytes", retention.bytes.map(Value::from)), ("records", retention.records.map(Value::from))];
    let given = bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), bound?)));
    Value::Object(given.collect::<Map<_, _>>())
}

/// A record's headers.
pub(in crate::cli) fn headers(headers: &[Header]) -> Value {
    let header = |header: &Header| match Bytes::new(&header.value) {
        Bytes::Text(value) => json!({"key": header.key, "value": value}),
        Bytes::Base64(value) => json!({"key": header.key, "value_base64": value}),
    };
    headers.iter().map(header).collect()
}
