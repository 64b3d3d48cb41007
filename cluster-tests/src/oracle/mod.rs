//! What must hold, whatever happened: each property a file, with its sentence in its head.
//!
//! - The oracle decides nothing and asks nobody: it is given a history and the replicas, and names what is wrong.
//! - It sorts and never searches: a million operations take seconds.
//! - Each property is itself tested with a history that breaks it. A checker that has never caught anything proves
//!   nothing.

mod dump;
mod properties;
#[cfg(test)]
mod tests;
mod violation;

pub use dump::{Dump, Held, LogDump, Stored, share};
pub use properties::{PROPERTIES, Property};
pub use violation::Violation;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::command::log_in;
use crate::history::{Answer, Events, Name, Question, RecordShown, Shown};

/// How many properties are judged at once: some of them need much memory.
const THREADS: usize = 2;

/// All that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the clients did and heard.
    pub events: &'a Events,
    /// The replicas, which have applied the same entries.
    pub replicas: &'a [Dump],
    /// How many operations were acknowledged.
    acknowledged: usize,
}

impl<'a> Evidence<'a> {
    /// A history and the replicas at its end.
    pub fn of(events: &'a Events, replicas: &'a [Dump]) -> Self {
        let acknowledged = events.operations.iter().filter(|operation| operation.acknowledged().is_some()).count();
        Self { events, replicas, acknowledged }
    }
}

impl Evidence<'_> {
    /// The replicas, but of those that share all their logs only the first.
    fn different_replicas(&self) -> impl Iterator<Item = &Dump> {
        let same = |one: &Dump, other: &Dump| {
            let pairs = one.logs.iter().zip(&other.logs);
            one.logs.len() == other.logs.len()
                && pairs.into_iter().all(|((name, log), (other, same))| name == other && Arc::ptr_eq(log, same))
        };
        let before = |count: usize| self.replicas.iter().take(count);
        let numbered = self.replicas.iter().enumerate();
        numbered.filter(move |(count, one)| !before(*count).any(|other| same(other, one))).map(|(_, one)| one)
    }

    /// The replicas that have tables, but of those that share all of them and all their logs only the first.
    fn different_tables(&self) -> impl Iterator<Item = &Dump> {
        let same = |one: &Dump, other: &Dump| one.tables == other.tables && one.logs == other.logs;
        let before = |count: usize| self.replicas.iter().take(count);
        let numbered = self.replicas.iter().enumerate().filter(|(_, one)| one.tables.is_some());
        numbered.filter(move |(count, one)| !before(*count).any(|other| same(other, one))).map(|(_, one)| one)
    }

    /// Every record that anybody was shown: by which node, in which log as a dump names it, and which. What the history has
    /// samples of, too, comes more than once.
    fn shown(&self) -> impl Iterator<Item = (u64, Name, RecordShown)> {
        let events = self.events;
        let locals = events.locals.iter().map(|seen| (seen.node, seen.log, seen.records));
        let pages = events.pages.iter().map(|seen| (seen.node, seen.log, seen.records));
        let asked = events.asked.iter().filter_map(|asked| match (asked.question, asked.answer) {
            (Question::Records { log, .. }, Answer::Records { records, .. }) => {
                Some((asked.node, Name::from(log_in(&asked.space, &log)), records))
            }
            _ => None,
        });
        let samples = locals.chain(pages).chain(asked).flat_map(|(node, log, records)| {
            records.into_iter().map(move |record| (node, log, RecordShown::from(record)))
        });
        let once = events.shown.iter().flat_map(|shown| {
            let Shown { node, log, records, .. } = shown;
            records.into_iter().map(move |record| (node, log, record))
        });
        samples.chain(once)
    }

    /// How many records there are on all replicas.
    fn records(&self) -> usize {
        self.replicas.iter().flat_map(|replica| replica.logs.values()).map(|log| log.records.len()).sum()
    }
}

/// Judges a history and replicas that have applied the same entries. Violations are in the order of the properties; of each
/// property only the first few are kept, which know how many there are.
pub fn judge(events: &Events, replicas: &[Dump]) -> Vec<Violation> {
    let evidence = Evidence::of(events, replicas);
    let found = of_each_property(|property| broken(property, evidence).collect::<Vec<_>>());
    let mut violations: Vec<Violation> = found.into_iter().flatten().collect();
    violation::look_up(&mut violations, evidence);
    violations
}

/// Asks something of each property, by two threads, and returns the answers in the order of the properties.
pub fn of_each_property<T: Send>(ask: impl Fn(&Property) -> T + Sync) -> Vec<T> {
    let (properties, next): (&[Property], _) = (&PROPERTIES, AtomicUsize::new(0));
    // Each thread takes the next property until there is none.
    let ask_some = || {
        let mut answers = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(property) = properties.get(place) else { return answers };
            answers.push((place, ask(property)));
        }
    };
    let mut answers: Vec<(usize, T)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask_some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    answers.sort_unstable_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// What breaks a property.
fn broken(property: &Property, evidence: Evidence<'_>) -> impl Iterator<Item = Violation> {
    let (mut count, mut found) = (0, Vec::new());
    (property.judge)(evidence, &mut |sentence| {
        count += 1;
        if found.len() < violation::KEPT {
            found.push(Violation::new(property.name, sentence));
        }
    });
    found.into_iter().map(move |violation| Violation { count, ..violation })
}

/// How many violations there are of each property that has some, in words.
pub fn counts(violations: &[Violation]) -> String {
    let firsts = violations.chunk_by(|one, other| one.property == other.property).filter_map(<[_]>::first);
    let mut counts: Vec<(&str, usize)> = firsts.map(|first| (first.property, first.count)).collect();
    counts.sort_by_key(|(property, _)| property.trim_start_matches('P').parse::<u32>().unwrap_or(u32::MAX));
    counts.dedup();
    let counts: Vec<String> = counts.into_iter().map(|(property, count)| format!("{property} {count}")).collect();
    counts.join(", ")
}
