//! Guards as they are written.

use serde::Deserialize;

use crate::types::{CellKey, FateIs, Guard, LockName, LogName, Offset, ReaderName, Token, Version};

use super::value::{IdField, text};

/// A guard under the word for it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum GuardField {
    LogEnd {
        #[serde(deserialize_with = "text")]
        log: LogName,
        end: u64,
    },
    CellAbsent {
        #[serde(deserialize_with = "text")]
        key: CellKey,
    },
    CellVersion {
        #[serde(deserialize_with = "text")]
        key: CellKey,
        version: u64,
    },
    CellAtLeast {
        #[serde(deserialize_with = "text")]
        key: CellKey,
        least: i64,
    },
    Position {
        #[serde(deserialize_with = "text")]
        reader: ReaderName,
        #[serde(deserialize_with = "text")]
        log: LogName,
        offset: u64,
        version: u64,
    },
    LockHeld {
        #[serde(deserialize_with = "text")]
        lock: LockName,
        #[serde(deserialize_with = "text")]
        token: Token,
    },
    Fate {
        id: IdField,
        is: FateField,
    },
}

/// What a guard wants of another id.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FateField {
    Applied,
    InForce,
    Refused,
    Cancelled,
    Unknown,
}

impl From<GuardField> for Guard {
    fn from(field: GuardField) -> Self {
        match field {
            GuardField::LogEnd { log, end } => Self::LogEnd { log, end: Offset(end) },
            GuardField::CellAbsent { key } => Self::CellAbsent { key },
            GuardField::CellVersion { key, version } => Self::CellVersion { key, version: Version(version) },
            GuardField::CellAtLeast { key, least } => Self::CellAtLeast { key, least },
            GuardField::Position { reader, log, offset, version } => {
                Self::Position { reader, log, offset: Offset(offset), version: Version(version) }
            }
            GuardField::LockHeld { lock, token } => Self::LockHeld { lock, token },
            GuardField::Fate { id, is } => Self::Fate {
                target: id.0,
                is: match is {
                    FateField::Applied => FateIs::Applied,
                    FateField::InForce => FateIs::InForce,
                    FateField::Refused => FateIs::Refused,
                    FateField::Cancelled => FateIs::Cancelled,
                    FateField::Unknown => FateIs::Unknown,
                },
            },
        }
    }
}
