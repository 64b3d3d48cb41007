//! P5: equal digest at equal applied index, all through the run, no node that says that others differ, and replicas that have
//! applied the same hold the same.

use std::collections::{BTreeMap, BTreeSet};

use super::{Property, Report};
use crate::history::{Alarming, Name};
use crate::oracle::{Dump, Evidence};
use crate::tables::{Table, Tables, describe, hex};

pub(super) const PROPERTY: Property =
    Property { name: "P5", sentence: "replicas that have applied the same are the same", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    // A digest says something only beside another one.
    let digests = digests(evidence);
    let nodes: BTreeMap<u64, BTreeSet<u64>> = digests.fold(BTreeMap::new(), |mut nodes, (node, index, _)| {
        nodes.entry(index).or_default().insert(node);
        nodes
    });
    nodes.values().map(|nodes| nodes.len() - 1).sum()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    nobody_disagrees(evidence, report);
    digests_agree(evidence, report);
    contents_agree(evidence, report);
}

/// Node, index, digest: all that were seen.
fn digests(evidence: Evidence<'_>) -> impl Iterator<Item = (u64, u64, Name)> {
    // A node that has applied nothing yet says 0, too, as one does that has applied the very first entry.
    let begun = evidence.events.statuses.iter().filter(|seen| seen.applied > 0);
    let statuses = begun.map(|seen| (seen.node, seen.applied, Name::of(&seen.digest)));
    let replicas = evidence.replicas.iter().flat_map(|replica| {
        let remembered = replica.remembered.iter().map(|(index, digest)| (*index, Name::of(digest)));
        let all = remembered.chain([(replica.applied_index, Name::of(&replica.digest))]);
        all.map(|(index, digest)| (replica.node, index, digest))
    });
    statuses.chain(replicas)
}

fn nobody_disagrees(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for alarm in evidence.events.alarms.iter().filter(|alarm| alarm.what == Alarming::Disagrees) {
        report(format!("{:?} after the start node {} said: {}", alarm.at, alarm.node, alarm.said));
    }
}

fn digests_agree(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<u64, (u64, Name)> = BTreeMap::new();
    for (node, index, digest) in digests(evidence) {
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
        // P12 says it of a run that broke off, and an alarm is raised before anybody looks.
        if evidence.events.broken_off.is_none() && evidence.events.alarms.is_empty() {
            report("there is no replica to judge".to_owned());
        }
        return;
    };
    for other in others {
        if other.applied_index != first.applied_index {
            report(format!(
                "node {} is at {}, node {} at {}",
                first.node, first.applied_index, other.node, other.applied_index
            ));
            continue;
        }
        if other.logs != first.logs {
            let differing: Vec<&String> = (first.logs.keys().chain(other.logs.keys()))
                .filter(|name| first.logs.get(*name) != other.logs.get(*name))
                .collect();
            report(format!("nodes {} and {} differ in {differing:?}", first.node, other.node));
        }
        match (&first.tables, &other.tables) {
            (Some(ours), Some(theirs)) => tables_agree((first.node, ours), (other.node, theirs), report),
            (None, None) => made_by_hand_agree(first, other, report),
            _ => report(format!("the tables of one of the nodes {} and {} were not read", first.node, other.node)),
        }
    }
}

/// Byte for byte: every row of every table.
fn tables_agree((one, ours): (u64, &Tables), (other, theirs): (u64, &Tables), report: &mut Report<'_>) {
    for table in Table::ALL {
        for difference in ours.rows(table).differences(theirs.rows(table)) {
            let key = hex(difference.key);
            let said = |value: Option<&[u8]>| {
                value.map_or_else(|| "no such row".to_owned(), |value| describe(table, difference.key, value))
            };
            let (our, their) = (said(difference.one), said(difference.other));
            let name = table.name();
            report(format!("table {name}, key {key}: node {one} has {our}, node {other} has {their}"));
        }
    }
    let (our, their) = (ours.sums(), theirs.sums());
    if our != their {
        report(format!(
            "table records: node {one} has {} rows with the hash {}, node {other} has {} with {}",
            our.count, our.hash, their.count, their.hash
        ));
    }
}

/// What replicas without tables have beside logs.
fn made_by_hand_agree(first: &Dump, other: &Dump, report: &mut Report<'_>) {
    let differ = [
        ("spaces", other.spaces != first.spaces),
        ("cells", other.cells != first.cells),
        ("positions of readers", other.positions != first.positions),
        ("locks", other.locks != first.locks),
    ];
    for (what, _) in differ.iter().filter(|(_, differs)| *differs) {
        report(format!("nodes {} and {} differ in {what}", first.node, other.node));
    }
}
