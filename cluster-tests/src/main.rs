//! `oncelog-chaos`: the harness as a command.
//!
//! - `chaos` runs a load and faults against a cluster, then judges the recorded history.
//! - `bugs` runs it on nodes that have a bug each, put in on purpose, and insists that it catches them.
//! - `crash-points` kills nodes at every step of their writes.
//! - `check` judges a recorded history again; it needs no node.
//! - `report` merges reports.
//! - `made-up` writes a history to measure what judging costs.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use cluster_tests::binary;
use cluster_tests::campaign::{self, Campaign};
use cluster_tests::chaos::{self, Carried, Plan, Timing};
use cluster_tests::crash_points;
use cluster_tests::judgement::Recorded;
use cluster_tests::made_up;
use cluster_tests::report::{self, Summary};
use cluster_tests::seeded::{self, Subject};

/// Runs real clusters under real faults and checks that no guarantee is broken
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a load and faults against a cluster and judge the history; exits with 1 if a guarantee was broken
    Chaos(Run),
    /// Run chaos on nodes with each seeded bug in turn; exits with 1 if it did not catch one, or blamed nodes without a bug
    Bugs(Bugs),
    /// Kill a node at each crash point in turn and judge what comes back; exits with 1 if a guarantee was broken
    CrashPoints(CrashPoints),
    /// Judge a recorded history; exits with 1 if it breaks a guarantee
    Check {
        /// The history of a run, in JSON lines
        file: PathBuf,
    },
    /// Write a history that nobody lived through, to measure what reading and judging one costs
    MadeUp {
        /// The number of operations
        #[arg(long, default_value_t = 200_000)]
        operations: usize,
        /// The file for the history
        file: PathBuf,
    },
    /// Merge the reports of several runs into one; exits with 1 if any of them broke a guarantee
    Report {
        /// Reports in JSON, which `chaos` and `check` write next to their histories
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Write the merged report to this directory [default: print it only]
        #[arg(long, value_name = "DIRECTORY")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct Run {
    /// How long to inject faults, in minutes
    #[arg(long, default_value_t = 5, conflicts_with = "seconds")]
    minutes: u64,
    /// How long to inject faults, in seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// The seed of the schedule of faults [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// The number of nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=5))]
    nodes: u64,
    /// The timeouts of the nodes
    #[arg(long, value_enum, default_value_t)]
    timing: Timing,
    /// What carries all that nodes and clients send
    #[arg(long, value_enum, default_value_t = Carried::Relays)]
    network: Carried,
    /// The faults to inject, separated by commas; a prefix that ends before a dash selects every fault that starts with it [default: all]
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// The seeded bug that the nodes have, or `none` for the same build without one [default: the ordinary build]
    #[arg(long)]
    bug: Option<String>,
    /// The file for the history [default: a file in the temporary directory]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Bugs {
    /// The bugs, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How long to inject faults for each bug, in seconds
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// The seed of the schedule of faults [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// The file for the table [default: print it only]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The directory for all histories [default: the temporary directory, and only those of runs that caught nothing]
    #[arg(long, value_name = "DIRECTORY")]
    histories: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct CrashPoints {
    /// The number of rounds
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// The crash points, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    points: Vec<String>,
    /// The seed of the random choices [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// The file for the history of the last round [default: a file in the temporary directory]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Chaos(run) => run_chaos(run).await,
        Command::Bugs(bugs) => run_bugs(bugs).await,
        Command::CrashPoints(sweep) => run_crash_points(sweep).await,
        Command::Check { file } => check(&file),
        Command::MadeUp { operations, file } => match made_up::write(&file, operations) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => misuse(&format!("cannot write {}: {error}", file.display())),
        },
        Command::Report { files, out } => merge(&files, out.as_deref()),
    }
}

async fn run_chaos(run: Run) -> ExitCode {
    let seed = run.seed.unwrap_or_else(rand::random);
    let file = run.history.unwrap_or_else(|| std::env::temp_dir().join(format!("oncelog-chaos-{seed}.jsonl")));
    let chosen = run
        .network
        .network(seed)
        .and_then(|network| Ok((network, chaos::kinds(&run.faults, network)?, Subject::named(run.bug.as_deref())?)));
    let (network, kinds, subject) = match chosen {
        Ok(chosen) => chosen,
        Err(why) => return misuse(&why),
    };
    let time = Duration::from_secs(run.seconds.unwrap_or(run.minutes * 60));
    let plan = Plan { time, seed, kinds, nodes: run.nodes, timing: run.timing, network, subject };
    if let Err(why) = binary::check(plan.needs_build_for_tests()) {
        return misuse(&why);
    }
    eprintln!("to run the same schedule again: {}", plan.command());
    tell(&summary(&chaos::run(&plan, &file).await.recorded, &file), &file)
}

async fn run_bugs(bugs: Bugs) -> ExitCode {
    let chosen = match bugs.only.as_slice() {
        [] => Ok(seeded::BUGS.iter().collect()),
        names => names.iter().map(|name| seeded::named(name)).collect(),
    };
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(why) => return misuse(&why),
    };
    if let Err(why) = binary::check(true) {
        return misuse(&why);
    }
    let campaign = Campaign {
        bugs: chosen,
        time: Duration::from_secs(bugs.seconds),
        seed: bugs.seed.unwrap_or_else(rand::random),
        histories: bugs.histories,
        table: bugs.out,
    };
    match campaign::run(&campaign).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => misuse(&format!("cannot write what came of it: {error}")),
    }
}

async fn run_crash_points(sweep: CrashPoints) -> ExitCode {
    let seed = sweep.seed.unwrap_or_else(rand::random);
    let file = sweep.history.unwrap_or_else(|| std::env::temp_dir().join(format!("oncelog-crash-points-{seed}.jsonl")));
    let points = match crash_points::points(&sweep.points) {
        Ok(points) => points,
        Err(why) => return misuse(&why),
    };
    if let Err(why) = binary::check(true) {
        return misuse(&why);
    }
    let plan = crash_points::Plan { points, rounds: sweep.rounds, seed };
    eprintln!("to run the same sweep again: {}", plan.command());
    tell(&crash_points::run(&plan, &file).await, &file)
}

fn check(path: &Path) -> ExitCode {
    let begun = Instant::now();
    match Recorded::read(path) {
        Ok(recorded) => {
            let (count, seconds) = (recorded.events.operations.len(), begun.elapsed().as_secs_f64());
            let peak = peak_mebibytes().map_or_else(String::new, |peak| format!(", with {peak} MiB of memory at most"));
            eprintln!("read and judged {count} appends in {seconds:.1} s{peak}");
            tell(&summary(&recorded, path), path)
        }
        Err(error) => misuse(&format!("cannot read {}: {error}", path.display())),
    }
}

/// The most memory that this process has had so far, where the system tells.
fn peak_mebibytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}

fn summary(recorded: &Recorded, path: &Path) -> Summary {
    let Recorded { events, replicas, violations } = recorded;
    Summary::of(events, replicas, violations, &path.file_name().unwrap_or_default().to_string_lossy())
}

/// Prints what a history comes to, and writes it beside the history.
fn tell(summary: &Summary, path: &Path) -> ExitCode {
    let told = print(summary).and_then(|()| {
        let mut out = io::stdout().lock();
        writeln!(out, "history: {}", path.display())?;
        writeln!(out, "to judge it again: cargo run -p cluster-tests -- check {}", path.display())?;
        let command = summary.runs.iter().find_map(|run| run.command.as_ref());
        if let Some(command) = command.filter(|_| summary.broken()) {
            writeln!(out, "to run the same schedule again: {command}")?;
        }
        Ok(())
    });
    let written = told.and_then(|()| report::write(&path.with_extension(""), summary));
    end(summary, written)
}

fn merge(files: &[PathBuf], out: Option<&Path>) -> ExitCode {
    let summaries: Vec<Summary> = match files.iter().map(|file| report::read(file)).collect() {
        Ok(summaries) => summaries,
        Err(error) => return misuse(&error.to_string()),
    };
    let summary = Summary::merge(summaries);
    let written = print(&summary).and_then(|()| {
        let Some(directory) = out else {
            return Ok(Vec::new());
        };
        fs::create_dir_all(directory)?;
        let stem = directory.join("merged");
        let mut written = report::write(&stem, &summary)?;
        written.push(report::write_markdown(&stem, &summary)?);
        Ok(written)
    });
    end(&summary, written)
}

fn print(summary: &Summary) -> io::Result<()> {
    report::print(&mut io::stdout().lock(), summary)
}

/// Names the files that were written. The exit code tells even where nobody can read.
fn end(summary: &Summary, written: io::Result<Vec<PathBuf>>) -> ExitCode {
    let named = written.and_then(|files| {
        let mut out = io::stdout().lock();
        files.iter().try_for_each(|file| writeln!(out, "report: {}", file.display()))
    });
    match named {
        Ok(()) if !summary.broken() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cannot write the report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn misuse(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(2)
}
