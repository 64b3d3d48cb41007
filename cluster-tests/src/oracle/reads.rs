//! What linearizable reads may see.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Report;
use crate::history::{EndSeen, Events, Operation};

/// A log's end is at least what was acknowledged or seen before the read was sent, and at most what was sent before its
/// answer came.
pub(super) fn ends_are_linearizable(events: &Events, report: &mut Report<'_>) {
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
            .filter_map(|operation| Some((operation.invoked()?, operation.payloads.len() as u64)))
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
                report(
                    "reads are linearizable",
                    format!("{log} ended at {least} or later, and was seen to end at {}", seen.end),
                );
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
                report(
                    "reads see what was sent",
                    format!("{most} records were sent to {log}, which was seen to end at {}", seen.end),
                );
            }
        }
    }
}
