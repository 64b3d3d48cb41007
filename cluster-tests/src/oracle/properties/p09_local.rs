//! P9: local reads are prefixes of the log, and those of one node never go back, over its restarts, too.

use std::collections::BTreeMap;

use super::{Property, Report};
use crate::history::LocalSeen;
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P9", sentence: "local reads are prefixes and never go back", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.locals.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut by_node: BTreeMap<(u64, &str), Vec<&LocalSeen>> = BTreeMap::new();
    for seen in &evidence.events.locals {
        by_node.entry((seen.node, &seen.log)).or_default().push(seen);
        if let Some(beyond) = seen.records.iter().find(|record| record.offset >= seen.end) {
            report(format!("node {} showed {}/{} beyond its end {}", seen.node, seen.log, beyond.offset, seen.end));
        }
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
            let end = replica.logs.get(log).map_or(0, |log| log.end);
            if end < least {
                report(format!("node {node} showed {log} up to {least}, which ends at {end} on node {}", replica.node));
            }
        }
    }
}
