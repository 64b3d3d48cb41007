//! P1: every acknowledged id is at its acknowledged offset with its payload, on every replica, unless it was trimmed
//! away.

use super::{Property, Report};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P1", sentence: "what was acknowledged is there", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.acknowledged() * evidence.replicas.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for replica in evidence.replicas {
        for operation in &evidence.events.operations {
            let Some((_, acknowledgement)) = operation.acknowledged() else {
                continue;
            };
            let first = acknowledgement.place.first_offset;
            let log = replica.logs.get(&operation.log);
            for (offset, content) in (first..).zip(&operation.contents) {
                if log.is_some_and(|log| offset < log.start) {
                    continue;
                }
                let found = log.and_then(|log| log.at(offset));
                if !found.is_some_and(|record| record.id == operation.id && record.content == *content) {
                    report(format!(
                        "node {}: {} was acknowledged at {}/{offset}, where there is {:?}",
                        replica.node,
                        operation.id,
                        operation.log,
                        found.map(|record| &record.id),
                    ));
                }
            }
        }
    }
}
