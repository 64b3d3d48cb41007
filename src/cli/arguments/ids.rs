//! What can be typed about ids: the one that a command is known by, and one whose fate is asked for.

use std::path::PathBuf;

use clap::Args;

use crate::cli::report::Problem;
use crate::types::{Id, LogTime};

use super::parse;

/// The id that a command is known by.
#[derive(Debug, Args)]
pub(in crate::cli) struct NewId {
    /// The id that this is known by; a new one if left out
    #[arg(long, value_parser = parse::id)]
    id: Option<Id>,
    /// When the id was made, in milliseconds since 1970: for a space that forgets, unless the id is a `UUIDv7`. Keep it with
    /// the id: with another birth it is another id
    #[arg(long, value_name = "MS", requires = "id")]
    birth_ms: Option<u64>,
}

impl NewId {
    /// The id, if one was given.
    pub(in crate::cli) fn get(self) -> Result<Option<Id>, Problem> {
        self.id.map(|id| with_birth(id, self.birth_ms)).transpose()
    }
}

/// An id whose fate is asked for.
#[derive(Debug, Args)]
pub(in crate::cli) struct KnownId {
    /// The id
    #[arg(value_parser = parse::id)]
    id: Id,
    /// When the id was made, in milliseconds since 1970, if that was given beside it
    #[arg(long, value_name = "MS")]
    birth_ms: Option<u64>,
}

impl KnownId {
    /// The id.
    pub(in crate::cli) fn get(self) -> Result<Id, Problem> {
        with_birth(self.id, self.birth_ms)
    }
}

fn with_birth(id: Id, birth_ms: Option<u64>) -> Result<Id, Problem> {
    let Some(ms) = birth_ms else { return Ok(id) };
    let misuse = |message| Problem::Misuse { message, advice: "Give the time at which the id was made." };
    let birth = LogTime::from_ms(ms).ok_or_else(|| misuse("--birth-ms has at most 48 bits".to_owned()))?;
    Id::with_birth(id.text(), birth).map_err(|error| misuse(error.to_string()))
}

/// Cancelling.
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    pub(in crate::cli) id: KnownId,
}

/// Settling.
#[derive(Debug, Args)]
pub struct Settle {
    /// The id
    #[arg(value_parser = parse::id, required_unless_present = "outbox")]
    id: Option<Id>,
    /// When the id was made, in milliseconds since 1970, if that was given beside it
    #[arg(long, value_name = "MS", requires = "id")]
    birth_ms: Option<u64>,
    /// Settle every id that waits in this file instead; what is decided goes from it once that is printed
    ///
    /// It is the other way out of what a killed `append --outbox` has left: nothing is sent again. Without --cancel what
    /// has no outcome yet stays in the file.
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    pub(in crate::cli) outbox: Option<PathBuf>,
    /// If nothing has become of it yet, nothing ever shall
    #[arg(long)]
    pub(in crate::cli) cancel: bool,
}

impl Settle {
    /// The id, unless an outbox is to be settled.
    pub(in crate::cli) fn id(&self) -> Result<Option<Id>, Problem> {
        self.id.clone().map(|id| with_birth(id, self.birth_ms)).transpose()
    }
}

/// Looking up.
#[derive(Debug, Args)]
pub struct Lookup {
    #[command(flatten)]
    pub(in crate::cli) id: KnownId,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(in crate::cli) local: bool,
}
