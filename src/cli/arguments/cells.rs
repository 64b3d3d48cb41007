//! What can be typed about cells.

use clap::Args;

use crate::types::{CellKey, Guard, Version};

use super::ids::NewId;

/// Reading cells.
#[derive(Debug, Args)]
pub struct Get {
    /// The key of one cell
    #[arg(value_parser = CellKey::new, required_unless_present = "prefix")]
    pub(in crate::cli) key: Option<CellKey>,
    /// List the cells whose keys begin with this instead; all with an empty one
    #[arg(long, value_name = "TEXT", conflicts_with = "key")]
    pub(in crate::cli) prefix: Option<String>,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(in crate::cli) local: bool,
}

/// What a cell must be before it is changed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Unchanged {
    /// Only if the cell has still this version, which `get` prints; 0 if it is not to be there
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
}

impl Unchanged {
    pub(in crate::cli) fn guard(&self, key: &CellKey) -> Option<Guard> {
        self.if_version.map(|version| match version {
            0 => Guard::CellAbsent { key: key.clone() },
            _ => Guard::CellVersion { key: key.clone(), version: Version(version) },
        })
    }
}

/// Writing a cell.
#[derive(Debug, Args)]
pub struct Put {
    /// The key
    #[arg(value_parser = CellKey::new)]
    pub(in crate::cli) key: CellKey,
    /// What it is to hold: text, @FILE for a file's bytes, or - for standard input, also when left out
    #[arg(value_name = "VALUE|-|@FILE", default_value = "-", allow_negative_numbers = true)]
    pub(in crate::cli) value: String,
    /// The value is a whole number, which can be added to
    #[arg(long)]
    pub(in crate::cli) integer: bool,
    /// Only if the cell is not there
    #[arg(long, conflicts_with = "if_version")]
    pub(in crate::cli) if_absent: bool,
    #[command(flatten)]
    pub(in crate::cli) unchanged: Unchanged,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Taking a cell away.
#[derive(Debug, Args)]
pub struct Delete {
    /// The key
    #[arg(value_parser = CellKey::new)]
    pub(in crate::cli) key: CellKey,
    #[command(flatten)]
    pub(in crate::cli) unchanged: Unchanged,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Adding to a cell.
#[derive(Debug, Args)]
pub struct Add {
    /// The key
    #[arg(value_parser = CellKey::new)]
    pub(in crate::cli) key: CellKey,
    /// How much, less than 0 to take away
    #[arg(allow_negative_numbers = true)]
    pub(in crate::cli) amount: i64,
    /// Refuse it if the sum would be less
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(in crate::cli) least: Option<i64>,
    /// Refuse it if the sum would be more
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(in crate::cli) most: Option<i64>,
    /// What a cell that is not there counts as; without this it is refused
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(in crate::cli) absent_is: Option<i64>,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}
