//! P8: linearizable reads: an end is at least what was acknowledged or seen before the read was sent, at most what was
//! sent before its answer came; it never goes backwards. What was acknowledged is looked up as such. Cells, positions of
//! readers and locks are never older than they were known to be, and hold what their version has made of them. No answer is
//! of an earlier entry than one that somebody was known to have applied.

mod applied;
mod cells;
mod known;
mod locks;
mod positions;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::{Property, Report};
use crate::history::{Fate, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P8", sentence: "reads are linearizable", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.ends.len()
        + evidence.events.lookups.len()
        + evidence.events.cells.len()
        + evidence.events.asked.len()
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
    cells::judge(evidence, report);
    positions::judge(evidence, report);
    locks::judge(evidence, report);
    applied::judge(evidence, report);
}

/// What is acknowledged, or was found before, is found.
fn lookups_are_linearizable(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut known: HashMap<Name, Duration> = HashMap::new();
    let mut learn = |id, at: Duration| {
        known.entry(id).and_modify(|first| *first = at.min(*first)).or_insert(at);
    };
    let looked_up: HashSet<Name> = evidence.events.lookups.iter().map(|seen| seen.id).collect();
    for operation in evidence.events.operations.iter().filter(|operation| looked_up.contains(&operation.id)) {
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

/// So many operations are looked at at once, unless a single log has more.
const AT_ONCE: usize = 2_000_000;

fn ends_are_linearizable(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let events = evidence.events;
    let ends_read = events.ends.iter().map(|seen| seen.log);
    let logs = ends_read.chain(events.pages.iter().map(|seen| seen.log));
    let mut sizes: BTreeMap<Name, usize> = logs.map(|log| (log, 0)).collect();
    for operation in &events.operations {
        if let Some(size) = sizes.get_mut(&operation.log) {
            *size += 1;
        }
    }
    while !sizes.is_empty() {
        let mut left = AT_ONCE;
        let mut some: BTreeMap<Name, OfLog> = BTreeMap::new();
        while let Some(entry) = sizes.first_entry().filter(|entry| *entry.get() <= left || left == AT_ONCE) {
            let (log, size) = entry.remove_entry();
            left = left.saturating_sub(size);
            some.insert(log, OfLog::with_room_for(size));
        }
        gather(evidence, &mut some);
        for (log, of_log) in some {
            of_log.judge(log, report);
        }
    }
}

/// What is known of a log. Times are nanoseconds.
#[derive(Debug, Default)]
struct OfLog {
    reads: Vec<Look>,
    /// Ends that are known from a moment on.
    known: Vec<(u64, u64)>,
    /// How many records may be there from a moment on.
    sent: Vec<(u64, u64)>,
}

fn gather(evidence: Evidence<'_>, some: &mut BTreeMap<Name, OfLog>) {
    let events = evidence.events;
    for operation in &events.operations {
        let Some(of_log) = some.get_mut(&operation.log) else { continue };
        if let Some((completed, acknowledgement)) = operation.acknowledged() {
            let end = acknowledgement.place.first_offset + u64::from(acknowledgement.place.count);
            of_log.known.push((nanoseconds(completed), end));
        }
        of_log.sent.extend(operation.invoked().map(|at| (nanoseconds(at), operation.contents.len() as u64)));
    }
    for command in &events.commands {
        for (log, contents) in command.parts() {
            let Some(of_log) = some.get_mut(&log) else { continue };
            of_log.sent.extend(command.invoked().map(|at| (nanoseconds(at), contents.len() as u64)));
        }
        let Some((completed, outcome)) = command.decided() else { continue };
        for (log, first, contents) in command.placed(outcome) {
            if let Some(of_log) = some.get_mut(&log) {
                of_log.known.push((nanoseconds(completed), first + contents.len() as u64));
            }
        }
    }
    for seen in &events.ends {
        if let Some(of_log) = some.get_mut(&seen.log) {
            of_log.see(Look { invoked: seen.invoked, completed: seen.completed, end: seen.end });
        }
    }
    for seen in &events.pages {
        let Some(of_log) = some.get_mut(&seen.log) else { continue };
        if seen.linearizable {
            of_log.see(Look { invoked: seen.invoked, completed: seen.completed, end: seen.end });
        } else {
            // What one node has applied is committed: no later look may lack it.
            of_log.known.push((nanoseconds(seen.completed), seen.end));
        }
    }
    for seen in &events.locals {
        if let Some(of_log) = some.get_mut(&seen.log) {
            of_log.known.push((nanoseconds(seen.completed), seen.end));
        }
    }
}

impl OfLog {
    fn with_room_for(operations: usize) -> Self {
        Self { reads: Vec::new(), known: Vec::with_capacity(operations), sent: Vec::with_capacity(operations) }
    }

    /// A linearizable look at the end.
    fn see(&mut self, look: Look) {
        self.known.push((nanoseconds(look.completed), look.end));
        self.reads.push(look);
    }

    fn judge(self, log: Name, report: &mut Report<'_>) {
        let Self { mut reads, mut known, mut sent } = self;
        known.sort_unstable();
        sent.sort_unstable();
        reads.sort_by_key(|seen| seen.invoked);
        let mut known = known.into_iter().peekable();
        let mut least = 0;
        for seen in &reads {
            while let Some((_, end)) = known.next_if(|(at, _)| *at < nanoseconds(seen.invoked)) {
                least = least.max(end);
            }
            if seen.end < least {
                report(format!("{log} ended at {least} or later, and was seen to end at {log}/{}", seen.end));
            }
        }
        reads.sort_by_key(|seen| seen.completed);
        let mut sent = sent.into_iter().peekable();
        let mut most = 0;
        for seen in &reads {
            while let Some((_, records)) = sent.next_if(|(at, _)| *at <= nanoseconds(seen.completed)) {
                most += records;
            }
            if seen.end > most {
                report(format!("{most} records were sent to {log}, which was seen to end at {log}/{}", seen.end));
            }
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("a run is shorter than centuries")
}
