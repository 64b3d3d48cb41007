//! What can be typed about readers.

use clap::Subcommand;

use crate::types::{LogName, ReaderName};

use super::ids::NewId;
use super::options::Local;
use super::parse::{self, Place};

/// About readers.
#[derive(Debug, Subcommand)]
pub(crate) enum Reader {
    /// List the positions of readers, and how many records each has still to read
    List {
        /// List only the positions of this reader
        reader: Option<ReaderName>,
        #[command(flatten)]
        local: Local,
    },
    /// Print the position of a reader in a log; a reader that was never moved is at 0
    Describe {
        /// The reader
        reader: ReaderName,
        /// The log
        log: LogName,
        #[command(flatten)]
        local: Local,
    },
    /// Move a reader in a log, forward or back
    #[command(after_help = MOVE)]
    Move {
        /// The reader
        reader: ReaderName,
        /// The log
        log: LogName,
        /// The next offset to process: a number, `start` for the oldest record that is kept, or `end` for new records only
        #[arg(value_name = "OFFSET|start|end", value_parser = parse::place)]
        to: Place,
        /// Move the reader only if it is at this offset (with --if-version)
        #[arg(long, value_name = "OFFSET", requires = "if_version", value_parser = parse::number)]
        if_at: Option<u64>,
        /// Move the reader only if its position has this version, which `reader describe` prints (with --if-at)
        #[arg(long, value_name = "VERSION", requires = "if_at", value_parser = parse::number)]
        if_version: Option<u64>,
        #[command(flatten)]
        id: NewId,
    },
    /// Delete the position of a reader in a log
    #[command(after_help = DELETE)]
    Delete {
        /// The reader
        reader: ReaderName,
        /// The log
        log: LogName,
        /// Delete the position only if the reader is at this offset (with --if-version)
        #[arg(long, value_name = "OFFSET", requires = "if_version", value_parser = parse::number)]
        if_at: Option<u64>,
        /// Delete the position only if it has this version, which `reader describe` prints (with --if-at)
        #[arg(long, value_name = "VERSION", requires = "if_at", value_parser = parse::number)]
        if_version: Option<u64>,
        #[command(flatten)]
        id: NewId,
    },
}

const DELETE: &str = "\
The reader is at 0 then, like one that was never moved, and begins at the oldest record that is kept. Its version is that of the \
deletion: a consumer that still works at the old position loses at its next commit. The log need not be there any more.";

const MOVE: &str = "\
The reader moves only if nobody else moves it in between. Without --if-at and --if-version the position is the one that this \
command finds; with them it is the one that you saw. Records that the reader skips are never processed; records that it goes \
back to are processed again. A consumer that still works at the old position loses at its next commit.

To repeat the command under the same --id, give --if-at and --if-version. Otherwise the repeated command would find another \
position and have other content.";
