//! `oncelog-chaos`: what the harness can do apart from tests.
//!
//! - `chaos` makes a run: a load, faults, and the oracle.
//! - `check` judges a recorded history again, and nothing else: no node is needed.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use cluster_tests::chaos::{self, Plan, Timing};
use cluster_tests::history::{Events, file};
use cluster_tests::oracle::{self, Violation};
use cluster_tests::report;

/// Real processes, real faults, and the oracle that judges what they did
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a load and faults on a cluster, and judge what it did: exit code 1 if something must never be
    Chaos(Run),
    /// Judge a recorded history: exit code 1 if something in it must never be
    Check {
        /// A history in JSON lines, as a run wrote it
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Run {
    /// For how long faults are made, in minutes
    #[arg(long, default_value_t = 5, conflicts_with = "seconds")]
    minutes: u64,
    /// The same in seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// The seed of the schedule [default: a random one]
    #[arg(long)]
    seed: Option<u64>,
    /// How many nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=5))]
    nodes: u64,
    /// The nodes' profile of timeouts
    #[arg(long, value_enum, default_value_t)]
    timing: Timing,
    /// Which faults, with commas between; a name up to one of its dashes stands for all that begin so [default: all]
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// Where the history goes [default: into the directory for temporary files]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Chaos(run) => run_chaos(run).await,
        Command::Check { file } => check(&file),
    }
}

async fn run_chaos(run: Run) -> ExitCode {
    let seed = run.seed.unwrap_or_else(rand::random);
    let file = run.history.unwrap_or_else(|| std::env::temp_dir().join(format!("oncelog-chaos-{seed}.jsonl")));
    let kinds = match chaos::kinds(&run.faults) {
        Ok(kinds) => kinds,
        Err(why) => return misuse(&why),
    };
    let time = Duration::from_secs(run.seconds.unwrap_or(run.minutes * 60));
    let plan = Plan { time, seed, kinds, nodes: run.nodes, timing: run.timing };
    eprintln!("the same schedule again: {}", plan.command());
    let violations = chaos::run(&plan, &file).await;
    match file::read(&file) {
        Ok((events, _)) => tell(&events, &violations, &file),
        Err(error) => misuse(&format!("cannot read {}: {error}", file.display())),
    }
}

fn check(path: &Path) -> ExitCode {
    match file::read(path) {
        Ok((events, replicas)) => tell(&events, &oracle::judge(&events, &replicas), path),
        Err(error) => misuse(&format!("cannot read {}: {error}", path.display())),
    }
}

fn tell(events: &Events, violations: &[Violation], path: &Path) -> ExitCode {
    let mut out = io::stdout().lock();
    let told = report::print(&mut out, events, violations)
        .and_then(|()| writeln!(out, "judge it again: cargo run -p cluster-tests -- check {}", path.display()));
    match told {
        Ok(()) if violations.is_empty() => ExitCode::SUCCESS,
        // Where nobody can read it, the exit code still tells.
        _ => ExitCode::FAILURE,
    }
}

fn misuse(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(2)
}
