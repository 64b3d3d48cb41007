//! P3: all acknowledgements of an id carry the same outcome, which is about what was sent; at most one is not a replay;
//! no two ids share an outcome.

use std::collections::{HashMap, HashSet};

use super::{Property, Report};
use crate::client::Place;
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P3", sentence: "an id has one answer", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.operations.iter().map(|operation| operation.acknowledgements().count()).sum()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut sequences: HashMap<u64, &str> = HashMap::new();
    let mut ids = HashSet::new();
    for operation in &evidence.events.operations {
        if !ids.insert(operation.id.as_str()) {
            report(format!("the history has {} twice, and can't be judged", operation.id));
        }
        let Some((_, first)) = operation.acknowledged() else {
            continue;
        };
        let places: Vec<Place> = operation.acknowledgements().map(|acknowledgement| acknowledgement.place).collect();
        if places.iter().any(|place| *place != first.place) {
            report(format!("{}: {places:?}", operation.id));
        }
        if usize::try_from(first.place.count).ok() != Some(operation.contents.len()) {
            report(format!(
                "{} has {} records, and was told {:?}",
                operation.id,
                operation.contents.len(),
                first.place
            ));
        }
        let firsts = operation.acknowledgements().filter(|acknowledgement| !acknowledgement.replayed).count();
        if firsts > 1 {
            report(format!("{}: {firsts} attempts were told that they were the first", operation.id));
        }
        if let Some(other) = sequences.insert(first.place.sequence, &operation.id) {
            report(format!("{other} and {} share the outcome {}", operation.id, first.place.sequence));
        }
    }
}
