//! What can be typed about logs.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::types::{LogName, Offset, Retention};

use super::ids::NewId;
use super::options::Local;
use super::parse;

/// About logs.
#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// List the logs of the space
    List {
        #[command(flatten)]
        local: Local,
    },
    /// Describe a log
    Describe {
        /// The log
        #[arg(value_parser = LogName::new)]
        name: LogName,
        #[command(flatten)]
        local: Local,
    },
    /// Create a log; it is refused if the log exists
    #[command(after_help = KEPT)]
    Create(CreateLog),
    /// Change how much of a log is kept
    #[command(after_help = KEPT)]
    Set(SetLog),
    /// Delete the oldest records of a log; their ids stay known
    Trim(Trim),
}

const KEPT: &str = "\
The oldest records are deleted when the log exceeds any of the given bounds. They are deleted in pieces of about a 64th of the \
bound, so a little more than the bound may stay, and never less. Without a bound everything is kept. Ids stay known whatever is \
deleted.";

/// How much of a log is kept.
#[derive(Debug, Args)]
pub(crate) struct Kept {
    /// Delete records that are older than this, such as 7d
    #[arg(id = "max_age", long = "max-age", value_name = "TIME", value_parser = parse::positive_time)]
    age: Option<Duration>,
    /// Keep so many bytes, such as 10GiB; delete older records
    #[arg(id = "max_bytes", long = "max-bytes", value_name = "BYTES", value_parser = parse::bytes)]
    bytes: Option<u64>,
    /// Keep so many records; delete older ones
    #[arg(id = "max_records", long = "max-records", value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,
}

impl Kept {
    pub(crate) fn retention(&self) -> Retention {
        Retention { age: self.age, bytes: self.bytes, records: self.records }
    }
}

/// Creating a log.
#[derive(Debug, Args)]
pub(crate) struct CreateLog {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(crate) name: LogName,
    #[command(flatten)]
    pub(crate) kept: Kept,
    #[command(flatten)]
    pub(crate) id: NewId,
}

/// Changing a log.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("bounds").args(["max_age", "max_bytes", "max_records", "everything"]).required(true).multiple(true))]
pub(crate) struct SetLog {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(crate) name: LogName,
    #[command(flatten)]
    pub(crate) kept: Kept,
    /// Keep everything
    #[arg(long, conflicts_with_all = ["max_age", "max_bytes", "max_records"])]
    everything: bool,
    #[command(flatten)]
    pub(crate) id: NewId,
}

/// Trimming.
#[derive(Debug, Args)]
pub(crate) struct Trim {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(crate) name: LogName,
    /// The first offset that stays; at most the end of the log
    #[arg(long, value_name = "OFFSET", value_parser = parse::offset)]
    pub(crate) before: Offset,
    #[command(flatten)]
    pub(crate) id: NewId,
}
