//! P1: every acknowledged id is at its acknowledged offset with its payload, on every replica, unless it was trimmed
//! away or went with its log or its space.

use std::collections::HashMap;

use super::{Property, Report};
use crate::history::{Content, Deleted, Few, Name};
use crate::oracle::{Evidence, LogDump};

pub(super) const PROPERTY: Property =
    Property { name: "P1", sentence: "what was acknowledged is there", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.acknowledged * evidence.replicas.len()
}

/// Records that are at their offsets for ever.
struct Promised {
    id: Name,
    log: Name,
    first: u64,
    contents: Few<Content>,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let operations = evidence.events.operations.iter().filter_map(|operation| {
        let (_, acknowledgement) = operation.acknowledged()?;
        let first = acknowledgement.place.first_offset;
        Some(Promised { id: operation.id, log: operation.log, first, contents: operation.contents })
    });
    let commands = evidence.events.commands.iter().flat_map(|command| {
        let placed = command.applied().into_iter().flat_map(|outcome| command.placed(outcome));
        let promised = |(log, first, contents)| Promised { id: command.id, log, first, contents: Few::from(contents) };
        placed.map(promised).collect::<Few<_>>()
    });
    let deleted = Deleted::of(evidence.events);
    let replicas: Vec<(u64, HashMap<Name, &LogDump>)> = evidence
        .different_replicas()
        .map(|replica| (replica.node, replica.logs.iter().map(|(name, log)| (Name::from(name), &**log)).collect()))
        .collect();
    for Promised { id, log: name, first, contents } in operations.chain(commands) {
        for (node, logs) in &replicas {
            let log = logs.get(&name);
            for (offset, content) in (first..).zip(&contents) {
                if log.is_some_and(|log| offset < log.start) || deleted.has_taken(name, offset) {
                    continue;
                }
                let found = log.and_then(|log| log.at(offset));
                if !found.is_some_and(|record| record.id == id && record.content == *content) {
                    report(format!(
                        "node {}: {id} was acknowledged at {name}/{offset}, where there is {:?}",
                        node,
                        found.map(|record| &record.id),
                    ));
                }
            }
        }
    }
}
