//! What can be typed about ids.

use std::path::PathBuf;

use clap::Args;

use crate::cli::problem::Problem;
use crate::types::{Id, LogTime};

use super::options::Local;
use super::parse;

/// The id of a new command.
#[derive(Debug, Args)]
pub(crate) struct NewId {
    /// The id of this command; the same id and content, sent again, take effect once [default: a new `UUIDv7`]
    #[arg(long, value_parser = parse::id)]
    id: Option<Id>,
    /// When the id was made, in milliseconds since 1970
    ///
    /// A space that forgets needs it, unless the id is a `UUIDv7`. Keep it with the id: the same text with another birth is
    /// another id.
    #[arg(long, value_name = "MS", requires = "id")]
    birth_ms: Option<u64>,
}

impl NewId {
    /// The id, if one was given.
    pub(crate) fn get(self) -> Result<Option<Id>, Problem> {
        self.id.map(|id| with_birth(id, self.birth_ms)).transpose()
    }
}

/// An id that was sent before.
#[derive(Debug, Args)]
pub(crate) struct KnownId {
    /// The id
    #[arg(value_parser = parse::id)]
    id: Id,
    /// When the id was made, in milliseconds since 1970, if --birth-ms was given with it
    #[arg(long, value_name = "MS")]
    birth_ms: Option<u64>,
}

impl KnownId {
    /// The id.
    pub(crate) fn get(self) -> Result<Id, Problem> {
        with_birth(self.id, self.birth_ms)
    }
}

fn with_birth(id: Id, birth_ms: Option<u64>) -> Result<Id, Problem> {
    let Some(ms) = birth_ms else { return Ok(id) };
    let advice = "Give the time at which the id was made, in milliseconds since 1970.";
    let birth = LogTime::from_ms(ms).ok_or_else(|| Problem::usage("--birth-ms has more than 48 bits", advice))?;
    Id::with_birth(id.text(), birth).map_err(|error| Problem::usage(error.to_string(), advice))
}

/// Cancelling.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    pub(crate) id: KnownId,
}

/// Settling.
#[derive(Debug, Args)]
pub(crate) struct Settle {
    /// The id
    #[arg(value_parser = parse::id, required_unless_present = "outbox")]
    id: Option<Id>,
    /// When the id was made, in milliseconds since 1970, if --birth-ms was given with it
    #[arg(long, value_name = "MS", requires = "id")]
    birth_ms: Option<u64>,
    /// Settle every id that waits in this outbox
    ///
    /// Nothing is sent again. An id that is decided leaves the file when its outcome has been printed. Without --cancel an id
    /// without an outcome stays in the file.
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    pub(crate) outbox: Option<PathBuf>,
    /// Cancel the id if it has no outcome yet: then it never takes effect
    #[arg(long)]
    pub(crate) cancel: bool,
}

impl Settle {
    /// The id, unless an outbox is to be settled.
    pub(crate) fn id(&self) -> Result<Option<Id>, Problem> {
        self.id.clone().map(|id| with_birth(id, self.birth_ms)).transpose()
    }
}

/// Looking up.
#[derive(Debug, Args)]
pub(crate) struct Lookup {
    #[command(flatten)]
    pub(crate) id: KnownId,
    #[command(flatten)]
    pub(crate) local: Local,
}
