//! P4: offsets are dense from the trim point: from a log's start to its end there is one record at each. A log starts
//! exactly where a trim or its deletion has left it. Of a log with a retention no more is gone than may be.

use super::{Property, Report};
use crate::history::{Cut, Deleted, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P4", sentence: "offsets are dense", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.records()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let (deleted, cut) = (Deleted::of(evidence.events), Cut::of(evidence.events));
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
            let of_log = Name::from(name);
            let starts = cut.starts(of_log, deleted.end(of_log), log.end);
            if !starts.contains(&log.start) {
                report(format!("node {}, log {name} starts at {}, not in {starts:?}", replica.node, log.start));
            }
        }
    }
}
