//! P2: every id, acknowledged or not, is at most once in a log, on every replica: whole and in one piece, or not at
//! all.

use std::collections::HashMap;

use super::{Property, Report};
use crate::history::Content;
use crate::oracle::Evidence;

/// Where a record is, and what it holds: log, offset, content.
type Place<'a> = (&'a str, u64, &'a Content);

pub(super) const PROPERTY: Property =
    Property { name: "P2", sentence: "an id is there once and whole, or not at all", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.operations.len() * evidence.replicas.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let operations = evidence.events.operations.iter();
    let commands = evidence.events.commands.iter();
    let sent: HashMap<&str, (&str, &[Content])> = operations
        .map(|operation| (operation.id.as_str(), (operation.log.as_str(), operation.contents.as_slice())))
        .chain(commands.map(|command| (command.id.as_str(), (command.log.as_str(), command.contents.as_slice()))))
        .collect();
    for replica in evidence.replicas {
        let mut places: HashMap<&str, Vec<Place<'_>>> = HashMap::new();
        for (name, log) in &replica.logs {
            for record in &log.records {
                places.entry(&record.id).or_default().push((name, record.offset, &record.content));
            }
        }
        for (id, found) in places {
            let Some((log, contents)) = sent.get(id) else {
                continue;
            };
            let first = found.first().map_or(0, |(_, offset, _)| *offset);
            let expected = (first..).zip(*contents).map(|(offset, content)| (*log, offset, content));
            if !found.iter().copied().eq(expected) {
                let at: Vec<(&str, u64)> = found.iter().map(|(log, offset, _)| (*log, *offset)).collect();
                let records = contents.len();
                report(format!("node {}: {id} with {records} records is at {at:?}", replica.node));
            }
        }
    }
}
