//! P26: an error is one that there was a cause for: its reason is one that a client may be told, its code is that of the
//! reason, what was lost on its way is never told to have no effect, and a node says that something in it is broken only
//! while somebody breaks it.
//!
//! - All that the harness sends is well formed, and goes to the right port of one cluster.
//! - Which of the reasons that are about a command is the right one is for other properties to say.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Property, Report};
use crate::client::{Effect, Failure};
use crate::crash_points;
use crate::history::{Events, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P26", sentence: "an error is one that there was a cause for", judge, judged };

/// All reasons that a client may be told here, and the code of each.
const CODES: [(&str, &str); 19] = [
    ("NO_LEADER", "Unavailable"),
    ("OUTCOME_UNKNOWN", "Unavailable"),
    ("TIMED_OUT", "DeadlineExceeded"),
    ("OVERLOADED", "ResourceExhausted"),
    ("NOT_SERVING", "Unavailable"),
    ("NOT_INITIALISED", "FailedPrecondition"),
    ("ID_REUSED", "AlreadyExists"),
    ("GUARD_FAILED", "FailedPrecondition"),
    ("CANCELLED", "Aborted"),
    ("ID_TOO_OLD", "FailedPrecondition"),
    ("ID_WITHOUT_BIRTH", "FailedPrecondition"),
    ("ID_FROM_THE_FUTURE", "FailedPrecondition"),
    ("NO_SUCH_SPACE", "NotFound"),
    ("NO_SUCH_LOG", "NotFound"),
    ("NO_SUCH_CELL", "NotFound"),
    ("TRIMMED", "OutOfRange"),
    ("VERSION_UNSUPPORTED", "FailedPrecondition"),
    (INTERNAL, "Internal"),
    // No node has answered.
    ("", ""),
];
const INTERNAL: &str = "INTERNAL";

/// How the names of faults begin that break something in a node, or take from it what it needs.
const BREAKING: [&str; 7] = ["cut-power", "fsync", "disk", "log", "voter-wiped", "memory-short", "descriptors-short"];
/// How long a node may go on saying so.
const LINGERS: Duration = Duration::from_secs(5);

/// What an error was the answer to.
#[derive(Debug, Clone, Copy)]
enum Of<'a> {
    Id(Name),
    Read(&'a str),
}

impl fmt::Display for Of<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(formatter, "of {id}"),
            Self::Read(what) => write!(formatter, "somebody who asked for {what}"),
        }
    }
}

/// An error, and when it came.
struct Told<'a> {
    by: u64,
    at: Duration,
    of: Of<'a>,
    failure: &'a Failure,
}

fn judged(evidence: Evidence<'_>) -> usize {
    let mut count = 0;
    for_each(evidence.events, |_| count += 1);
    count
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    // Scenarios break what they break beside their history.
    if evidence.events.meant.is_none() {
        return;
    }
    let broken = broken(evidence.events);
    for_each(evidence.events, |told| {
        if let Some(why) = wrong(&told, &broken) {
            let Told { by, at, of, failure } = told;
            report(format!("node {by} told {of} at {at:?}: {failure}; {why}"));
        }
    });
}

/// What can't be right about an error.
fn wrong(told: &Told<'_>, broken: &[RangeInclusive<Duration>]) -> Option<&'static str> {
    let Failure { reason, code, effect, .. } = told.failure;
    let Some((_, of_reason)) = CODES.iter().find(|(known, _)| known == reason) else {
        return Some("no client is to be told that");
    };
    if !reason.is_empty() && of_reason != code {
        return Some("that is not the code of the reason");
    }
    if reason == "OUTCOME_UNKNOWN" && *effect == Effect::None {
        return Some("what is unknown may have been done");
    }
    let is_broken = broken.iter().any(|times| times.contains(&told.at));
    (reason == INTERNAL && !is_broken).then_some("nobody was breaking anything")
}

/// While something was broken in a node.
fn broken(events: &Events) -> Vec<RangeInclusive<Duration>> {
    let breaks = |kind: &str| BREAKING.iter().any(|begin| kind.starts_with(begin)) || crash_points::is_one(kind);
    let faults = events.faults.iter().filter(|fault| breaks(&fault.kind));
    faults.map(|fault| fault.begun..=fault.healed.map_or(Duration::MAX, |healed| healed + LINGERS)).collect()
}

/// All errors that clients were told.
fn for_each(events: &Events, mut take: impl FnMut(Told<'_>)) {
    for operation in &events.operations {
        for attempt in &operation.attempts {
            if let (Some(at), Some(Err(failure))) = (attempt.completed, &attempt.answer) {
                take(Told { by: attempt.node, at, of: Of::Id(operation.id), failure });
            }
        }
    }
    for command in &events.commands {
        for attempt in &command.attempts {
            if let (Some(at), Some(Err(failure))) = (attempt.completed, &attempt.answer) {
                take(Told { by: attempt.node, at, of: Of::Id(command.id), failure });
            }
        }
    }
    for reuse in &events.reuses {
        if let Err(failure) = &reuse.answer {
            take(Told { by: reuse.node, at: reuse.completed, of: Of::Id(reuse.id), failure });
        }
    }
    for failed in &events.failed {
        take(Told { by: failed.node, at: failed.at, of: Of::Read(&failed.what), failure: &failed.failure });
    }
}
