//! What can be typed about ids.

use std::path::PathBuf;

use clap::Args;

use crate::cli::problem::Problem;
use crate::types::{Id, LogTime};

use super::parse;

const NEW_ID: &str = "The id of this command; sent again under its id, it takes effect once [default: a new UUIDv7]";

#[derive(Debug, Args)]
pub(crate) struct NewId {
    #[arg(long, help = NEW_ID)]
    id: Option<Id>,
    /// When the id was made, in milliseconds since 1970
    ///
    /// A space that forgets needs it, unless the id itself says it, as a UUID of version 7 does. Keep it with the id: the
    /// same text with another birth is another id.
    #[arg(long, value_name = "MS", requires = "id", value_parser = parse::number)]
    birth_ms: Option<u64>,
}

impl NewId {
    /// The id, if one was given.
    pub(crate) fn get(&self) -> Result<Option<Id>, Problem> {
        self.id.clone().map(|id| with_birth(id, self.birth_ms)).transpose()
    }
}

#[derive(Debug, Args)]
pub(crate) struct KnownId {
    /// The id
    id: Id,
    /// When the id was made, in milliseconds since 1970, if --birth-ms was given with it
    #[arg(long, value_name = "MS", value_parser = parse::number)]
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

#[derive(Debug, Args)]
pub(crate) struct Settle {
    /// The id
    #[arg(required_unless_present = "outbox")]
    id: Option<Id>,
    /// When the id was made, in milliseconds since 1970, if --birth-ms was given with it
    #[arg(long, value_name = "MS", requires = "id", value_parser = parse::number)]
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
