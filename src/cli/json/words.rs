//! Commands as they are written: a guard or an action is an object with one field, whose name says which it is.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::types::{
    Action, CellKey, CellValue, FateIs, Guard, Header, Holder, Id, LockName, LogCreation, LogName, LogTime,
    MachineVersion, Memory, NewRecord, Offset, ReaderName, Retention, SpaceName, SpacePolicy, Token, Version,
};

use super::document::{Fields, Node, Read, Result, Word, listed};
use super::print::{FOREVER, log_creation};

#[derive(Debug)]
pub(in crate::cli) struct Written {
    pub(in crate::cli) id: Option<Id>,
    pub(in crate::cli) guards: Vec<Guard>,
    pub(in crate::cli) actions: Vec<Action>,
}

pub(in crate::cli) fn read(text: &[u8]) -> Result<Written> {
    Node::parse(text)?.object("a command, as { \"actions\": [ … ] },", |it| {
        Ok(Written { id: it.may("id")?, guards: it.may("guards")?.unwrap_or_default(), actions: it.need("actions")? })
    })
}

pub(super) const GUARDS: &[Word<Guard>] = &[
    ("log_end", |it| Ok(Guard::LogEnd { log: it.need("log")?, end: it.need("end")? })),
    ("cell_absent", |it| Ok(Guard::CellAbsent { key: it.need("key")? })),
    ("cell_version", |it| Ok(Guard::CellVersion { key: it.need("key")?, version: it.need("version")? })),
    ("cell_at_least", |it| Ok(Guard::CellAtLeast { key: it.need("key")?, least: it.need("least")? })),
    ("position", |it| {
        let (reader, log) = (it.need("reader")?, it.need("log")?);
        Ok(Guard::Position { reader, log, offset: it.need("offset")?, version: it.need("version")? })
    }),
    ("lock_held", |it| Ok(Guard::LockHeld { lock: it.need("lock")?, token: it.need("token")? })),
    ("fate", |it| Ok(Guard::Fate { target: it.need("id")?, is: it.need("is")? })),
];

pub(super) const ACTIONS: &[Word<Action>] = &[
    ("append", |it| Ok(Action::Append { log: it.need("log")?, records: it.need("records")? })),
    ("put", |it| Ok(Action::Put { key: it.need("key")?, value: cell_value(it)? })),
    ("delete", |it| Ok(Action::Delete { key: it.need("key")? })),
    ("add", |it| {
        let (key, amount) = (it.need("key")?, it.need("amount")?);
        let (least, most) = (it.may("least")?.unwrap_or(i64::MIN), it.may("most")?.unwrap_or(i64::MAX));
        Ok(Action::Add { key, amount, least, most, absent: it.may("absent_is")? })
    }),
    ("move", |it| Ok(Action::Move { reader: it.need("reader")?, log: it.need("log")?, to: it.need("to")? })),
    ("acquire", |it| {
        Ok(Action::Acquire { lock: it.need("lock")?, holder: it.need("holder")?, time: it.need("time")? })
    }),
    ("renew", |it| Ok(Action::Renew { lock: it.need("lock")?, token: it.need("token")?, time: it.need("time")? })),
    ("release", |it| Ok(Action::Release { lock: it.need("lock")?, token: it.need("token")? })),
    ("trim", |it| Ok(Action::Trim { log: it.need("log")?, before: it.need("before")? })),
    ("compensate", |it| Ok(Action::Compensate { target: it.need("target")? })),
    ("create_log", |it| {
        Ok(Action::CreateLog { log: it.need("log")?, retention: it.may("retention")?.unwrap_or_default() })
    }),
    ("set_retention", |it| Ok(Action::SetRetention { log: it.need("log")?, retention: it.need("retention")? })),
    ("delete_log", |it| Ok(Action::DeleteLog { log: it.need("log")? })),
    ("delete_reader", |it| Ok(Action::DeleteReader { reader: it.need("reader")?, log: it.need("log")? })),
    ("create_space", |it| {
        let policy = SpacePolicy { memory: it.need("memory")?, logs: it.need("logs")? };
        Ok(Action::CreateSpace { name: it.need("name")?, policy })
    }),
    ("set_space", |it| {
        Ok(Action::SetSpace { name: it.need("name")?, memory: it.may("memory")?, logs: it.may("logs")? })
    }),
    ("delete_space", |it| Ok(Action::DeleteSpace { name: it.need("name")? })),
    ("raise_version", |it| Ok(Action::RaiseVersion { to: it.need("to")? })),
];

const FATES: [(&str, FateIs); 5] = [
    ("applied", FateIs::Applied),
    ("in_force", FateIs::InForce),
    ("refused", FateIs::Refused),
    ("cancelled", FateIs::Cancelled),
    ("unknown", FateIs::Unknown),
];

/// How each kind of value is written.
macro_rules! read {
    ($($kind:ty: |$node:ident| $read:expr;)*) => { $(
        impl Read for $kind {
            fn read($node: Node) -> Result<Self> {
                $read
            }
        }
    )* };
}

read! {
    Guard: |node| node.one_of("guard", GUARDS);
    Action: |node| node.one_of("action", ACTIONS);
    NewRecord: |node| node.object("a record", record);
    Header: |node| node.object("a header", |it| {
        Ok(Self { key: it.need("key")?, value: some_bytes(it, "value", "value_base64")? })
    });
    Retention: |node| node.object("an object", |it| {
        Ok(Self { age: it.may("age")?, bytes: it.may("bytes")?, records: it.may("records")? })
    });
    Id: |node| id(node);
    CellKey: |node| node.text("a key", Self::new);
    Holder: |node| node.text("a holder's name", Self::new);
    LockName: |node| node.text("a lock's name", Self::new);
    LogName: |node| node.text("a log's name", Self::new);
    ReaderName: |node| node.text("a reader's name", Self::new);
    SpaceName: |node| node.text("a space's name", Self::new);
    String: |node| node.text("a text", |text| Ok::<_, String>(text.to_owned()));
    Token: |node| node.text("a token", |text| {
        Self::parse(text).ok_or("a token is written as \"1760000000123/17\"")
    });
    Duration: |node| node.text("a time, as \"10s\" or \"7d\",", time);
    Memory: |node| node.text("\"forever\" or a time", |text| {
        if text == FOREVER { Ok(Self::Forever) } else { time(text).map(Self::For) }
    });
    LogCreation: |node| node.text("\"by_append\" or \"explicit\"", |text| {
        let known = [Self::ByAppend, Self::Explicit].into_iter().find(|known| log_creation(*known) == text);
        known.ok_or("logs are made \"by_append\" or \"explicit\"")
    });
    FateIs: |node| node.text("a fate", |text| {
        let known = FATES.iter().find(|(word, _)| *word == text).map(|(_, fate)| *fate);
        known.ok_or_else(|| format!("a fate is {}, not {text:?}", listed(FATES.iter().map(|(word, _)| *word))))
    });
    i64: |node| node.number("a whole number of at most 64 bits");
    u64: |node| node.number("a whole number of at least 0");
    Offset: |node| Read::read(node).map(Self);
    Version: |node| Read::read(node).map(Self);
    MachineVersion: |node| node.number("a whole number from 0 to 65535").map(Self);
}

fn id(node: Node) -> Result<Id> {
    const EXPECTED: &str = "an id, as text or as { \"text\", \"birth_ms\" },";
    if node.is_text() {
        return node.text(EXPECTED, |text| Id::new(text));
    }
    node.object(EXPECTED, |it| {
        let (text, birth_ms): (String, _) = (it.need("text")?, it.need("birth_ms")?);
        with_birth(&text, birth_ms).map_err(|error| it.wrong(&error))
    })
}

pub(in crate::cli) fn with_birth(text: &str, birth_ms: u64) -> Result<Id> {
    let birth = LogTime::from_ms(birth_ms).ok_or("a birth in milliseconds has at most 48 bits")?;
    Id::with_birth(text, birth).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<Duration> {
    humantime::parse_duration(text).map_err(|error| format!("a time is written as \"10s\" or \"7d\": {error}"))
}

/// What a record holds, among other fields.
pub(in crate::cli) fn record(it: &mut Fields) -> Result<NewRecord> {
    let payload = some_bytes(it, "payload", "payload_base64")?;
    Ok(NewRecord { payload, headers: it.may("headers")?.unwrap_or_default() })
}

fn cell_value(it: &mut Fields) -> Result<CellValue> {
    let integer = it.may("integer")?;
    match (integer, bytes(it, "value", "value_base64")?) {
        (Some(integer), None) => Ok(CellValue::Integer(integer)),
        (None, Some(bytes)) => Ok(CellValue::Bytes(bytes)),
        _ => Err(it.wrong("give one of `value`, `value_base64` and `integer`")),
    }
}

/// The bytes that one of two fields has: as text, or as base64 where they are no text.
fn bytes(it: &mut Fields, text: &'static str, base64: &'static str) -> Result<Option<bytes::Bytes>> {
    let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|error| format!("this is no base64: {error}"));
    match (it.may::<String>(text)?, it.may_be(base64, |node| node.text("base64", decode))?) {
        (Some(_), Some(_)) => Err(it.wrong(&format!("give `{text}` or `{base64}`, not both"))),
        (Some(text), None) => Ok(Some(text.into())),
        (None, bytes) => Ok(bytes.map(Into::into)),
    }
}

/// The same where one of the two must be there.
fn some_bytes(it: &mut Fields, text: &'static str, base64: &'static str) -> Result<bytes::Bytes> {
    bytes(it, text, base64)?.ok_or_else(|| it.wrong(&format!("`{text}` or `{base64}` is missing")))
}
