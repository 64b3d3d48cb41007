//! What can be typed. Nothing here knows what a command does.

mod bench;
mod cells;
mod cluster;
mod ids;
mod locks;
mod logs;
mod options;
mod parse;
mod readers;
mod records;
mod settings;
mod spaces;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args as _, CommandFactory as _, Error, FromArgMatches as _, Parser, Subcommand};

pub(crate) use self::bench::{Bench, Failover, Ids, Load, Mode, Sending};
pub(crate) use self::cells::{Add, Delete, Get, Put};
pub(crate) use self::cluster::{Dev, Timing};
pub(crate) use self::ids::{KnownId, NewId, Settle};
pub(crate) use self::locks::{Holding, Lock, Run};
pub(crate) use self::logs::Log;
pub(crate) use self::options::{Format, Printing, Session, Speaking};
pub(crate) use self::parse::{Place, word};
pub(crate) use self::readers::Reader;
pub(crate) use self::records::{Append, Consume, Lines, Read, Submit, Tail};
pub(crate) use self::settings::Settings;
pub(crate) use self::spaces::Space;

use self::options::{Local, SpeakingGiven};

/// A replicated log where retrying is always safe.
#[derive(Debug, Parser)]
#[command(name = "oncelog", version, about, long_about = None, max_term_width = 100, after_help = EXIT_CODES)]
struct Grammar {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
The options of a command may also stand before it.

Exit codes:
  0  done
  1  failure: somebody must look; nothing happened
  2  usage: the command line or the request is wrong
  3  unavailable: no node can do it now, and nothing happened
  4  not found
  5  conflict: an id with other content, a refusal, or a cancelled id
  6  in doubt: it may have taken effect; send the same id again to find out";

const SPELLINGS: &str = "\
Every setting can also stand in the environment or in the file: --node-id is ONCELOG_NODE_ID and node_id. A flag beats the \
environment, and the environment beats the file.";

const DEV: &str = "\
Ctrl-C stops the nodes and removes their directory if this command made it. If a node ends, the command says so and the others \
run on; SIGUSR1 starts it again. The exit code is 0 unless a node failed by itself. -o jsonl prints one line with all addresses \
as soon as all nodes serve.";

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node
    #[command(after_help = SPELLINGS)]
    Serve(Settings),
    /// Run a cluster on this machine, to try things out; its nodes end when this command ends
    #[command(after_help = DEV)]
    Dev(Dev),
    /// Print the configuration of `serve`, and where each value comes from
    #[command(after_help = SPELLINGS)]
    Config(Settings),
    /// A command that speaks to nodes.
    #[command(flatten)]
    Client(ClientCommand),
}

/// A command that speaks to nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Append a record to a log, once, however often it is sent under its id
    Append(Append),
    /// Read a log
    Read(Read),
    /// Follow a log: print its records as they come
    Tail(Tail),
    /// Submit a whole command, written as JSON: guards and actions, all or nothing, once
    Submit(Submit),
    /// Read a cell, or list cells
    Get(Get),
    /// Put a value into a cell
    Put(Put),
    /// Delete a cell
    Delete(Delete),
    /// Add to the number in a cell, within bounds
    Add(Add),
    /// Print what became of an id
    Lookup {
        #[command(flatten)]
        id: KnownId,
        #[command(flatten)]
        local: Local,
    },
    /// Make sure that an id never takes effect, unless it already has; print its outcome
    Cancel(KnownId),
    /// End the doubt about an id: print what became of it; with --cancel, cancel it if it is undecided
    Settle(Settle),
    /// Work with logs
    #[command(subcommand)]
    Log(Log),
    /// Work with readers, which remember how far a log has been processed
    #[command(subcommand)]
    Reader(Reader),
    /// Work with locks
    #[command(subcommand)]
    Lock(Lock),
    /// Work with spaces, which remember ids
    #[command(subcommand)]
    Space(Space),
    /// Make a cluster of running, empty nodes, once
    Init {
        /// The peer addresses of all nodes, including the node that is asked (the first of --server)
        #[arg(long, required = true, value_name = "ADDRESS", value_delimiter = ',')]
        peers: Vec<String>,
    },
    /// Print the state of every node
    Status,
    /// Make a snapshot on each node of --server, and purge its Raft log up to there
    Snapshot,
    /// Let the cluster use the rules of a newer build, once every node runs one; this cannot be undone
    Raise {
        /// The new version [default: the newest that every member knows]
        #[arg(long, value_name = "VERSION")]
        to: Option<u16>,
        #[command(flatten)]
        id: NewId,
    },
    /// Measure a cluster
    #[command(subcommand)]
    Bench(Bench),
}

/// Reads a command line, with what the environment says of it.
pub(crate) fn read(
    words: &[OsString],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<(Command, Session), Error> {
    let read = grammar(false).try_get_matches_from(words);
    // The usage that an error shows names what must be given, not what was.
    let read =
        read.or_else(|error| if error.use_stderr() { grammar(true).try_get_matches_from(words) } else { Err(error) });
    let mut matches = read?;
    let printing = Printing::from_arg_matches(&matches)?;
    let speaking = SpeakingGiven::from_arg_matches(&matches)?.or(environment);
    let speaking = speaking.map_err(|message| grammar(true).error(ErrorKind::ValueValidation, message))?;
    Ok((Command::from_arg_matches_mut(&mut matches)?, Session { printing, speaking }))
}

/// Which machine-readable format a command line asks for that could not be read: its errors are told in it, too.
pub(crate) fn format_asked_for(words: &[OsString]) -> Option<Format> {
    let words: Vec<_> = words.iter().filter_map(|word| word.to_str()).collect();
    let line = words.join("\0");
    let given = line.split("\0-").filter_map(|option| option.strip_prefix("-output").or(option.strip_prefix('o')));
    let format = |text: &str| match text.trim_start_matches(['\0', '=']).split('\0').next() {
        Some("json") => Some(Format::Json),
        Some("jsonl") => Some(Format::Jsonl),
        _ => None,
    };
    given.filter_map(format).last()
}

/// The commands that are about nodes or spaces, and not in a space.
const OF_NO_SPACE: [&str; 5] = ["init", "status", "snapshot", "raise", "space"];

fn hidden(command: clap::Command, names: &[&'static str]) -> clap::Command {
    names.iter().fold(command, |command, name| command.mut_arg(*name, |argument| argument.hide(true)))
}

/// Every command has the options that it heeds; all may stand before the command, too.
fn grammar(hides_shared: bool) -> clap::Command {
    let shared = |command: clap::Command| {
        command.mut_args(|argument| if argument.is_global_set() { argument.hide(hides_shared) } else { argument })
    };
    let printing = |command| shared(Printing::augment_args(command));
    let speaking = |command| shared(SpeakingGiven::augment_args(Printing::augment_args(command)));
    let speak = ClientCommand::augment_subcommands(clap::Command::new("oncelog"));
    let mut grammar = Grammar::command();
    for name in speak.get_subcommands().map(clap::Command::get_name) {
        grammar = grammar.mut_subcommand(name, speaking);
    }
    // What a command does not heed is understood all the same, so that one set of options goes with every command.
    for name in OF_NO_SPACE {
        grammar = grammar.mut_subcommand(name, |command| hidden(command, &["space"]));
    }
    let failover = |command| hidden(speaking(command), &["server", "space"]);
    grammar = grammar.mut_subcommand("bench", |bench| bench.mut_subcommand("failover", failover));
    for name in ["dev", "config"] {
        grammar = grammar.mut_subcommand(name, printing);
    }
    // Here they hold for this level only: `serve` would have them, too.
    speaking(grammar).mut_args(|argument| argument.global(false).hide(true))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::types::{Offset, SpaceName};

    use super::*;

    fn read(line: &str) -> Result<(Command, Session), Error> {
        super::read(&line.split(' ').map(Into::into).collect::<Vec<_>>(), |_| None)
    }

    fn parse(line: &str) -> (Command, Session) {
        read(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_grammar_holds_together() {
        grammar(false).debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in [
            "oncelog --server a:1,b:2 --timeout 500ms -o json --space eu -q append orders paid --id pay-1",
            "oncelog append orders paid --id pay-1 -s a:1 -s b:2 --timeout 500ms -o json --space eu -q",
            "oncelog -s c:3 -o csv append -s a:1,b:2 --timeout 500ms -o json orders paid --id pay-1 --space eu -q",
        ] {
            let (command, Session { printing, speaking }) = parse(line);
            assert_eq!(speaking.server, ["a:1", "b:2"], "{line}");
            assert_eq!((speaking.timeout, printing.output), (Duration::from_millis(500), Format::Json), "{line}");
            assert_eq!((speaking.space.as_str(), printing.quiet), ("eu", true), "{line}");
            let Command::Client(ClientCommand::Append(append)) = command else { panic!("{line}") };
            assert_eq!((append.log.as_str(), append.value.as_deref()), ("orders", Some("paid")));
            assert_eq!(append.id.get().unwrap().unwrap().text(), "pay-1");
        }
        for line in ["oncelog -s a:1 log list", "oncelog log -s a:1 list", "oncelog log list -s a:1"] {
            assert_eq!(parse(line).1.speaking.server, ["a:1"], "{line}");
        }
        assert_eq!(parse("oncelog -o jsonl dev").1.printing.output, Format::Jsonl);
    }

    #[test]
    fn what_is_not_typed_comes_from_the_environment_and_then_from_a_default() {
        let from = |line: &str, variable: &'static str, value: &'static str| {
            let environment = |name: &str| Some(value.to_owned()).filter(|_| name == variable);
            super::read(&line.split(' ').map(Into::into).collect::<Vec<_>>(), environment)
        };
        let server = |line: &str| from(line, "ONCELOG_SERVER", "a:1,b:2").unwrap().1.speaking.server;
        assert_eq!(server("oncelog status"), ["a:1", "b:2"]);
        assert_eq!(server("oncelog status -s c:3"), ["c:3"]);
        assert_eq!(server("oncelog -s c:3 status"), ["c:3"]);
        let timeout = |line: &str| from(line, "ONCELOG_TIMEOUT", "3s").unwrap().1.speaking.timeout;
        assert_eq!(timeout("oncelog status"), Duration::from_secs(3));
        assert_eq!(timeout("oncelog status --timeout 4s"), Duration::from_secs(4));
        assert_eq!(from("oncelog status", "ONCELOG_TIMEOUT", "soon").unwrap_err().exit_code(), 2);

        let (command, Session { printing, speaking }) = parse("oncelog read orders");
        assert_eq!((speaking.timeout, printing.output), (Duration::from_secs(10), Format::Table));
        assert_eq!((speaking.server, speaking.space), (vec!["127.0.0.1:7420".to_owned()], SpaceName::main()));
        let Command::Client(ClientCommand::Read(read)) = command else { panic!() };
        assert_eq!((read.from, read.limit, read.follow), (Place::Start, None, false));
        let Command::Dev(dev) = parse("oncelog dev").0 else { panic!() };
        assert_eq!((dev.nodes, dev.keep, dev.directory, dev.port), (None, false, None, None));
        assert_eq!(dev.timing, Timing::Default);
    }

    #[test]
    fn a_command_lists_only_the_options_that_it_heeds() {
        let help = |line: &str| read(line).unwrap_err().to_string();
        for command in ["append", "log list", "bench append"] {
            let help = help(&format!("oncelog {command} --help"));
            assert!(help.contains("--server") && help.contains("--output") && help.contains("--space"), "{help}");
        }
        for command in ["init", "status", "snapshot", "raise", "space list"] {
            let help = help(&format!("oncelog {command} --help"));
            assert!(help.contains("--server") && !help.contains("--space"), "{help}");
        }
        let failover = help("oncelog bench failover --help");
        assert!(failover.contains("--timeout") && !failover.contains("--server"), "{failover}");
        assert!(!failover.contains("--space"), "{failover}");
        assert_eq!(parse("oncelog bench failover --timeout 3s").1.speaking.timeout, Duration::from_secs(3));
        assert_eq!(parse("oncelog bench --timeout 3s failover").1.speaking.timeout, Duration::from_secs(3));
        assert_eq!(parse("oncelog -s a:1 status --space eu").1.speaking.server, ["a:1"]);
        for command in ["dev", "config"] {
            let help = help(&format!("oncelog {command} --help"));
            assert!(!help.contains("--server") && help.contains("--output"), "{help}");
        }
        assert!(help("oncelog append --help").starts_with("Append a record to a log"));
        assert!(help("oncelog --help").starts_with("A Raft-replicated log"));
        let serve = help("oncelog serve --help");
        assert!(!serve.contains("--server") && !serve.contains("--output"), "{serve}");
        assert!(read("oncelog serve --space eu").is_err());
        let usage = help("oncelog append -s a:1 -s b:2 --timeout 3s");
        assert!(usage.contains("<LOG>") && !usage.contains("--server <ADDRESS>"), "{usage}");
    }

    #[test]
    fn a_mistake_is_told_in_the_format_that_was_asked_for() {
        let asked = |line: &str| format_asked_for(&line.split(' ').map(Into::into).collect::<Vec<_>>());
        assert_eq!(asked("oncelog append -o json"), Some(Format::Json));
        assert_eq!(asked("oncelog --output=jsonl append"), Some(Format::Jsonl));
        assert_eq!(asked("oncelog append -ojson"), Some(Format::Json));
        assert_eq!((asked("oncelog append -o csv"), asked("oncelog append")), (None, None));
    }

    #[test]
    fn tail_and_read_begin_at_the_same_places() {
        for (word, place) in [("start", Place::Start), ("end", Place::End), ("3", Place::Offset(Offset(3)))] {
            let Command::Client(ClientCommand::Read(read)) = parse(&format!("oncelog read a --from {word}")).0 else {
                panic!()
            };
            let Command::Client(ClientCommand::Tail(tail)) = parse(&format!("oncelog tail a --from {word}")).0 else {
                panic!()
            };
            assert_eq!((read.from, tail.from), (place, place));
        }
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
            "oncelog serve --server a:1 --node-id 1",
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
            let error = read(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
