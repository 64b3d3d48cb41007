//! P11: the id and bytes at an offset never change once somebody has seen them.

use std::collections::HashMap;

use super::{Property, Report};
use crate::history::{Deleted, Name, RecordShown};
use crate::oracle::{Evidence, LogDump};

pub(super) const PROPERTY: Property = Property { name: "P11", sentence: "what was seen never changes", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.shown().count()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let deleted = Deleted::of(evidence.events);
    let replicas: Vec<(u64, HashMap<Name, &LogDump>)> = evidence
        .different_replicas()
        .map(|replica| (replica.node, replica.logs.iter().map(|(name, log)| (Name::from(name), &**log)).collect()))
        .collect();
    // What no replica has any more is laid beside what else was shown there.
    let mut gone: Vec<(Name, RecordShown)> = Vec::new();
    for (node, log, record) in evidence.shown() {
        let RecordShown { offset, id, hash } = record;
        let (mut stays, mut another) = (false, None);
        for (replica, logs) in &replicas {
            let kept = logs.get(&log);
            if kept.is_some_and(|kept| offset < kept.start) || deleted.has_taken(log, offset) {
                continue;
            }
            stays = true;
            let same = kept.and_then(|kept| kept.at(offset));
            if !same.is_some_and(|kept| kept.id == id && kept.content.hash.quarter() == hash) {
                another = another.or(Some(*replica));
            }
        }
        if let Some(replica) = another {
            report(format!("node {node} showed {id} at {log}/{offset}, and there is another on node {replica}"));
        }
        if !stays {
            gone.push((log, record));
        }
    }
    gone.sort_unstable_by_key(|(log, RecordShown { offset, id, hash })| (log.number(), *offset, id.number(), *hash));
    for pair in gone.windows(2) {
        if let [(log, one), (same, other)] = pair
            && (log, one.offset) == (same, other.offset)
            && one != other
        {
            report(format!("{log}/{} was shown as {}, and as {}", one.offset, one.id, other.id));
        }
    }
}
