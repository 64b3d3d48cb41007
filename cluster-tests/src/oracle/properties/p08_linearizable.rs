//! P8: linearizable reads: an end is at least what was acknowledged or seen before the read was sent, at most what was
//! sent before its answer came; it never goes backwards. What was acknowledged is looked up as such, and a cell is never
//! older than it was known to be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{Property, Report};
use crate::history::{Fate, Job, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P8", sentence: "reads are linearizable", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.ends.len()
}

/// Where a log was seen to end.
#[derive(Debug, Clone, Copy)]
struct Look {
    invoked: Duration,
    completed: Duration,
    end: u64,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    ends_are_linearizable(evidence, report);
    lookups_are_linearizable(evidence, report);
    cells_are_linearizable(evidence, report);
}

/// All linearizable looks at a log's end, those of tails among them.
fn ends(evidence: Evidence<'_>, log: Name) -> Vec<Look> {
    let reads = evidence.events.ends.iter().filter(|seen| seen.log == log);
    let pages = evidence.events.pages.iter().filter(|seen| seen.log == log && seen.linearizable);
    let reads = reads.map(|seen| Look { invoked: seen.invoked, completed: seen.completed, end: seen.end });
    reads.chain(pages.map(|seen| Look { invoked: seen.invoked, completed: seen.completed, end: seen.end })).collect()
}

/// What is acknowledged, or was found before, is found.
fn lookups_are_linearizable(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut known: HashMap<Name, Duration> = HashMap::new();
    let mut learn = |id, at: Duration| {
        known.entry(id).and_modify(|first| *first = at.min(*first)).or_insert(at);
    };
    for operation in &evidence.events.operations {
        if let Some((completed, _)) = operation.acknowledged() {
            learn(operation.id, completed);
        }
    }
    for seen in evidence.events.lookups.iter().filter(|seen| seen.fate != Fate::Unknown) {
        learn(seen.id, seen.completed);
    }
    for seen in evidence.events.lookups.iter().filter(|seen| seen.linearizable && seen.fate == Fate::Unknown) {
        if let Some(first) = known.get(&seen.id).filter(|first| **first < seen.invoked) {
            report(format!(
                "{} was known at {first:?}, and node {} did not know it at {:?}",
                seen.id, seen.node, seen.invoked
            ));
        }
    }
}

/// A cell is never seen older than it is known to be.
fn cells_are_linearizable(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut known: BTreeMap<Name, Vec<(Duration, u64)>> = BTreeMap::new();
    let mut seen: BTreeMap<Name, Vec<(Duration, u64)>> = BTreeMap::new();
    for command in &evidence.events.commands {
        if let (Job::Transfer { from, to, .. }, Some((completed, sealed))) = (&command.job, command.decided())
            && sealed.is_applied()
        {
            known.entry(Name::from(from)).or_default().push((completed, sealed.sequence));
            known.entry(Name::from(to)).or_default().push((completed, sealed.sequence));
        }
    }
    for look in &evidence.events.cells {
        for (key, number) in &look.cells {
            let key = Name::from(key);
            known.entry(key).or_default().push((look.completed, number.version));
            seen.entry(key).or_default().push((look.invoked, number.version));
        }
    }
    for (key, mut looks) in seen {
        let mut versions = known.remove(&key).unwrap_or_default();
        versions.sort_unstable();
        looks.sort_unstable();
        let mut versions = versions.into_iter().peekable();
        let mut least = 0;
        for (invoked, version) in looks {
            while let Some((_, version)) = versions.next_if(|(at, _)| *at < invoked) {
                least = least.max(version);
            }
            if version < least {
                report(format!("cell {key} had the version {least} or a later one, and was seen with {version}"));
            }
        }
    }
}

fn ends_are_linearizable(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let events = evidence.events;
    let ends_read = events.ends.iter().map(|seen| seen.log);
    let logs: BTreeSet<Name> = ends_read.chain(events.pages.iter().map(|seen| seen.log)).collect();
    for log in logs {
        let operations = || events.operations.iter().filter(|operation| operation.log == log);
        let mut reads: Vec<Look> = ends(evidence, log);

        // Ends that are known from a moment on, and records that may be there from a moment on.
        let mut known: Vec<(Duration, u64)> = reads.iter().map(|seen| (seen.completed, seen.end)).collect();
        // What one node has applied is committed: no later look may lack it.
        let locals = events.locals.iter().filter(|seen| seen.log == log).map(|seen| (seen.completed, seen.end));
        let pages = events.pages.iter().filter(|seen| seen.log == log).map(|seen| (seen.completed, seen.end));
        known.extend(locals.chain(pages));
        known.extend(operations().filter_map(|operation| {
            let (completed, acknowledgement) = operation.acknowledged()?;
            Some((completed, acknowledgement.place.first_offset + u64::from(acknowledgement.place.count)))
        }));
        let mut sent: Vec<(Duration, u64)> = operations()
            .filter_map(|operation| Some((operation.invoked()?, operation.contents.len() as u64)))
            .collect();
        known.sort_unstable();
        sent.sort_unstable();

        reads.sort_by_key(|seen| seen.invoked);
        let mut known = known.into_iter().peekable();
        let mut least = 0;
        for seen in &reads {
            while let Some((_, end)) = known.next_if(|(at, _)| *at < seen.invoked) {
                least = least.max(end);
            }
            if seen.end < least {
                report(format!("{log} ended at {least} or later, and was seen to end at {}", seen.end));
            }
        }

        reads.sort_by_key(|seen| seen.completed);
        let mut sent = sent.into_iter().peekable();
        let mut most = 0;
        for seen in &reads {
            while let Some((_, records)) = sent.next_if(|(at, _)| *at <= seen.completed) {
                most += records;
            }
            if seen.end > most {
                report(format!("{most} records were sent to {log}, which was seen to end at {}", seen.end));
            }
        }
    }
}
