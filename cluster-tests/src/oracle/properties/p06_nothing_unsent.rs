//! P6: no record without an earlier invoke, and no bytes that nobody sent.
//!
//! Nearly every record is the first that its id was sent with. Half of a hash tells that for certain: what else could have
//! it was sent under the same id. Only the others are looked for among all that was sent.

use std::collections::HashSet;

use super::{Property, Report};
use crate::history::{Content, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P6", sentence: "nothing unsent is there", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.records()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut first: Vec<u64> = vec![0; Name::count()];
    for_each_sent(evidence, |id, contents| {
        if let (Some(place), Some(content)) = (first.get_mut(id.number()), contents.first()) {
            *place = content.hash.short();
        }
    });
    let is_first = |id: Name, content: Content| first.get(id.number()) == Some(&content.hash.short());
    let mut others: HashSet<(Name, Content)> = HashSet::new();
    for replica in evidence.different_replicas() {
        for record in replica.logs.values().flat_map(|log| &log.records) {
            if !is_first(record.id, record.content) {
                others.insert((record.id, record.content));
            }
        }
    }
    for_each_sent(evidence, |id, contents| {
        for content in contents {
            others.remove(&(id, *content));
        }
    });
    drop(first);
    for replica in evidence.different_replicas().filter(|_| !others.is_empty()) {
        for (name, log) in &replica.logs {
            for record in log.records.iter().filter(|record| others.contains(&(record.id, record.content))) {
                report(format!(
                    "node {}: {name}/{} has {:?}, {} bytes",
                    replica.node, record.offset, record.id, record.content.bytes
                ));
            }
        }
    }
}

/// Each id that was sent, and with what.
fn for_each_sent(evidence: Evidence<'_>, mut take: impl FnMut(Name, &[Content])) {
    for operation in evidence.events.operations.iter().filter(|operation| operation.invoked().is_some()) {
        take(operation.id, &operation.contents);
    }
    for command in evidence.events.commands.iter().filter(|command| command.invoked().is_some()) {
        for (_, contents) in command.parts() {
            take(command.id, contents);
        }
    }
}
