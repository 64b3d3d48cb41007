//! P8: linearizable reads: an end is at least what was acknowledged or seen before the read was sent, at most what was
//! sent before its answer came; it never goes backwards.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{EndSeen, Operation};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P8", sentence: "reads are linearizable", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.ends.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let events = evidence.events;
    let logs: BTreeSet<&str> = events.ends.iter().map(|seen| seen.log.as_str()).collect();
    for log in logs {
        let operations: Vec<&Operation> = events.operations.iter().filter(|operation| operation.log == log).collect();
        let mut reads: Vec<&EndSeen> = events.ends.iter().filter(|seen| seen.log == log).collect();

        // Ends that are known from a moment on, and records that may be there from a moment on.
        let mut known: Vec<(Duration, u64)> = reads.iter().map(|seen| (seen.completed, seen.end)).collect();
        known.extend(operations.iter().filter_map(|operation| {
            let (completed, acknowledgement) = operation.acknowledged()?;
            Some((completed, acknowledgement.place.first_offset + u64::from(acknowledgement.place.count)))
        }));
        let mut sent: Vec<(Duration, u64)> = operations
            .iter()
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
