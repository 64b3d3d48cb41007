//! P9: local reads are prefixes of the log, and those of one node never go back, over its restarts, too.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{LocalSeen, Name, PAGE_RECORDS, PageSeen};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P9", sentence: "local reads are prefixes and never go back", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.locals.len()
}

/// How far a node has shown a log.
#[derive(Debug, Clone, Copy)]
struct Shown {
    invoked: Duration,
    completed: Duration,
    end: u64,
}

impl Shown {
    fn in_look(seen: &LocalSeen) -> Self {
        let LocalSeen { invoked, completed, end, .. } = *seen;
        Self { invoked, completed, end }
    }

    /// A page may have been read as soon as its tail was asked for.
    fn in_page(seen: &PageSeen) -> Self {
        let PageSeen { invoked, completed, end, .. } = *seen;
        Self { invoked, completed, end }
    }
}

/// A page of a tail goes on where the one before has stopped, and shows no less of the log.
fn pages_follow_each_other(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut tails: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    for page in &evidence.events.pages {
        let before = tails.insert(page.tail, (page.next, page.end));
        let offsets = page.records.iter().map(|record| record.offset);
        let gap = !offsets.eq((page.from..page.next).take(PAGE_RECORDS));
        // Who asks for more than there is waits behind the end.
        let beyond = page.next > page.end && !page.records.is_empty();
        if gap || beyond || before.is_some_and(|(next, end)| page.from != next || page.end < end) {
            report(format!(
                "a tail of {} at node {} came to a page from {} to {}, of {}, after {:?}",
                page.log, page.node, page.from, page.next, page.end, before
            ));
        }
    }
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut by_node: BTreeMap<(u64, Name), Vec<Shown>> = BTreeMap::new();
    for seen in &evidence.events.locals {
        by_node.entry((seen.node, seen.log)).or_default().push(Shown::in_look(&seen));
        if let Some(beyond) = seen.records.iter().find(|record| record.offset >= seen.end) {
            report(format!("node {} showed {}/{} beyond its end {}", seen.node, seen.log, beyond.offset, seen.end));
        }
    }
    pages_follow_each_other(evidence, report);
    for seen in evidence.events.pages.iter().filter(|seen| !seen.linearizable) {
        by_node.entry((seen.node, seen.log)).or_default().push(Shown::in_page(&seen));
    }
    for ((node, log), reads) in by_node {
        let mut by_completion = reads.clone();
        by_completion.sort_by_key(|seen| seen.completed);
        let mut by_invocation = reads;
        by_invocation.sort_by_key(|seen| seen.invoked);
        let mut earlier = by_completion.into_iter().peekable();
        let mut least = 0;
        for seen in by_invocation {
            while let Some(before) = earlier.next_if(|before| before.completed < seen.invoked) {
                least = least.max(before.end);
            }
            if seen.end < least {
                report(format!("node {node} had {log} up to {least}, and later up to {}", seen.end));
            }
        }
        for replica in evidence.replicas {
            let end = replica.logs.get(log.as_str()).map_or(0, |log| log.end);
            if end < least {
                report(format!("node {node} showed {log} up to {least}, which ends at {end} on node {}", replica.node));
            }
        }
    }
}
