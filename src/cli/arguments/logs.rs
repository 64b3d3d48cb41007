//! What can be typed about logs.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use crate::types::{LogName, Retention};

use super::ids::NewId;
use super::options::Local;
use super::parse;

/// About logs.
#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// List the logs of the space
    List(Local),
    /// Describe a log
    Describe {
        /// The log
        name: LogName,
        #[command(flatten)]
        local: Local,
    },
    /// Create a log; it is refused if the log exists
    #[command(after_help = KEPT)]
    Create {
        /// The log
        name: LogName,
        #[command(flatten)]
        kept: Kept,
        #[command(flatten)]
        id: NewId,
    },
    /// Change how much of a log is kept
    #[command(after_help = KEPT, group = ArgGroup::new("bounds").args(BOUNDS).arg("everything").required(true).multiple(true))]
    Set {
        /// The log
        name: LogName,
        #[command(flatten)]
        kept: Kept,
        /// Keep everything
        #[arg(long, conflicts_with_all = BOUNDS)]
        everything: bool,
        #[command(flatten)]
        id: NewId,
    },
    /// Delete the oldest records of a log; their ids stay known
    Trim {
        /// The log
        name: LogName,
        /// The first offset that stays; at most the end of the log
        #[arg(long, value_name = "OFFSET", value_parser = parse::number)]
        before: u64,
        #[command(flatten)]
        id: NewId,
    },
    /// Delete a log with all its records; their ids stay known
    #[command(after_help = DELETE)]
    Delete {
        /// The log
        name: LogName,
        #[command(flatten)]
        id: NewId,
    },
}

const BOUNDS: [&str; 3] = ["max_age", "max_bytes", "max_records"];

const DELETE: &str = "\
The cluster remembers where the log ended. The next append to the name, or `log create`, creates the log again, and its offsets \
go on from there: no offset is ever given to two records. The bounds of `log set` are gone. Readers stay where they are.";

const KEPT: &str = "\
The oldest records are deleted when the log exceeds any of the given bounds: the tightest decides. They are deleted in pieces of \
about a 64th of the bound, so a little more may stay than the tightest bound allows, and never less. Without a bound everything is \
kept. Ids stay known whatever is deleted.";

#[derive(Debug, Args)]
pub(crate) struct Kept {
    /// Delete older records than this, at once or a little later, such as 7d
    #[arg(id = "max_age", long = "max-age", value_name = "TIME", value_parser = parse::positive_time)]
    age: Option<Duration>,
    /// Keep so many bytes, such as 10GiB; delete older records
    #[arg(id = "max_bytes", long = "max-bytes", value_name = "BYTES", value_parser = parse::bytes)]
    bytes: Option<u64>,
    /// Keep so many records; delete older ones
    #[arg(id = "max_records", long = "max-records", value_name = "COUNT", value_parser = parse::positive_number)]
    records: Option<u64>,
}

impl Kept {
    pub(crate) fn retention(&self) -> Retention {
        Retention { age: self.age, bytes: self.bytes, records: self.records }
    }
}
