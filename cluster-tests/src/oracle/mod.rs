//! What must hold, whatever happened: each property a function over the history and the replicas.
//!
//! - The oracle decides nothing and asks nobody: it is given everything and names what is wrong.
//! - Each property is itself tested with a history that breaks it. A checker that has never caught anything proves
//!   nothing.

mod acknowledged;
mod dump;
mod reads;
mod replicas;
mod streams;
#[cfg(test)]
mod tests;

pub use dump::{Dump, LogDump, Stored};

use crate::history::Events;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The property, in a few words.
    pub property: &'static str,
    /// What was found.
    pub found: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.property, self.found)
    }
}

/// Judges replicas that have applied the same entries.
pub fn judge(events: &Events, dumps: &[Dump]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut report = |property: &'static str, found: String| violations.push(Violation { property, found });
    replicas::offsets_are_dense(dumps, &mut report);
    replicas::digests_agree(dumps, &mut report);
    replicas::contents_are_the_same(dumps, &mut report);
    replicas::nothing_is_there_twice_or_unsent(events, dumps, &mut report);
    acknowledged::acknowledged_is_there(events, dumps, &mut report);
    acknowledged::one_answer_for_an_id(events, &mut report);
    acknowledged::order_is_real_time(events, &mut report);
    acknowledged::failed_never_appears(events, dumps, &mut report);
    acknowledged::cancelled_never_appears(events, dumps, &mut report);
    reads::ends_are_linearizable(events, &mut report);
    streams::decided_in_the_order_sent(events, &mut report);
    streams::resending_keeps_the_order(events, &mut report);
    violations
}

/// Takes what is wrong.
type Report<'a> = dyn FnMut(&'static str, String) + 'a;
