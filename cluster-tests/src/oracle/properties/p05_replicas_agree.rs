//! P5: equal digest at equal applied index, all through the run, and replicas that have applied the same hold the same.

use std::collections::BTreeMap;

use super::{Property, Report};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P5", sentence: "replicas that have applied the same are the same", judge };

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    digests_agree(evidence, report);
    contents_agree(evidence, report);
}

fn digests_agree(evidence: Evidence<'_>, report: &mut Report<'_>) {
    // A node that has applied nothing yet says 0, too, as one does that has applied the very first entry.
    let begun = evidence.events.statuses.iter().filter(|seen| seen.applied > 0);
    let statuses = begun.map(|seen| (seen.node, seen.applied, seen.digest.as_str()));
    let replicas = evidence.replicas.iter().flat_map(|replica| {
        let remembered = replica.remembered.iter().map(|(index, digest)| (*index, digest.as_str()));
        let all = remembered.chain([(replica.applied_index, replica.digest.as_str())]);
        all.map(|(index, digest)| (replica.node, index, digest))
    });
    let mut seen: BTreeMap<u64, (u64, &str)> = BTreeMap::new();
    for (node, index, digest) in statuses.chain(replicas) {
        if digest.is_empty() {
            report(format!("node {node} has no digest at {index}"));
        }
        let (other, first) = *seen.entry(index).or_insert((node, digest));
        if first != digest {
            report(format!("at {index}, node {other} has {first}, node {node} has {digest}"));
        }
    }
}

fn contents_agree(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let Some((first, others)) = evidence.replicas.split_first() else {
        report("there is no replica to judge".to_owned());
        return;
    };
    for other in others {
        if other.applied_index != first.applied_index {
            report(format!(
                "node {} is at {}, node {} at {}",
                first.node, first.applied_index, other.node, other.applied_index
            ));
        } else if other.logs != first.logs {
            let differing: Vec<&String> = (first.logs.keys().chain(other.logs.keys()))
                .filter(|name| first.logs.get(*name) != other.logs.get(*name))
                .collect();
            report(format!("nodes {} and {} differ in {differing:?}", first.node, other.node));
        }
    }
}
