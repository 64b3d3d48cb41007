//! What can be typed about records.

use std::path::PathBuf;

use clap::Args;

use crate::cli::batch::Lines;
use crate::types::{LogName, Offset, ReaderName};

use super::ids::NewId;
use super::parse;

/// Appending.
#[derive(Debug, Args)]
pub struct Append {
    /// The log; its first append makes it
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) log: LogName,
    /// The record: text, @FILE for a file's bytes, or - for standard input, also when left out
    #[arg(value_name = "VALUE|-|@FILE", default_value = "-")]
    pub(in crate::cli) value: String,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
    /// Append every line of a file, or of standard input with -, in their order over one stream
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["value", "id"])]
    pub(in crate::cli) batch: Option<String>,
    /// What the lines of a batch are
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Lines::Text, requires = "batch", conflicts_with = "value")]
    pub(in crate::cli) lines: Lines,
    /// Give every line that has no id one of this and its number: then the batch may be run again
    #[arg(long, value_name = "TEXT", requires = "batch", conflicts_with = "value")]
    pub(in crate::cli) id_prefix: Option<String>,
    /// How many lines of a batch are on the way at once
    #[arg(long, value_name = "COUNT", default_value_t = 1_024, requires = "batch", conflicts_with = "value", value_parser = parse::in_flight)]
    pub(in crate::cli) in_flight: usize,
    /// Keep every record in this file from before it is sent until its outcome is printed; what an earlier run has left
    /// there goes first
    ///
    /// A record is on disk before its first attempt, and leaves the file only after what became of it was printed. So a
    /// run that was killed is finished by the next one with the same file: what waits is sent first, in the order in
    /// which it was kept and under its ids, and takes effect once. What no node takes stays, with exit code 3; a new
    /// record is then kept behind it, while a batch is not begun, or read no further.
    ///
    /// Lines of a batch that are on the way at once (see --in-flight) are appended in any order.
    ///
    /// With -o jsonl one line is printed when a record is on disk, {"kept":ID,"space":…,"log":…,"entry":NUMBER} and for
    /// a batch its "line", and one when it is answered, {"id":ID,"offset":…,"replayed":…} as without an outbox. With
    /// -o json the answers are listed under "appended".
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) outbox: Option<PathBuf>,
}

/// Reading.
#[derive(Debug, Args)]
pub struct Read {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) log: LogName,
    /// The first offset wanted; the first that is left if left out
    #[arg(long, value_name = "OFFSET")]
    pub(in crate::cli) from: Option<u64>,
    /// At most this many records; all if left out
    #[arg(long, value_name = "COUNT")]
    pub(in crate::cli) limit: Option<u64>,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(in crate::cli) local: bool,
    /// Go on with what comes, until it is ended
    #[arg(long, short = 'f')]
    pub(in crate::cli) follow: bool,
}

/// Following.
#[derive(Debug, Args)]
#[command(after_help = CONSUME)]
pub struct Tail {
    /// The log; one that is not there is waited for
    #[arg(value_parser = LogName::new)]
    pub(in crate::cli) log: LogName,
    /// The first offset wanted, `start` for the first that is left, or `end` for only what comes
    #[arg(long, value_name = "OFFSET|start|end", default_value = "end", value_parser = parse::begin)]
    pub(in crate::cli) from: Begin,
    /// End after this many records
    #[arg(long, value_name = "COUNT")]
    pub(in crate::cli) limit: Option<u64>,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(in crate::cli) local: bool,
    #[command(flatten)]
    pub(in crate::cli) consume: Option<Consume>,
}

const CONSUME: &str = "With --reader and --exec a command works on the records, a batch at a time, from where the reader is. It gets \
                       them on standard input as JSON lines, as `read -o jsonl` prints them, and ONCELOG_READER and \
                       ONCELOG_LOG in its environment. When it ends with 0 the reader moves behind them; when it fails, so \
                       does this, with exit code 1, and the batch comes again at the next run.\n\n\
                       What it prints with --into is appended in the same step in which the reader moves, so it is there exactly once, \
                       however often anything is killed. Without --into, and in all that it does elsewhere, it is at least \
                       once: a batch that was not committed comes again. The id and offset of a record tell it from others.";

/// Working on a log as a reader.
#[derive(Debug, Args)]
#[group(requires_all = ["reader", "exec"], conflicts_with_all = ["from", "limit", "local"])]
pub(in crate::cli) struct Consume {
    /// The reader, whose position is moved as the work goes on
    #[arg(long, value_name = "NAME", required = false, value_parser = ReaderName::new)]
    pub(in crate::cli) reader: ReaderName,
    /// A line for `sh`, which works on one batch
    #[arg(long, value_name = "COMMAND", required = false)]
    pub(in crate::cli) exec: String,
    /// Append each line that the command prints to this log
    #[arg(long, value_name = "LOG", value_parser = LogName::new)]
    pub(in crate::cli) into: Option<LogName>,
    /// At most so many records at a time
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = parse::batch)]
    pub(in crate::cli) batch: usize,
    /// Work only while holding the reader's lock of the log, so that of several of these one works and the others wait
    #[arg(long)]
    pub(in crate::cli) member: bool,
    /// End where the log ends now
    #[arg(long)]
    pub(in crate::cli) once: bool,
}

/// Where following begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Begin {
    /// At this offset.
    Offset(Offset),
    /// At the first record that is left.
    Start,
    /// Where the log ends now.
    End,
}
