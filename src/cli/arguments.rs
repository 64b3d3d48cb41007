//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::types::limits::STREAM_UNANSWERED_MAX;
use crate::types::{Id, LogName, Offset, SpaceName};

use super::batch::Lines;
use super::bench::Bench;
use super::children::Timing;
use super::output::Format;
use super::serve::Settings;

/// A replicated log where retrying is always safe.
#[derive(Debug, Parser)]
#[command(name = "oncelog", version, about, long_about = None, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failure, 2 usage, 3 unavailable, 4 not found, 5 conflict (an id with other \
                          content, a refusal, a cancelled id)";

const SPELLINGS: &str = "Every setting may also stand in the environment or in the file: --node-id is ONCELOG_NODE_ID and node_id. \
                         A flag beats the environment, which beats the file.";

const DEV: &str = "Ctrl-C stops the nodes and removes their directory if this command made it. A node that ends meanwhile \
                   is told and the others run on; SIGUSR1 starts it again. The exit code is 0 unless a node failed by \
                   itself. With -o jsonl one line says what runs where as soon as all nodes serve.";

/// What holds for every command that speaks to nodes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options for speaking to nodes")]
pub(super) struct Options {
    /// Where nodes listen for clients; with several, the others are asked when one fails
    #[arg(
        long,
        short = 's',
        global = true,
        value_name = "ADDRESS",
        env = "ONCELOG_SERVER",
        value_delimiter = ',',
        default_value = "127.0.0.1:7420",
        hide_env_values = true
    )]
    pub(super) server: Vec<String>,
    /// How long to try, all attempts together
    #[arg(long, global = true, value_name = "TIME", env = "ONCELOG_TIMEOUT", default_value = "10s", value_parser = positive_time)]
    pub(super) timeout: Duration,
    /// The space
    #[arg(long, global = true, value_name = "NAME", default_value = "main", value_parser = SpaceName::new)]
    pub(super) space: SpaceName,
    /// For people, as one JSON document, as a JSON line a row, or as bare values
    #[arg(long, short = 'o', global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub(super) output: Format,
    /// Say nothing beside the answer, errors apart
    #[arg(long, short = 'q', global = true)]
    pub(super) quiet: bool,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a node
    #[command(after_help = SPELLINGS)]
    Serve(Settings),
    /// Run a cluster on this machine, to play with: its nodes go when this command does
    #[command(after_help = DEV)]
    Dev(Dev),
    /// Print the configuration that `serve` would run with, and where each value comes from
    #[command(after_help = SPELLINGS)]
    Config(Settings),
    /// A command that speaks to nodes.
    #[command(flatten)]
    Client(ClientCommand),
}

/// A command that speaks to nodes.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a cluster of running, empty nodes, once; again, it says what was made
    Init(Init),
    /// Append one record to a log, once however often it is sent under its id
    Append(Append),
    /// Read a log
    Read(Read),
    /// Follow a log: its records as they come
    Tail(Tail),
    /// Say what became of an id
    Lookup(Lookup),
    /// Make sure that an id never takes effect, unless it has; its outcome is the answer
    Cancel(Cancel),
    /// End the doubt about an id: say what became of it, and cancel it if nothing has and --cancel is given
    Settle(Settle),
    /// Say how the nodes are
    Status,
    /// Make a snapshot on each given node, and purge its Raft log behind it
    Snapshot,
    /// Logs
    #[command(subcommand)]
    Log(Log),
    /// Measure a cluster
    #[command(subcommand)]
    Bench(Bench),
}

/// A cluster of one's own.
#[derive(Debug, Args)]
pub struct Dev {
    /// How many nodes, 1 to 9 [default: 3]
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(super) nodes: Option<u8>,
    /// Leave the directory at the end
    #[arg(long)]
    pub(super) keep: bool,
    /// Where everything is kept: a new or empty directory, or the one of an earlier cluster, which goes on and stays
    /// [default: a temporary one]
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) directory: Option<PathBuf>,
    /// How soon a silent leader is replaced
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t)]
    pub(super) timing: Timing,
    /// The first node's port for clients; the next is for its peers, and every further node's are ten further
    /// [default: free ones]
    #[arg(long, value_name = "FIRST", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub(super) port: Option<u16>,
}

/// Founding.
#[derive(Debug, Args)]
pub struct Init {
    /// The peer addresses of all nodes, the asked one's included; the first of --server is asked
    #[arg(long, required = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(super) peers: Vec<String>,
}

/// Appending.
#[derive(Debug, Args)]
pub struct Append {
    /// The log; its first append makes it
    #[arg(value_parser = LogName::new)]
    pub(super) log: LogName,
    /// The record: text, @FILE for a file's bytes, or - for standard input, also when left out
    #[arg(value_name = "VALUE|-|@FILE", default_value = "-")]
    pub(super) value: String,
    /// The id that this append is known by; a new one if left out
    #[arg(long, value_parser = id)]
    pub(super) id: Option<Id>,
    /// Append every line of a file, or of standard input with -, in their order over one stream
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["value", "id"])]
    pub(super) batch: Option<String>,
    /// What the lines of a batch are
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Lines::Text, requires = "batch", conflicts_with = "value")]
    pub(super) lines: Lines,
    /// Give every line that has no id one of this and its number: then the batch may be run again
    #[arg(long, value_name = "TEXT", requires = "batch", conflicts_with = "value")]
    pub(super) id_prefix: Option<String>,
    /// How many lines of a batch are on the way at once
    #[arg(long, value_name = "COUNT", default_value_t = 1_024, requires = "batch", conflicts_with = "value", value_parser = in_flight)]
    pub(super) in_flight: usize,
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
    pub(super) outbox: Option<PathBuf>,
}

/// Reading.
#[derive(Debug, Args)]
pub struct Read {
    /// The log
    #[arg(value_parser = LogName::new)]
    pub(super) log: LogName,
    /// The first offset wanted
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    pub(super) from: u64,
    /// At most this many records; all if left out
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(super) local: bool,
    /// Go on with what comes, until it is ended
    #[arg(long, short = 'f')]
    pub(super) follow: bool,
}

/// Following.
#[derive(Debug, Args)]
pub struct Tail {
    /// The log; one that is not there is waited for
    #[arg(value_parser = LogName::new)]
    pub(super) log: LogName,
    /// The first offset wanted, or `end` for only what comes
    #[arg(long, value_name = "OFFSET|end", default_value = "end", value_parser = from)]
    pub(super) from: Begin,
    /// End after this many records
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(super) local: bool,
}

/// Where following begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// At this offset.
    Offset(Offset),
    /// Where the log ends now.
    End,
}

/// Cancelling.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The id
    #[arg(value_parser = id)]
    pub(super) id: Id,
}

/// Settling.
#[derive(Debug, Args)]
pub struct Settle {
    /// The id
    #[arg(value_parser = id)]
    pub(super) id: Id,
    /// If nothing has become of it yet, nothing ever shall
    #[arg(long)]
    pub(super) cancel: bool,
}

/// Looking up.
#[derive(Debug, Args)]
pub struct Lookup {
    /// The id
    #[arg(value_parser = id)]
    pub(super) id: Id,
    /// What the asked node has applied, possibly stale
    #[arg(long)]
    pub(super) local: bool,
}

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
}

fn id(text: &str) -> Result<Id, crate::types::MalformedId> {
    Id::new(text)
}

fn from(text: &str) -> Result<Begin, String> {
    match text {
        "end" => Ok(Begin::End),
        _ => text.parse().map(|offset| Begin::Offset(Offset(offset))).map_err(|_| "an offset, or `end`".to_owned()),
    }
}

fn in_flight(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=STREAM_UNANSWERED_MAX).contains(&count) => Ok(count),
        _ => Err(format!("a number from 1 to {STREAM_UNANSWERED_MAX}")),
    }
}

fn positive_time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("the time must not be zero".to_owned()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Arguments {
        Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_grammar_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_go_before_or_after_the_command() {
        for line in [
            "oncelog --server a:1,b:2 --timeout 500ms -o json --space eu -q append orders paid --id pay-1",
            "oncelog append orders paid --id pay-1 -s a:1 -s b:2 --timeout 500ms -o json --space eu -q",
        ] {
            let Arguments { options, command } = parse(line);
            assert_eq!(options.server, ["a:1", "b:2"], "{line}");
            assert_eq!((options.timeout, options.output), (Duration::from_millis(500), Format::Json));
            assert_eq!((options.space.as_str(), options.quiet), ("eu", true));
            let Command::Client(ClientCommand::Append(append)) = command else { panic!("{line}") };
            assert_eq!((append.log.as_str(), append.value.as_str()), ("orders", "paid"));
            assert_eq!(append.id.unwrap().text(), "pay-1");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let Arguments { options, command } = parse("oncelog read orders");
        assert_eq!((options.timeout, options.output), (Duration::from_secs(10), Format::Table));
        assert_eq!(options.space, SpaceName::main());
        let Command::Client(ClientCommand::Read(read)) = command else { panic!() };
        assert_eq!((read.from, read.limit, read.local), (0, None, false));
        let Command::Client(ClientCommand::Append(append)) = parse("oncelog append orders").command else { panic!() };
        assert_eq!((append.value.as_str(), append.id), ("-", None));
        let Command::Dev(dev) = parse("oncelog dev").command else { panic!() };
        assert_eq!((dev.nodes, dev.keep, dev.directory, dev.port), (None, false, None, None));
        assert_eq!(dev.timing, Timing::Default);
    }

    #[test]
    fn every_command_is_understood() {
        for line in [
            "oncelog serve --node-id 1 --data-dir d",
            "oncelog config --config node.toml",
            "oncelog dev",
            "oncelog dev -n 5 --keep --directory d --timing fast --port 7420 -o jsonl -q",
            "oncelog init --peers 127.0.0.1:1,127.0.0.1:2",
            "oncelog read orders --from 3 --limit 2 --local",
            "oncelog append orders --batch - --lines jsonl --id-prefix day-7/ --in-flight 10",
            "oncelog append orders paid --id pay-1 --outbox orders.outbox",
            "oncelog append orders --batch - --outbox orders.outbox -o jsonl",
            "oncelog bench append --clients 8 --mode unary --ids random -o json",
            "oncelog bench dup",
            "oncelog bench failover --kills 2 --timing fast",
            "oncelog bench read --local",
            "oncelog read orders --follow",
            "oncelog tail orders --from 3 --limit 2 --local",
            "oncelog tail orders --from end",
            "oncelog cancel pay-1",
            "oncelog settle pay-1 --cancel",
            "oncelog lookup pay-1 --local",
            "oncelog status",
            "oncelog snapshot",
            "oncelog log list",
            "oncelog log describe orders -o jsonl",
        ] {
            parse(line);
        }
    }

    #[test]
    fn a_mistake_is_a_usage_error() {
        for line in [
            "oncelog",
            "oncelog append",
            "oncelog append Orders paid",
            "oncelog append orders paid --id ",
            "oncelog read orders --limit many",
            "oncelog read orders --timeout 0s",
            "oncelog status -o xml",
            "oncelog append orders paid --batch -",
            "oncelog append orders paid --id-prefix a",
            "oncelog tail orders --from middle",
            "oncelog cancel",
            "oncelog init",
            "oncelog log",
            "oncelog dev -n 0",
            "oncelog dev -n 10",
            "oncelog dev --timing slow",
            "oncelog dev --port 65500",
            "oncelog dev orders",
        ] {
            let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
