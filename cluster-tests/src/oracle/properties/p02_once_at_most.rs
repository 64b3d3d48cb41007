//! P2: every id, acknowledged or not, is at most once in a log, on every replica: whole and in one piece, or not at
//! all.
//!
//! Records of one id that lie behind each other are one *run*. An id that was sent may have one run in each log that it
//! is for, and that holds what was sent.

use std::collections::{HashMap, HashSet};

use super::{Property, Report};
use crate::history::{Content, Few, Job, Name};
use crate::oracle::{Dump, Evidence, LogDump, Stored};

pub(super) const PROPERTY: Property =
    Property { name: "P2", sentence: "an id is there once and whole, or not at all", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.operations.len() * evidence.replicas.len()
}

/// Records of one id, one behind the other; none at all if their number is 0.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    log: Name,
    count: u32,
    /// Which of the log's records is the first.
    first: usize,
}

/// All runs on a replica: by the number of the id's name the first one, and all others by id.
struct Runs {
    first: Vec<Run>,
    others: HashMap<Name, Vec<Run>>,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let rivals = evidence.events.commands.iter().filter(|command| command.job == Job::Rival);
    let rivals: HashSet<Name> = rivals.map(|command| command.id).collect();
    for replica in evidence.different_replicas() {
        let runs = Runs::on(replica);
        let mut once = |id: Name, parts: &[(Name, &[Content])]| {
            let found = runs.of(id);
            let is_there =
                |run: &Run| parts.iter().any(|(log, contents)| run.log == *log && holds(replica, *run, contents));
            let is_once = found.len() <= parts.len().max(1) && {
                let logs: HashSet<Name> = found.iter().map(|run| run.log).collect();
                logs.len() == found.len()
            };
            // Two contents that were sent under one id at once are both at its one place, if either is.
            if !is_once || !rivals.contains(&id) && !found.iter().all(is_there) {
                let at: Vec<_> = found.iter().map(|run| run.in_words(replica)).collect();
                report(format!(
                    "node {}: {id} has {} records, and there are {}",
                    replica.node,
                    parts.iter().map(|(_, contents)| contents.len()).sum::<usize>(),
                    at.join(", ")
                ));
            }
        };
        for operation in &evidence.events.operations {
            once(operation.id, &[(operation.log, operation.contents.as_slice())]);
        }
        for command in &evidence.events.commands {
            once(command.id, &command.parts().collect::<Few<_>>());
        }
    }
}

impl Run {
    fn in_words(self, replica: &Dump) -> String {
        let record = replica.logs.get(self.log.as_str()).and_then(|log| log.records.get(self.first));
        format!("{} from {}/{}", self.count, self.log, record.map_or(0, |record| record.offset))
    }
}

/// Whether the records of a run are these, or the last of them that a trim has left.
fn holds(replica: &Dump, run: Run, contents: &[Content]) -> bool {
    let Some(log) = replica.logs.get(run.log.as_str()) else { return false };
    let count = run.count as usize;
    let trimmed = if run.first == 0 && log.start > 0 { contents.len().saturating_sub(count) } else { 0 };
    let (left, found) = (contents.get(trimmed..), log.records.get(run.first..).and_then(|found| found.get(..count)));
    let (Some(left), Some(found)) = (left, found) else { return false };
    found.iter().map(|record| &record.content).eq(left)
}

impl Runs {
    /// All runs of an id.
    fn of(&self, id: Name) -> Few<Run> {
        let first = self.first.get(id.number()).filter(|run| run.count > 0);
        first.into_iter().chain(self.others.get(&id).into_iter().flatten()).copied().collect()
    }

    fn on(replica: &Dump) -> Self {
        let mut runs = Self { first: vec![Run::default(); Name::count()], others: HashMap::new() };
        for (name, log) in &replica.logs {
            runs.add(Name::from(name), log);
        }
        runs
    }

    fn add(&mut self, name: Name, log: &LogDump) {
        let mut behind = 0;
        for records in log.records.chunk_by(|one, next| one.id == next.id && one.offset + 1 == next.offset) {
            let (first, Some(Stored { id, .. })) = (behind, records.first()) else { continue };
            behind += records.len();
            let count = u32::try_from(records.len()).expect("fewer than four billion records");
            let run = Run { log: name, count, first };
            let first = self.first.get_mut(id.number()).expect("a place for every name");
            if first.count == 0 {
                *first = run;
            } else {
                self.others.entry(*id).or_default().push(run);
            }
        }
    }
}
