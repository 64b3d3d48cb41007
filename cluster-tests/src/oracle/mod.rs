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

pub use dump::{Dump, Held, LogDump, Stored};
pub use properties::{PROPERTIES, Property};

use std::any::Any;
use std::sync::Arc;

use crate::history::Events;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The property, by its short name.
    pub property: &'static str,
    /// What was found.
    pub found: String,
}

impl Violation {
    /// What to tell of a run that could not go on: something did not come to be in time, whose sentence the panic has.
    pub fn broken_off(panic: &(dyn Any + Send)) -> Self {
        let sentence = panic.downcast_ref::<String>().cloned();
        let sentence = sentence.or_else(|| panic.downcast_ref::<&str>().map(|&sentence| sentence.to_owned()));
        Self { property: "P12", found: format!("the run broke off: {}", sentence.unwrap_or_default()) }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.property, self.found)
    }
}

/// All that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the clients did and heard.
    pub events: &'a Events,
    /// The replicas, which have applied the same entries.
    pub replicas: &'a [Dump],
}

impl Evidence<'_> {
    /// How many operations were acknowledged.
    fn acknowledged(&self) -> usize {
        self.events.operations.iter().filter(|operation| operation.acknowledged().is_some()).count()
    }

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

    /// How many records there are on all replicas.
    fn records(&self) -> usize {
        self.replicas.iter().flat_map(|replica| replica.logs.values()).map(|log| log.records.len()).sum()
    }
}

/// Judges a history and replicas that have applied the same entries.
pub fn judge(events: &Events, replicas: &[Dump]) -> Vec<Violation> {
    let evidence = Evidence { events, replicas };
    let mut violations = Vec::new();
    for property in &PROPERTIES {
        let name = property.name;
        (property.judge)(evidence, &mut |found| violations.push(Violation { property: name, found }));
    }
    violations
}
