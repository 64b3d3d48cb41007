//! P10: failed operations never appear: neither what every attempt was told has no effect, nor what was cancelled.

use std::collections::HashSet;

use super::{Property, Report};
use crate::history::Operation;
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P10", sentence: "what failed or was cancelled is nowhere", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    never(evidence).count()
}

fn never(evidence: Evidence<'_>) -> impl Iterator<Item = &Operation> {
    evidence.events.operations.iter().filter(|operation| operation.failed() || operation.cancelled)
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let operations = &evidence.events.operations;
    let ids: HashSet<&str> = never(evidence).map(|operation| operation.id.as_str()).collect();
    for replica in evidence.replicas {
        for (name, log) in &replica.logs {
            for record in log.records.iter().filter(|record| ids.contains(record.id.as_str())) {
                report(format!("node {}: {} at {name}/{}", replica.node, record.id, record.offset));
            }
        }
    }
    for operation in operations.iter().filter(|operation| operation.cancelled) {
        if let Some((_, acknowledgement)) = operation.acknowledged() {
            report(format!("{} was cancelled and is at {}", operation.id, acknowledgement.place.first_offset));
        }
    }
}
