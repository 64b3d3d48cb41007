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

use std::panic::AssertUnwindSafe;
use std::path::Path;

use futures::FutureExt as _;

pub use self::table::{CrashPoint, POINTS, Way, is_one, points};

use self::sweep::{Stop, Sweep};
use crate::judgement::Recorded;
use crate::report::Summary;
use crate::wait;

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

/// Runs the rounds, up to the first in which something must never be. The history of the last one is in the file then.
pub async fn run(plan: &Plan, file: &Path) -> Summary {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut rounds = Vec::new();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let sweep = Sweep::begin(plan, round, file).await;
        // The harness ends a wait in vain with a panic; what happened until then is worth a history.
        let played = AssertUnwindSafe(sweep.play()).catch_unwind().await;
        sweep
            .end(match played {
                Ok(Ok(()) | Err(Stop::Violations)) => None,
                Ok(Err(Stop::UnlikeThePlan(found))) => Some(found),
                Err(panic) => Some(wait::sentence(&*panic)),
            })
            .await;
        let Recorded { events, replicas, violations } = Recorded::read(file).expect("read what was just written");
        let summary = Summary::of(&events, &replicas, &violations, &name);
        let broken = summary.broken();
        rounds.push(summary);
        if broken {
            sweep.last_words();
            break;
        }
    }
    Summary::merge(rounds)
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
}
