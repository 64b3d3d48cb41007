//! What was promised to clients.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::{Dump, Report};
use crate::client::Place;
use crate::history::{Events, Operation};

/// What was acknowledged is where it was said to be, on every replica.
pub(super) fn acknowledged_is_there(events: &Events, dumps: &[Dump], report: &mut Report<'_>) {
    for dump in dumps {
        for operation in &events.operations {
            let Some((_, acknowledgement)) = operation.acknowledged() else {
                continue;
            };
            let first = acknowledgement.place.first_offset;
            let log = dump.logs.get(&operation.log);
            for (offset, payload) in (first..).zip(&operation.payloads) {
                let found = log.and_then(|log| {
                    let position = usize::try_from(offset.checked_sub(log.start)?).ok()?;
                    log.records.get(position)
                });
                if !found.is_some_and(|record| record.id == operation.id && record.payload == *payload) {
                    let what = format!(
                        "node {}: {} was acknowledged at {}/{offset}, where there is {:?}",
                        dump.node,
                        operation.id,
                        operation.log,
                        found.map(|record| &record.id),
                    );
                    report("what was acknowledged is there", what);
                }
            }
        }
    }
}

/// All acknowledgements of an id name the same place, at most one is the first, and no two ids share a place.
pub(super) fn one_answer_for_an_id(events: &Events, report: &mut Report<'_>) {
    let mut sequences: HashMap<u64, &str> = HashMap::new();
    let mut ids = HashSet::new();
    for operation in &events.operations {
        if !ids.insert(operation.id.as_str()) {
            report("a history has each id once", operation.id.clone());
        }
        let Some((_, first)) = operation.acknowledged() else {
            continue;
        };
        let places: Vec<Place> = operation.acknowledgements().map(|acknowledgement| acknowledgement.place).collect();
        if places.iter().any(|place| *place != first.place) {
            report("an id has one answer", format!("{}: {places:?}", operation.id));
        }
        if usize::try_from(first.place.count).ok() != Some(operation.payloads.len()) {
            report("an answer is about what was sent", format!("{}: {:?}", operation.id, first.place));
        }
        let firsts = operation.acknowledgements().filter(|acknowledgement| !acknowledgement.replayed).count();
        if firsts > 1 {
            report(
                "an id is decided once",
                format!("{}: {firsts} attempts were told that they were the first", operation.id),
            );
        }
        if let Some(other) = sequences.insert(first.place.sequence, &operation.id) {
            report(
                "outcomes have numbers of their own",
                format!("{other} and {}: {}", operation.id, first.place.sequence),
            );
        }
    }
}

/// What was acknowledged before something else was sent comes before it in their log.
pub(super) fn order_is_real_time(events: &Events, report: &mut Report<'_>) {
    let mut logs: BTreeMap<&str, Vec<(Duration, Duration, u64, &Operation)>> = BTreeMap::new();
    for operation in &events.operations {
        if let (Some(invoked), Some((completed, acknowledgement))) = (operation.invoked(), operation.acknowledged()) {
            let row = (invoked, completed, acknowledgement.place.first_offset, operation);
            logs.entry(&operation.log).or_default().push(row);
        }
    }
    for rows in logs.values_mut() {
        let mut by_completion = rows.clone();
        by_completion.sort_by_key(|(_, completed, ..)| *completed);
        rows.sort_by_key(|(invoked, ..)| *invoked);
        let mut earlier = by_completion.iter().peekable();
        let mut greatest: Option<(u64, &Operation)> = None;
        for (invoked, _, offset, operation) in rows.iter() {
            while let Some((_, _, before, by)) = earlier.next_if(|(_, completed, ..)| completed < invoked) {
                if greatest.is_none_or(|(offset, _)| offset < *before) {
                    greatest = Some((*before, by));
                }
            }
            if let Some((before, by)) = greatest.filter(|(before, _)| before >= offset) {
                let what =
                    format!("{} at {before} was acknowledged before {} at {offset} was sent", by.id, operation.id);
                report("order is real time", what);
            }
        }
    }
}

/// What failed for certain is nowhere.
pub(super) fn failed_never_appears(events: &Events, dumps: &[Dump], report: &mut Report<'_>) {
    let failed = events.operations.iter().filter(|operation| operation.failed());
    nowhere("what failed is nowhere", failed, dumps, report);
}

/// What was cancelled is nowhere, and nobody was told that it took effect.
pub(super) fn cancelled_never_appears(events: &Events, dumps: &[Dump], report: &mut Report<'_>) {
    let cancelled = || events.operations.iter().filter(|operation| operation.cancelled);
    nowhere("what was cancelled is nowhere", cancelled(), dumps, report);
    for operation in cancelled() {
        if let Some((_, acknowledgement)) = operation.acknowledged() {
            let what = format!("{} was cancelled and is at {}", operation.id, acknowledgement.place.first_offset);
            report("an id is applied or cancelled", what);
        }
    }
}

fn nowhere<'a>(
    property: &'static str,
    operations: impl Iterator<Item = &'a Operation>,
    dumps: &[Dump],
    report: &mut Report<'_>,
) {
    let ids: HashSet<&str> = operations.map(|operation| operation.id.as_str()).collect();
    for dump in dumps {
        for (name, log) in &dump.logs {
            for record in log.records.iter().filter(|record| ids.contains(record.id.as_str())) {
                report(property, format!("node {}: {} at {name}/{}", dump.node, record.id, record.offset));
            }
        }
    }
}
