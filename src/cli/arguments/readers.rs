//! What can be typed about readers.

use clap::{Args, Subcommand};

use crate::types::{LogName, Offset, ReaderName};

use super::ids::NewId;
use super::parse;

/// About readers.
#[derive(Debug, Subcommand)]
pub enum Reader {
    /// List how far readers have come, and how much is before them
    List {
        /// Only of this reader
        #[arg(value_parser = ReaderName::new)]
        reader: Option<ReaderName>,
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Say how far a reader has come in a log; one that was never moved is at 0
    Describe {
        /// The reader
        #[arg(value_parser = ReaderName::new)]
        reader: ReaderName,
        /// The log
        #[arg(value_parser = LogName::new)]
        log: LogName,
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Move a reader in a log, forwards or back
    #[command(after_help = MOVE)]
    Move(Move),
}

const MOVE: &str = "The reader is moved only if nobody moves it meanwhile: from where it is found, or, with --if-at and --if-version, \
                    from where you saw it. What it has not done when it is moved forwards it never does; what it has done \
                    when it is moved back it does again. A consumer that works on at the old place loses at its next commit. \
                    To repeat the command under one --id, say where you saw it, or it would be found elsewhere and be another command.";

/// Moving a reader.
#[derive(Debug, Args)]
pub struct Move {
    /// The reader
    #[arg(value_parser = ReaderName::new)]
    pub(in crate::cli) reader: ReaderName,
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) log: LogName,
    /// The first offset that it has not done, `start` for the first that is left, or `end` for only what comes
    #[arg(value_name = "OFFSET|start|end", value_parser = parse::place)]
    pub(in crate::cli) to: Place,
    /// Only if it is at this offset …
    #[arg(long, value_name = "OFFSET", requires = "if_version")]
    pub(in crate::cli) if_at: Option<u64>,
    /// … and its position has this version, which `reader describe` prints
    #[arg(long, value_name = "VERSION", requires = "if_at")]
    pub(in crate::cli) if_version: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Where a reader is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Place {
    /// To this offset.
    Offset(Offset),
    /// To the first record that is left.
    Start,
    /// To where the log ends now.
    End,
}
