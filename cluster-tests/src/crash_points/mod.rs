//! The sweep over crash points: a node dies at each of them in turn, starts again, and the oracle looks.
//!
//! - The node kills itself, as `kill -9` would; that it did, and that nothing else ended it, is read from how it ended.
//! - A point that is never reached is dead, which fails the sweep.
//! - Between the points of one way no node is without its load, and at the end of each way all replicas are judged.
//! - Where points follow each other, the node dies at the next one on its way back from the one before.
//! - Each round has a cluster and a history of its own. From the second on, points that come often are awaited for a
//!   number of times that the seed chooses.

mod chain;
mod node;
mod sweep;
mod table;
mod ways;

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures::FutureExt as _;

pub use self::table::{CrashPoint, POINTS, Way, points};

use self::sweep::Sweep;

/// What a sweep is to be.
#[derive(Debug)]
pub struct Plan {
    /// The points.
    pub points: Vec<&'static CrashPoint>,
    /// How often each.
    pub rounds: u64,
    /// Chooses the nodes, and how often a point is reached before.
    pub seed: u64,
}

impl Plan {
    /// The command that runs the same sweep again.
    pub fn command(&self) -> String {
        let Self { points, rounds, seed } = self;
        let some = if points.len() < POINTS.len() {
            let names: Vec<_> = points.iter().map(|point| point.name).collect();
            format!(" --points {}", names.join(","))
        } else {
            String::new()
        };
        format!("cargo run -p cluster-tests -- crash-points --rounds {rounds} --seed {seed}{some}")
    }
}

/// What became of one point, over all rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deaths {
    /// How many nodes died there.
    pub count: u64,
    /// The longest time from a death until that node served again. The node may have died at further points meanwhile.
    pub longest: Duration,
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Found {
    /// By the name of the point.
    pub deaths: BTreeMap<&'static str, Deaths>,
    /// What must never be, in sentences.
    pub wrong: Vec<String>,
}

/// Runs the rounds, up to the first in which something is wrong. The history of the last round is in the file then.
pub async fn run(plan: &Plan, file: &Path) -> Found {
    let mut found = Found::default();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let sweep = Sweep::begin(plan, round).await;
        // The harness ends a wait in vain with a panic; what happened until then is worth a history.
        let result = AssertUnwindSafe(sweep.round()).catch_unwind().await;
        let wrong = match result {
            Ok(Ok(())) => {
                AssertUnwindSafe(sweep.settle()).catch_unwind().await.unwrap_or_else(|panic| vec![said(&*panic)])
            }
            Ok(Err(why)) => vec![why],
            Err(panic) => vec![said(&*panic)],
        };
        let failed = !wrong.is_empty();
        found.wrong.extend(wrong);
        sweep.write_history(file).await;
        for (name, deaths) in sweep.deaths() {
            let all: &mut Deaths = found.deaths.entry(name).or_default();
            all.count += deaths.count;
            all.longest = all.longest.max(deaths.longest);
        }
        if failed {
            sweep.last_words();
            break;
        }
    }
    found
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "the harness panicked".to_owned())
}

/// Writes what a sweep came to.
pub fn print(out: &mut impl Write, plan: &Plan, found: &Found, file: &Path) -> io::Result<()> {
    writeln!(out, "{:<12} {:<26} {:>6} {:>6} {:>17}", "WAY", "POINT", "ROUNDS", "DIED", "LONGEST RECOVERY")?;
    for point in &plan.points {
        let Deaths { count, longest } = found.deaths.get(point.name).copied().unwrap_or_default();
        let longest = format!("{} ms", longest.as_millis());
        writeln!(out, "{:<12} {:<26} {:>6} {count:>6} {longest:>17}", point.way, point.name, plan.rounds)?;
    }
    for wrong in &found.wrong {
        writeln!(out, "\nWRONG: {wrong}")?;
    }
    let verdict = if found.wrong.is_empty() { "all as promised" } else { "this must never be" };
    writeln!(out, "\n{verdict}; the same sweep again: {}", plan.command())?;
    writeln!(out, "judge the last round again: cargo run -p cluster-tests -- check {}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_runs_it_again_names_what_is_not_all() {
        let all = Plan { points: points(&[]).unwrap(), rounds: 3, seed: 7 };
        assert_eq!(all.command(), "cargo run -p cluster-tests -- crash-points --rounds 3 --seed 7");
        let two = points(&["vote.synced".to_owned(), "apply.write".to_owned()]).unwrap();
        let some = Plan { points: two, ..all };
        assert!(some.command().ends_with(" --points vote.synced,apply.write"));
    }

    #[test]
    fn what_is_printed_has_the_points_what_is_wrong_and_how_to_see_it_again() {
        let plan = Plan { points: points(&["vote.synced".to_owned()]).unwrap(), rounds: 3, seed: 7 };
        let deaths = [("vote.synced", Deaths { count: 3, longest: Duration::from_millis(412) })].into();
        let found = Found { deaths, wrong: vec!["too much".to_owned()] };
        let mut out = Vec::new();
        print(&mut out, &plan, &found, Path::new("h.jsonl")).unwrap();
        let text = String::from_utf8(out).unwrap();
        let row: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["election", "vote.synced", "3", "3", "412", "ms"]);
        for part in ["WRONG: too much", "--rounds 3 --seed 7 --points vote.synced\n", "-- check h.jsonl\n"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
