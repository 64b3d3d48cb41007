//! What can be typed about cells.

use clap::Args;

use crate::types::{CellKey, Guard, Version};

use super::ids::NewId;
use super::options::Local;
use super::parse;

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The key of one cell
    #[arg(required_unless_present = "prefix")]
    pub(crate) key: Option<CellKey>,
    /// List the cells whose keys begin with this text; an empty text lists all
    #[arg(long, value_name = "TEXT", conflicts_with = "key")]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) local: Local,
}

#[derive(Debug, Args)]
pub(crate) struct Unchanged {
    /// Change the cell only if it still has this version, which `get` prints; 0 means that the cell does not exist
    #[arg(long, value_name = "VERSION", value_parser = parse::number)]
    if_version: Option<u64>,
}

impl Unchanged {
    pub(crate) fn guard(&self, key: &CellKey) -> Option<Guard> {
        self.if_version.map(|version| match version {
            0 => Guard::CellAbsent { key: key.clone() },
            _ => Guard::CellVersion { key: key.clone(), version: Version(version) },
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The key
    pub(crate) key: CellKey,
    /// The new value: text, @FILE for the bytes of a file, or - for standard input
    #[arg(value_name = "VALUE|-|@FILE", allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
    /// Store the value as a whole number, which `add` can change
    #[arg(long)]
    pub(crate) integer: bool,
    /// Allow an empty value
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// Put the value only if the cell does not exist
    #[arg(long, conflicts_with = "if_version")]
    pub(crate) if_absent: bool,
    #[command(flatten)]
    pub(crate) unchanged: Unchanged,
    #[command(flatten)]
    pub(crate) id: NewId,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The key
    pub(crate) key: CellKey,
    #[command(flatten)]
    pub(crate) unchanged: Unchanged,
    #[command(flatten)]
    pub(crate) id: NewId,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The key
    pub(crate) key: CellKey,
    /// The number to add; a negative number takes away
    #[arg(allow_negative_numbers = true, value_parser = parse::integer)]
    pub(crate) amount: i64,
    /// Refuse the command if the sum would be less than this
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = parse::integer)]
    pub(crate) least: Option<i64>,
    /// Refuse the command if the sum would be more than this
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = parse::integer)]
    pub(crate) most: Option<i64>,
    /// Start from this number if the cell does not exist; without it the command is refused then
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = parse::integer)]
    pub(crate) absent_is: Option<i64>,
    #[command(flatten)]
    pub(crate) id: NewId,
}
