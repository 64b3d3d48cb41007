//! P4: offsets are dense from the trim point: from a log's start to its end there is one record at each. Nothing trims
//! the logs of these runs, so each starts at 0, or where it ended when it was deleted last.

use super::{Property, Report};
use crate::history::{Deleted, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P4", sentence: "offsets are dense", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.records()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let deleted = Deleted::of(evidence.events);
    for replica in evidence.replicas {
        for (name, log) in &replica.logs {
            let mut records = log.records.iter();
            let missing =
                (log.start..log.end).find(|offset| records.next().map(|record| record.offset) != Some(*offset));
            if let Some(missing) = missing {
                report(format!("node {}, log {name}: {missing} is missing, or not in its place", replica.node));
            } else if records.next().is_some() {
                report(format!("node {}, log {name} goes on beyond its end {}", replica.node, log.end));
            }
            if log.start != deleted.end(Name::from(name)) {
                report(format!("node {}, log {name} starts at {}", replica.node, log.start));
            }
        }
    }
}
