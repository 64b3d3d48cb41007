//! P10: failed operations never appear: neither what every attempt was told has no effect, nor what was
//! cancelled or refused.

use std::collections::HashSet;

use super::{Property, Report};
use crate::client::Failure;
use crate::history::{Command, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P10", sentence: "what failed or was cancelled is nowhere", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    never(evidence).count()
}

/// The ids that must have come to nothing.
fn never(evidence: Evidence<'_>) -> impl Iterator<Item = Name> {
    let operations = evidence.events.operations.iter();
    let operations = operations.filter(|operation| operation.failed() || operation.cancelled);
    // What was refused has come to nothing, too.
    let refused =
        |command: &Command| command.failed() || command.decided().is_some_and(|(_, sealed)| !sealed.is_applied());
    let commands = evidence.events.commands.iter().filter(refused);
    operations.map(|operation| operation.id).chain(commands.map(|command| command.id))
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let operations = &evidence.events.operations;
    let ids: HashSet<Name> = never(evidence).collect();
    for replica in evidence.replicas {
        for (name, log) in &replica.logs {
            for record in log.records.iter().filter(|record| ids.contains(&record.id)) {
                report(format!("node {}: {} at {name}/{}", replica.node, record.id, record.offset));
            }
        }
    }
    for operation in operations.iter().filter(|operation| !operation.doubted && !operation.cancelled) {
        let is_refused = |answer: &Result<_, Failure>| matches!(answer, Err(failure) if failure.reason == "CANCELLED");
        if operation.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()).any(is_refused) {
            report(format!("{} was refused as cancelled, and nobody has cancelled it", operation.id));
        }
    }
    for operation in operations.iter().filter(|operation| operation.cancelled) {
        if let Some((_, acknowledgement)) = operation.acknowledged() {
            report(format!("{} was cancelled and is at {}", operation.id, acknowledgement.place.first_offset));
        }
    }
}
