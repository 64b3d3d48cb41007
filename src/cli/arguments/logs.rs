//! What can be typed about logs.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::types::{LogName, Offset, Retention};

use super::ids::NewId;
use super::parse;

/// About logs.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// List the logs of the space
    List {
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Describe a log
    Describe {
        /// The log
        #[arg(value_parser = LogName::new)]
        name: LogName,
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Make a log; one that is there refuses it
    #[command(after_help = KEPT)]
    Create(CreateLog),
    /// Change how much of a log is kept
    #[command(after_help = KEPT)]
    Set(SetLog),
    /// Take away a log's oldest records; no id is forgotten for it
    Trim(Trim),
}

const KEPT: &str = "The oldest records go once they are over any of the bounds that are given; with several, the tightest decides. They \
                    go in pieces of about a 64th of it, so each bound is what is kept at least, and a little more may stay. \
                    Without a bound everything is kept. Ids are remembered whatever goes.";

/// What of a log is kept.
#[derive(Debug, Args)]
pub(in crate::cli) struct Kept {
    /// Let records go when they are older, such as 7d; all that are younger are kept
    #[arg(id = "max_age", long = "max-age", value_name = "TIME", value_parser = parse::positive_time)]
    age: Option<Duration>,
    /// Let the oldest records go when the others have this many bytes, such as 10GiB; so many are kept
    #[arg(id = "max_bytes", long = "max-bytes", value_name = "BYTES", value_parser = parse::bytes)]
    bytes: Option<u64>,
    /// Let the oldest records go when there are this many others; so many are kept
    #[arg(id = "max_records", long = "max-records", value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,
}

impl Kept {
    pub(in crate::cli) fn retention(&self) -> Retention {
        Retention { age: self.age, bytes: self.bytes, records: self.records }
    }
}

/// Making a log.
#[derive(Debug, Args)]
pub struct CreateLog {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) name: LogName,
    #[command(flatten)]
    pub(in crate::cli) kept: Kept,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Changing a log.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("bounds").args(["max_age", "max_bytes", "max_records", "everything"]).required(true).multiple(true))]
pub struct SetLog {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) name: LogName,
    #[command(flatten)]
    pub(in crate::cli) kept: Kept,
    /// Keep everything
    #[arg(long, conflicts_with_all = ["max_age", "max_bytes", "max_records"])]
    everything: bool,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Trimming.
#[derive(Debug, Args)]
pub struct Trim {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) name: LogName,
    /// The first offset that stays, at most the log's end
    #[arg(long, value_name = "OFFSET", value_parser = offset)]
    pub(in crate::cli) before: Offset,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

fn offset(text: &str) -> Result<Offset, std::num::ParseIntError> {
    text.parse().map(Offset)
}
