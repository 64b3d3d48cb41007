//! What can be typed about records and whole commands.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::types::limits::{COMMAND_RECORDS_MAX, STREAM_UNANSWERED_MAX};
use crate::types::{LogName, ReaderName};

use super::ids::NewId;
use super::options::Local;
use super::parse::{self, Place};

/// What the lines of a batch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lines {
    /// Each line is a record
    Text,
    /// Each line is a JSON object: `payload` or `payload_base64`, and optionally `id`, `birth_ms` and `headers`
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct Append {
    /// The log; its first append creates it
    pub(crate) log: LogName,
    /// The record: text, @FILE for the bytes of a file, or - for standard input
    #[arg(value_name = "VALUE|-|@FILE")]
    pub(crate) value: Option<String>,
    /// Allow an empty record
    #[arg(long)]
    pub(crate) allow_empty: bool,
    #[command(flatten)]
    pub(crate) id: NewId,
    /// Append every line of a file, or of standard input with -, in order over one stream
    ///
    /// A blank line of text is an empty record. An empty file appends nothing, and that is no error.
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["value", "id"])]
    pub(crate) batch: Option<String>,
    /// The format of the lines of a batch
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Lines::Text, requires = "batch", conflicts_with = "value")]
    pub(crate) lines: Lines,
    /// Make the id of each line that has none from this text and the line's number, so that the batch may be run again
    #[arg(long, value_name = "TEXT", requires = "batch", conflicts_with = "value")]
    pub(crate) id_prefix: Option<String>,
    /// How many lines of a batch are in flight at once
    #[arg(long, value_name = "COUNT", default_value_t = 1_024, requires = "batch", conflicts_with = "value", value_parser = parse::up_to(STREAM_UNANSWERED_MAX))]
    pub(crate) in_flight: usize,
    /// Keep every record in this file until its outcome has been printed, and send first what an earlier run left there
    ///
    /// A record is on disk before its first attempt. It leaves the file when its outcome has been printed. So the next run with
    /// the same file finishes what a killed run left: it sends those records first, in order, under their ids, and each takes
    /// effect once. A record that no node takes stays in the file, with exit code 3, or 6 if it may have taken effect. A new
    /// record is then kept behind it; a batch is not started, or not read any further.
    ///
    /// Lines of a batch that are in flight at once (see --in-flight) may be appended in any order.
    ///
    /// -o jsonl prints a line when a record is on disk, {"entry":NUMBER,"kept":ID,"space":…,"log":…}, for a batch with its
    /// "line", and a line when it is answered, {"offset":…,"replayed":…,"id":ID}, as without an outbox. -o json lists the
    /// answers under "answers".
    #[arg(long, value_name = "FILE")]
    pub(crate) outbox: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The log
    pub(crate) log: LogName,
    /// The first offset to read: a number, `start` for the oldest record that is kept, or `end` for new records only
    #[arg(long, value_name = "OFFSET|start|end", value_parser = parse::place, default_value = "start")]
    pub(crate) from: Place,
    /// Read at most so many records
    #[arg(long, value_name = "COUNT", value_parser = parse::number)]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) local: Local,
    /// Wait for new records and print them, until you stop it
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
#[command(after_help = CONSUME)]
pub(crate) struct Tail {
    /// The log; if it does not exist yet, its first record is waited for
    pub(crate) log: LogName,
    /// The first offset to read: a number, `start` for the oldest record that is kept, or `end` for new records only
    #[arg(long, value_name = "OFFSET|start|end", value_parser = parse::place, default_value = "end")]
    pub(crate) from: Place,
    /// Stop after so many records
    #[arg(long, value_name = "COUNT", value_parser = parse::number)]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) local: Local,
    #[command(flatten)]
    pub(crate) consume: Option<Consume>,
}

const CONSUME: &str = "\
Records are printed as they come, so -o json prints each as a document of its own on a line, as -o jsonl does. If no node answers, \
the command says so and goes on trying.

With --reader and --exec a shell command processes the records, a batch at a time, from the reader's position on. The command \
gets the batch on standard input as JSON lines, as `read -o jsonl` prints them. It finds the names in ONCELOG_READER and \
ONCELOG_LOG. If it exits with 0, the reader moves behind the batch. If it fails, this command ends with exit code 1, and the next \
run gets the batch again.

With --into every line that the command prints is appended to that log in the same step in which the reader moves. So it is there \
exactly once, whatever is killed. Everything else that the command does happens at least once: a batch that was not committed \
comes again. The offset of a record tells whether you have seen it.";

#[derive(Debug, Args)]
#[group(requires_all = ["reader", "exec"], conflicts_with_all = ["from", "limit", "local"])]
pub(crate) struct Consume {
    /// The reader whose position moves
    #[arg(long, value_name = "NAME", required = false)]
    pub(crate) reader: ReaderName,
    /// The shell command that processes a batch
    #[arg(long, value_name = "COMMAND", required = false)]
    pub(crate) exec: String,
    /// Append each line that the command prints to this log
    #[arg(long, value_name = "LOG")]
    pub(crate) into: Option<LogName>,
    /// The most records in a batch
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = parse::up_to(COMMAND_RECORDS_MAX))]
    pub(crate) batch: usize,
    /// Take turns: work only while holding the reader's lock for the log
    #[arg(long)]
    pub(crate) member: bool,
    /// Stop at the end that the log has now
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// The command as JSON: a file, or - for standard input
    #[arg(value_name = "FILE|-", required_unless_present = "print_example")]
    pub(crate) document: Option<String>,
    #[command(flatten)]
    pub(crate) id: NewId,
    /// Print an example of a command and send nothing
    #[arg(long, conflicts_with_all = ["document", "id"])]
    pub(crate) print_example: bool,
}
