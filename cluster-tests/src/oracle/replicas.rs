//! What holds of the replicas themselves.

use std::collections::{BTreeMap, HashMap};

use super::{Dump, Report};
use crate::history::{Events, Operation};

/// Where a record is, and what it holds: log, offset, bytes.
type Place<'a> = (&'a str, u64, &'a [u8]);

/// From a log's start to its end there is one record at each offset.
pub(super) fn offsets_are_dense(dumps: &[Dump], report: &mut Report<'_>) {
    for dump in dumps {
        for (name, log) in &dump.logs {
            let expected = log.start..log.end;
            if !log.records.iter().map(|record| record.offset).eq(expected.clone()) {
                let found: Vec<u64> = log.records.iter().map(|record| record.offset).collect();
                let gap = expected.clone().find(|offset| !found.contains(offset));
                let what = format!("node {}, log {name}: {expected:?} expected, first missing {gap:?}", dump.node);
                report("offsets are dense", what);
            }
            if log.start != 0 {
                report("nothing goes", format!("node {}, log {name} starts at {}", dump.node, log.start));
            }
        }
    }
}

/// What two nodes have applied up to the same entry is the same.
pub(super) fn digests_agree(dumps: &[Dump], report: &mut Report<'_>) {
    let mut seen: BTreeMap<u64, (u64, &str)> = BTreeMap::new();
    for dump in dumps {
        let remembered = dump.remembered.iter().map(|(index, digest)| (*index, digest.as_str()));
        for (index, digest) in remembered.chain([(dump.applied_index, dump.digest.as_str())]) {
            if digest.is_empty() {
                report("digests agree", format!("node {} has no digest at {index}", dump.node));
            }
            let (node, first) = *seen.entry(index).or_insert((dump.node, digest));
            if first != digest {
                report(
                    "digests agree",
                    format!("at {index}, node {node} has {first}, node {} has {digest}", dump.node),
                );
            }
        }
    }
}

/// Replicas that have applied the same entries hold the same.
pub(super) fn contents_are_the_same(dumps: &[Dump], report: &mut Report<'_>) {
    let Some((first, others)) = dumps.split_first() else {
        report("every replica is judged", "there is none".to_owned());
        return;
    };
    for other in others {
        if other.applied_index != first.applied_index {
            let what = format!(
                "node {} at {}, node {} at {}",
                first.node, first.applied_index, other.node, other.applied_index
            );
            report("replicas reach the same entry", what);
        } else if other.logs != first.logs {
            let differing: Vec<&String> = (first.logs.keys().chain(other.logs.keys()))
                .filter(|name| first.logs.get(*name) != other.logs.get(*name))
                .collect();
            report(
                "replicas hold the same",
                format!("nodes {} and {} differ in {differing:?}", first.node, other.node),
            );
        }
    }
}

/// Each record was sent, with these bytes and to this log; each command is there in full or not at all, in one piece,
/// and at most once.
pub(super) fn nothing_is_there_twice_or_unsent(events: &Events, dumps: &[Dump], report: &mut Report<'_>) {
    let sent: HashMap<&str, &Operation> =
        events.operations.iter().map(|operation| (operation.id.as_str(), operation)).collect();
    for dump in dumps {
        let mut places: HashMap<&str, Vec<Place<'_>>> = HashMap::new();
        for (name, log) in &dump.logs {
            for record in &log.records {
                places.entry(&record.id).or_default().push((name, record.offset, &record.payload));
            }
        }
        for (id, found) in places {
            let Some(operation) = sent.get(id).filter(|operation| operation.invoked().is_some()) else {
                report("nothing unsent is there", format!("node {}: {id:?} at {:?}", dump.node, found.first()));
                continue;
            };
            let first = found.first().map_or(0, |(_, offset, _)| *offset);
            let expected = (first..)
                .zip(&operation.payloads)
                .map(|(offset, payload)| (operation.log.as_str(), offset, payload.as_ref()));
            if !found.iter().copied().eq(expected) {
                let at: Vec<(&str, u64)> = found.iter().map(|(log, offset, _)| (*log, *offset)).collect();
                let what = format!("node {}: {id} with {} records is at {at:?}", dump.node, operation.payloads.len());
                report("every id is there once and whole, or not at all", what);
            }
        }
    }
}
