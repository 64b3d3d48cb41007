//! Actions as they are written.

use std::time::Duration;

use serde::Deserialize;

use crate::types::{
    Action, CellKey, Holder, LockName, LogCreation, LogName, MachineVersion, Memory, Offset, ReaderName, SpaceName,
    SpacePolicy, Token,
};

use super::value::{IdField, Put, Record, RetentionFields, text, text_if_any};

/// An action under the word for it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ActionField {
    Append {
        #[serde(deserialize_with = "text")]
        log: LogName,
        records: Vec<Record>,
    },
    Put(Put),
    Delete {
        #[serde(deserialize_with = "text")]
        key: CellKey,
    },
    Add {
        #[serde(deserialize_with = "text")]
        key: CellKey,
        amount: i64,
        least: Option<i64>,
        most: Option<i64>,
        absent_is: Option<i64>,
    },
    Move {
        #[serde(deserialize_with = "text")]
        reader: ReaderName,
        #[serde(deserialize_with = "text")]
        log: LogName,
        to: u64,
    },
    Acquire {
        #[serde(deserialize_with = "text")]
        lock: LockName,
        #[serde(deserialize_with = "text")]
        holder: Holder,
        #[serde(deserialize_with = "text")]
        time: Duration,
    },
    Renew {
        #[serde(deserialize_with = "text")]
        lock: LockName,
        #[serde(deserialize_with = "text")]
        token: Token,
        #[serde(deserialize_with = "text")]
        time: Duration,
    },
    Release {
        #[serde(deserialize_with = "text")]
        lock: LockName,
        #[serde(deserialize_with = "text")]
        token: Token,
    },
    Trim {
        #[serde(deserialize_with = "text")]
        log: LogName,
        before: u64,
    },
    Compensate {
        target: IdField,
    },
    CreateLog {
        #[serde(deserialize_with = "text")]
        log: LogName,
        #[serde(default)]
        retention: RetentionFields,
    },
    SetRetention {
        #[serde(deserialize_with = "text")]
        log: LogName,
        retention: RetentionFields,
    },
    DeleteLog {
        #[serde(deserialize_with = "text")]
        log: LogName,
    },
    DeleteReader {
        #[serde(deserialize_with = "text")]
        reader: ReaderName,
        #[serde(deserialize_with = "text")]
        log: LogName,
    },
    CreateSpace {
        #[serde(deserialize_with = "text")]
        name: SpaceName,
        #[serde(deserialize_with = "text")]
        memory: Memory,
        #[serde(deserialize_with = "text")]
        logs: LogCreation,
    },
    SetSpace {
        #[serde(deserialize_with = "text")]
        name: SpaceName,
        #[serde(default, deserialize_with = "text_if_any")]
        memory: Option<Duration>,
        #[serde(default, deserialize_with = "text_if_any")]
        logs: Option<LogCreation>,
    },
    DeleteSpace {
        #[serde(deserialize_with = "text")]
        name: SpaceName,
    },
    RaiseVersion {
        to: u16,
    },
}

impl From<ActionField> for Action {
    fn from(field: ActionField) -> Self {
        match field {
            ActionField::Append { log, records } => {
                Self::Append { log, records: records.into_iter().map(|record| record.0).collect() }
            }
            ActionField::Put(Put { key, value }) => Self::Put { key, value },
            ActionField::Delete { key } => Self::Delete { key },
            ActionField::Add { key, amount, least, most, absent_is } => Self::Add {
                key,
                amount,
                least: least.unwrap_or(i64::MIN),
                most: most.unwrap_or(i64::MAX),
                absent: absent_is,
            },
            ActionField::Move { reader, log, to } => Self::Move { reader, log, to: Offset(to) },
            ActionField::Acquire { lock, holder, time } => Self::Acquire { lock, holder, time },
            ActionField::Renew { lock, token, time } => Self::Renew { lock, token, time },
            ActionField::Release { lock, token } => Self::Release { lock, token },
            ActionField::Trim { log, before } => Self::Trim { log, before: Offset(before) },
            ActionField::Compensate { target } => Self::Compensate { target: target.0 },
            ActionField::CreateLog { log, retention } => Self::CreateLog { log, retention: retention.into() },
            ActionField::SetRetention { log, retention } => Self::SetRetention { log, retention: retention.into() },
            ActionField::DeleteLog { log } => Self::DeleteLog { log },
            ActionField::DeleteReader { reader, log } => Self::DeleteReader { reader, log },
            ActionField::CreateSpace { name, memory, logs } => {
                Self::CreateSpace { name, policy: SpacePolicy { memory, logs } }
            }
            ActionField::SetSpace { name, memory, logs } => Self::SetSpace { name, memory, logs },
            ActionField::DeleteSpace { name } => Self::DeleteSpace { name },
            ActionField::RaiseVersion { to } => Self::RaiseVersion { to: MachineVersion(to) },
        }
    }
}
