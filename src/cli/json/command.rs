//! Guards and actions as they are written: an object with one field, whose name says which it is.

use crate::types::{Action, CellValue, FateIs, Guard, MachineVersion, Offset, SpacePolicy, Version};

use super::document::{Fields, Node, Read, Result, listed};
use super::value::bytes;

/// A word, and how what it holds is read.
type Word<T> = (&'static str, fn(&mut Fields) -> Result<T>);

pub(super) const GUARDS: &[Word<Guard>] = &[
    ("log_end", |it| Ok(Guard::LogEnd { log: it.need("log")?, end: Offset(it.need("end")?) })),
    ("cell_absent", |it| Ok(Guard::CellAbsent { key: it.need("key")? })),
    ("cell_version", |it| Ok(Guard::CellVersion { key: it.need("key")?, version: Version(it.need("version")?) })),
    ("cell_at_least", |it| Ok(Guard::CellAtLeast { key: it.need("key")?, least: it.need("least")? })),
    ("position", |it| {
        let (reader, log) = (it.need("reader")?, it.need("log")?);
        Ok(Guard::Position { reader, log, offset: Offset(it.need("offset")?), version: Version(it.need("version")?) })
    }),
    ("lock_held", |it| Ok(Guard::LockHeld { lock: it.need("lock")?, token: it.need("token")? })),
    ("fate", |it| Ok(Guard::Fate { target: it.need("id")?, is: it.need("is")? })),
];

pub(super) const ACTIONS: &[Word<Action>] = &[
    ("append", |it| Ok(Action::Append { log: it.need("log")?, records: it.need("records")? })),
    ("put", |it| Ok(Action::Put { key: it.need("key")?, value: cell_value(it)? })),
    ("delete", |it| Ok(Action::Delete { key: it.need("key")? })),
    ("add", |it| {
        Ok(Action::Add {
            key: it.need("key")?,
            amount: it.need("amount")?,
            least: it.may("least")?.unwrap_or(i64::MIN),
            most: it.may("most")?.unwrap_or(i64::MAX),
            absent: it.may("absent_is")?,
        })
    }),
    ("move", |it| Ok(Action::Move { reader: it.need("reader")?, log: it.need("log")?, to: Offset(it.need("to")?) })),
    ("acquire", |it| {
        Ok(Action::Acquire { lock: it.need("lock")?, holder: it.need("holder")?, time: it.need("time")? })
    }),
    ("renew", |it| Ok(Action::Renew { lock: it.need("lock")?, token: it.need("token")?, time: it.need("time")? })),
    ("release", |it| Ok(Action::Release { lock: it.need("lock")?, token: it.need("token")? })),
    ("trim", |it| Ok(Action::Trim { log: it.need("log")?, before: Offset(it.need("before")?) })),
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
    ("raise_version", |it| Ok(Action::RaiseVersion { to: MachineVersion(it.need("to")?) })),
];

impl Read for Guard {
    fn read(node: Node) -> Result<Self> {
        one(node, "guard", GUARDS)
    }
}

impl Read for Action {
    fn read(node: Node) -> Result<Self> {
        one(node, "action", ACTIONS)
    }
}

fn one<T>(node: Node, what: &str, words: &[Word<T>]) -> Result<T> {
    let (name, node) = node.fields(&format!("an object with one {what}"))?.one(what)?;
    let Some((_, read)) = words.iter().find(|(word, _)| *word == name) else {
        let known = listed(words.iter().map(|(word, _)| *word));
        return Err(node.wrong(&format!("there is no such {what}; there are {known}")));
    };
    let mut fields = node.fields("an object")?;
    let read = read(&mut fields)?;
    fields.end()?;
    Ok(read)
}

fn cell_value(it: &mut Fields) -> Result<CellValue> {
    let integer = it.may("integer")?;
    match (integer, bytes(it, "value", "value_base64")?) {
        (Some(integer), None) => Ok(CellValue::Integer(integer)),
        (None, Some(bytes)) => Ok(CellValue::Bytes(bytes)),
        _ => Err(it.wrong("give one of `value`, `value_base64` and `integer`")),
    }
}

impl Read for FateIs {
    fn read(node: Node) -> Result<Self> {
        const WORDS: [(&str, FateIs); 5] = [
            ("applied", FateIs::Applied),
            ("in_force", FateIs::InForce),
            ("refused", FateIs::Refused),
            ("cancelled", FateIs::Cancelled),
            ("unknown", FateIs::Unknown),
        ];
        node.text("a fate", |text| {
            let known = WORDS.iter().find(|(word, _)| *word == text).map(|(_, fate)| *fate);
            known.ok_or_else(|| format!("a fate is {}, not {text:?}", listed(WORDS.iter().map(|(word, _)| *word))))
        })
    }
}
