//! What can be typed.

mod cells;
mod cluster;
mod commands;
mod ids;
mod locks;
mod logs;
mod parse;
mod readers;
mod records;
mod spaces;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::types::SpaceName;

use super::bench::Bench;
use super::output::Format;
use super::serve::Settings;

pub use self::cluster::Dev;

pub(super) use self::cells::{Add, Delete, Get, Put};
pub(super) use self::cluster::{Init, Raise};
pub(super) use self::commands::Submit;
pub(super) use self::ids::{Cancel, Lookup, Settle};
pub(super) use self::locks::{Acquire, Lock, Release, Renew, Run};
pub(super) use self::logs::{Log, Trim};
pub(super) use self::readers::{Move, Place, Reader};
pub(super) use self::records::{Append, Begin, Consume, Read, Tail};
pub(super) use self::spaces::Space;

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
    #[arg(long, global = true, value_name = "TIME", env = "ONCELOG_TIMEOUT", default_value = "10s", value_parser = parse::positive_time)]
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
    /// Append one record to a log, once however often it is sent under its id
    Append(Append),
    /// Read a log
    Read(Read),
    /// Follow a log: its records as they come
    Tail(Tail),
    /// Do a whole command, written as JSON: guards and actions, all or nothing, once
    Submit(Submit),
    /// Read a cell, or list cells
    Get(Get),
    /// Make a cell hold something
    Put(Put),
    /// Take a cell away
    Delete(Delete),
    /// Add to the number in a cell, within bounds
    Add(Add),
    /// Say what became of an id
    Lookup(Lookup),
    /// Make sure that an id never takes effect, unless it has; its outcome is the answer
    Cancel(Cancel),
    /// End the doubt about an id: say what became of it, and cancel it if nothing has and --cancel is given
    Settle(Settle),
    /// Logs
    #[command(subcommand)]
    Log(Log),
    /// Readers: how far each has come
    #[command(subcommand)]
    Reader(Reader),
    /// Locks
    #[command(subcommand)]
    Lock(Lock),
    /// Spaces: what ids are remembered in, and for how long
    #[command(subcommand)]
    Space(Space),
    /// Make a cluster of running, empty nodes, once; again, it says what was made
    Init(Init),
    /// Say how the nodes are
    Status,
    /// Make a snapshot on each given node, and purge its Raft log behind it
    Snapshot,
    /// Let the cluster decide by the rules of a newer build, once every node runs one; there is no way back
    Raise(Raise),
    /// Measure a cluster
    #[command(subcommand)]
    Bench(Bench),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::children::Timing;

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
            assert_eq!(append.id.get().unwrap().unwrap().text(), "pay-1");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let Arguments { options, command } = parse("oncelog read orders");
        assert_eq!((options.timeout, options.output), (Duration::from_secs(10), Format::Table));
        assert_eq!(options.space, SpaceName::main());
        let Command::Client(ClientCommand::Read(read)) = command else { panic!() };
        assert_eq!((read.from, read.limit, read.local), (None, None, false));
        let Command::Client(ClientCommand::Append(append)) = parse("oncelog append orders").command else { panic!() };
        assert_eq!((append.value.as_str(), append.id.get().unwrap()), ("-", None));
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
            "oncelog tail orders --reader mailer --exec cat",
            "oncelog tail orders --reader mailer --exec cat --into mails --batch 10 --member --once",
            "oncelog cancel pay-1",
            "oncelog settle pay-1 --cancel",
            "oncelog lookup pay-1 --local",
            "oncelog status",
            "oncelog snapshot",
            "oncelog log list",
            "oncelog log describe orders -o jsonl",
            "oncelog log create orders --max-age 7d --max-bytes 10GiB --max-records 1000 --id make-1",
            "oncelog log set orders --everything",
            "oncelog log set orders --max-records 1000",
            "oncelog log trim orders --before 17",
            "oncelog append orders paid --id press-1 --birth-ms 1760000000123",
            "oncelog lookup press-1 --birth-ms 1760000000123",
            "oncelog tail orders --from start",
            "oncelog settle --outbox orders.outbox --cancel",
            "oncelog submit transfer.json --id transfer-1",
            "oncelog submit - --space eu -o json",
            "oncelog submit --print-example",
            "oncelog get balance/ada --local -o plain",
            "oncelog get --prefix balance/",
            "oncelog put balance/ada --integer 30",
            "oncelog put balance/ada -30 --integer --if-absent",
            "oncelog put greeting hello --if-version 17",
            "oncelog delete greeting --if-version 17 --id bye-1",
            "oncelog add balance/ada -50 --least 0 --most 1000 --absent-is -5 --id pay-1",
            "oncelog lock run nightly --holder me --time 10s --wait 1h --grace 1s -- make -j 2",
            "oncelog lock acquire nightly --holder me --time 10s",
            "oncelog lock renew nightly 1760000000123/17 --time 10s",
            "oncelog lock release nightly 1760000000123/17",
            "oncelog lock list --prefix night --local",
            "oncelog lock describe nightly",
            "oncelog reader list",
            "oncelog reader list mailer",
            "oncelog reader describe mailer orders",
            "oncelog reader move mailer orders end",
            "oncelog reader move mailer orders 17 --if-at 3 --if-version 9 --id back-1",
            "oncelog space create devices --memory 7d --logs explicit",
            "oncelog space create ledger --memory forever",
            "oncelog space set devices --memory 14d --logs by-append",
            "oncelog space list",
            "oncelog space describe devices",
            "oncelog raise",
            "oncelog raise --to 1",
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
            "oncelog tail orders --reader mailer",
            "oncelog tail orders --exec cat",
            "oncelog tail orders --once",
            "oncelog tail orders --reader mailer --exec cat --from 3",
            "oncelog tail orders --reader mailer --exec cat --batch 0",
            "oncelog cancel",
            "oncelog init",
            "oncelog log",
            "oncelog log set orders",
            "oncelog log set orders --everything --max-records 1",
            "oncelog log create orders --max-records 0",
            "oncelog log trim orders",
            "oncelog append orders paid --birth-ms 17",
            "oncelog settle",
            "oncelog settle pay-1 --outbox orders.outbox",
            "oncelog submit",
            "oncelog submit - --print-example",
            "oncelog get",
            "oncelog get balance/ada --prefix balance/",
            "oncelog put greeting hello --if-absent --if-version 17",
            "oncelog add balance/ada",
            "oncelog add balance/ada much",
            "oncelog lock run nightly",
            "oncelog lock run nightly make",
            "oncelog lock release nightly",
            "oncelog lock release nightly 17",
            "oncelog reader move mailer orders",
            "oncelog reader move mailer orders middle",
            "oncelog reader move mailer orders 17 --if-version 9",
            "oncelog space create Devices",
            "oncelog space create devices --memory seven",
            "oncelog space set devices",
            "oncelog space set devices --memory forever",
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
