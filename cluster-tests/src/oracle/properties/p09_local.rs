//! P9: local reads are prefixes of the log, record by record, and those of one node never go back, neither in where the
//! log ends nor in where it starts nor in what the node says that it has applied, over its restarts, too.
//!
//! A page is remembered by its first records and by a hash of all of them: what the replicas hold there in the end has the
//! same hash, or some record of the page was another one. P3 says the same of what a node knows of ids.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{AllSeen, Deleted, LocalSeen, Name, PAGE_RECORDS, PageSeen, RecordSeen};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P9", sentence: "local reads are prefixes and never go back", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.locals.len() + evidence.events.pages.len()
}

/// How far a node has shown a log.
#[derive(Debug, Clone, Copy)]
struct Shown {
    invoked: Duration,
    completed: Duration,
    start: u64,
    end: u64,
}

impl Shown {
    fn in_look(seen: &LocalSeen) -> Self {
        let LocalSeen { invoked, completed, start, end, .. } = *seen;
        Self { invoked, completed, start, end }
    }

    /// A page may have been read as soon as its tail was asked for.
    fn in_page(seen: &PageSeen) -> Self {
        let PageSeen { invoked, completed, start, end, .. } = *seen;
        Self { invoked, completed, start, end }
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
    every_record_is_the_one_that_stays(evidence, report);
    applied_never_goes_back(evidence, report);
    for ((node, log), reads) in by_node {
        never_back(evidence, (node, log), reads, report);
    }
}

fn never_back(evidence: Evidence<'_>, (node, log): (u64, Name), reads: Vec<Shown>, report: &mut Report<'_>) {
    let mut by_completion = reads.clone();
    by_completion.sort_by_key(|seen| seen.completed);
    let mut by_invocation = reads;
    by_invocation.sort_by_key(|seen| seen.invoked);
    let mut earlier = by_completion.into_iter().peekable();
    let (mut least_start, mut least_end) = (0, 0);
    for seen in by_invocation {
        while let Some(before) = earlier.next_if(|before| before.completed < seen.invoked) {
            least_start = least_start.max(before.start);
            least_end = least_end.max(before.end);
        }
        if seen.end < least_end {
            report(format!("node {node} had {log} up to {least_end}, and later up to {}", seen.end));
        }
        if seen.start < least_start {
            report(format!("node {node} had {log} from {least_start} on, and later from {}", seen.start));
        }
    }
    for seen in earlier {
        least_start = least_start.max(seen.start);
        least_end = least_end.max(seen.end);
    }
    for replica in evidence.replicas {
        let (start, end) = replica.logs.get(log.as_str()).map_or((0, 0), |log| (log.start, log.end));
        if end < least_end || start < least_start {
            report(format!(
                "node {node} showed {log} from {least_start} up to {least_end}, which goes from {start} to {end} on node \
                 {}",
                replica.node
            ));
        }
    }
}

/// Whatever a node is asked for, it answers as of no earlier entry than before.
fn applied_never_goes_back(evidence: Evidence<'_>, report: &mut Report<'_>) {
    // By node, when it answered as of which entry. Some answers do not say.
    let mut answers: BTreeMap<u64, Vec<(Duration, u64)>> = BTreeMap::new();
    for asked in evidence.events.asked.iter().filter(|asked| asked.applied > 0) {
        answers.entry(asked.node).or_default().push((asked.completed, asked.applied));
    }
    for answers in answers.values_mut() {
        answers.sort_unstable();
        let mut most = 0;
        for (_, applied) in answers {
            most = most.max(*applied);
            *applied = most;
        }
    }
    for asked in evidence.events.asked.iter().filter(|asked| asked.applied > 0) {
        let of_node = answers.get(&asked.node).map(Vec::as_slice).unwrap_or_default();
        let before = of_node.partition_point(|(completed, _)| *completed < asked.invoked);
        let most = before.checked_sub(1).and_then(|last| of_node.get(last)).map_or(0, |(_, most)| *most);
        if asked.applied < most {
            report(format!(
                "node {} had applied {most}, and later answered {:?} as of {}",
                asked.node, asked.question, asked.applied
            ));
        }
    }
}

fn every_record_is_the_one_that_stays(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let deleted = Deleted::of(evidence.events);
    let replicas: Vec<_> = evidence.different_replicas().collect();
    let locals = evidence.events.locals.iter();
    let locals = locals.filter_map(|seen| Some((seen.node, seen.log, seen.records.first()?.offset, seen.all)));
    let pages = evidence.events.pages.iter().map(|seen| (seen.node, seen.log, seen.from, seen.all));
    for (node, log, from, all) in locals.chain(pages).filter(|(.., all)| all.count > 0) {
        for replica in &replicas {
            let kept = replica.logs.get(log.as_str());
            if deleted.has_taken(log, from) || kept.is_some_and(|kept| from < kept.start) {
                continue;
            }
            let offsets = from..from.saturating_add(all.count);
            let found = offsets.map_while(|offset| kept?.at(offset)).map(|record| RecordSeen {
                offset: record.offset,
                id: record.id,
                content: record.content,
            });
            if AllSeen::of(found) != all {
                report(format!(
                    "node {node} showed {} records from {log}/{from}, and node {} holds others there",
                    all.count, replica.node
                ));
            }
        }
    }
}
