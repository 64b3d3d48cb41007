//! P6: no record without an earlier invoke, and no bytes that nobody sent.

use std::collections::HashSet;

use super::{Property, Report};
use crate::history::Content;
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P6", sentence: "nothing unsent is there", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.records()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let invoked = evidence.events.operations.iter().filter(|operation| operation.invoked().is_some());
    let commands = evidence.events.commands.iter().filter(|command| command.invoked().is_some());
    let sent: HashSet<(&str, &Content)> = invoked
        .flat_map(|operation| operation.contents.iter().map(|content| (operation.id.as_str(), content)))
        .chain(commands.flat_map(|command| command.contents.iter().map(|content| (command.id.as_str(), content))))
        .collect();
    for replica in evidence.replicas {
        for (name, log) in &replica.logs {
            for record in log.records.iter().filter(|record| !sent.contains(&(record.id.as_str(), &record.content))) {
                report(format!(
                    "node {}: {name}/{} has {:?}, {} bytes",
                    replica.node, record.offset, record.id, record.content.bytes
                ));
            }
        }
    }
}
