//! Something that must never be, and what it is about.
//!
//! A property says what it found in a sentence that names the ids, and each place in a log as `log/offset`. What the
//! sentence is about is read from there: a word of it that is a known name is an id, a log or a space.

use std::collections::HashMap;
use std::time::Duration;

use super::Evidence;
use crate::history::Name;

/// How many of one property are kept.
pub(super) const KEPT: usize = 10;
/// What says that a cluster did not come back: looked at after what must never happen.
const LIVENESS: [&str; 2] = ["P12", "P13"];
/// What says that a run proves less than it was meant to: looked at last.
const COVERAGE: [&str; 1] = ["P17"];

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The property, by its short name.
    pub property: &'static str,
    /// What was found.
    pub found: String,
    /// The ids that it is about; logs and spaces that it names may be among them.
    pub ids: Vec<Name>,
    /// The places in logs that it is about.
    pub places: Vec<(Name, u64)>,
    /// When the first of these ids was first sent, if any was.
    pub at: Option<Duration>,
    /// How many there are of this property, of which only the first are kept.
    pub count: usize,
    /// Of the first violation of all, the events that matter, as lines of the history's file.
    pub events: Vec<String>,
}

impl Violation {
    /// One that a property has named.
    pub fn new(property: &'static str, found: String) -> Self {
        let (mut ids, mut places) = (Vec::new(), Vec::new());
        for word in found.split_whitespace() {
            let word = word.trim_matches(|character: char| ",.;:()[]{}\"'".contains(character));
            let place = word.rsplit_once('/').and_then(|(log, offset)| Some((Name::known(log)?, offset.parse().ok()?)));
            match (Name::known(word).filter(|_| !word.is_empty()), place) {
                (Some(id), _) if !ids.contains(&id) => ids.push(id),
                (None, Some(place)) if !places.contains(&place) => places.push(place),
                _ => {}
            }
        }
        Self { property, found, ids, places, at: None, count: 0, events: Vec::new() }
    }

    /// What to look at first: safety before liveness before coverage, and the earliest first.
    pub fn urgency(&self) -> impl Ord + use<> {
        let class = usize::from(LIVENESS.contains(&self.property)) + 2 * usize::from(COVERAGE.contains(&self.property));
        (class, self.at.is_none(), self.at)
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.property, self.found)
    }
}

/// Adds to violations the ids at the places that they are about, and when the first of these ids was sent.
pub(super) fn look_up(violations: &mut [Violation], evidence: Evidence<'_>) {
    if violations.is_empty() {
        return;
    }
    for violation in violations.iter_mut() {
        for (log, offset) in &violation.places {
            let logs = evidence.replicas.iter().filter_map(|replica| replica.logs.get(log.as_str()));
            for record in logs.filter_map(|log| log.at(*offset)) {
                if !violation.ids.contains(&record.id) {
                    violation.ids.push(record.id);
                }
            }
        }
    }
    let ids = violations.iter().flat_map(|violation| &violation.ids);
    let mut sent: HashMap<Name, Option<Duration>> = ids.map(|id| (*id, None)).collect();
    let mut learn = |id: Name, invoked: Option<Duration>| {
        if let Some(first) = sent.get_mut(&id) {
            *first = first.iter().copied().chain(invoked).min();
        }
    };
    for operation in &evidence.events.operations {
        learn(operation.id, operation.invoked());
    }
    for command in &evidence.events.commands {
        learn(command.id, command.invoked());
    }
    for violation in violations {
        violation.at = violation.ids.iter().filter_map(|id| sent.get(id).copied().flatten()).min();
    }
}
