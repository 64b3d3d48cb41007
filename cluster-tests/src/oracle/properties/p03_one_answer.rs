//! P3: all acknowledgements of an id carry the same outcome, which is about what was sent; at most one is not a replay;
//! no two ids share an outcome.

use std::collections::{HashMap, HashSet};

use super::{Property, Report};
use crate::client::Place;
use crate::history::{Fate, Name, Operation};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P3", sentence: "an id has one answer", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.operations.iter().map(|operation| operation.acknowledgements().count()).sum()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut sequences: HashMap<(Name, u64), Name> = HashMap::new();
    let mut ids = HashSet::new();
    for operation in &evidence.events.operations {
        if !ids.insert(operation.id) {
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
        if let Some(other) = sequences.insert((Name::default(), first.place.sequence), operation.id) {
            report(format!("{other} and {} share the outcome {}", operation.id, first.place.sequence));
        }
    }
    for command in &evidence.events.commands {
        if !ids.insert(command.id) {
            report(format!("the history has {} twice, and can't be judged", command.id));
        }
        let Some((_, sealed)) = command.decided() else {
            continue;
        };
        if let Some(other) = command.answers().find(|decided| decided.sealed != *sealed) {
            report(format!("{} came to {sealed:?}, and to {:?}", command.id, other.sealed));
        }
        let firsts = command.answers().filter(|decided| !decided.replayed).count();
        if firsts > 1 {
            report(format!("{}: {firsts} attempts were told that they were the first", command.id));
        }
        if let Some(other) = sequences.insert((command.space, sealed.sequence), command.id) {
            report(format!("{other} and {} share the outcome {}", command.id, sealed.sequence));
        }
    }
    what_is_looked_up_is_the_answer(evidence, report);
}

fn what_is_looked_up_is_the_answer(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let looked_up: HashSet<Name> = evidence.events.lookups.iter().map(|seen| seen.id).collect();
    let operations = evidence.events.operations.iter().filter(|operation| looked_up.contains(&operation.id));
    let by_id: HashMap<Name, Operation> = operations.map(|operation| (operation.id, operation)).collect();
    for seen in &evidence.events.lookups {
        let Some(operation) = by_id.get(&seen.id) else {
            report(format!("{} was looked up, and nobody has made it", seen.id));
            continue;
        };
        let told = operation.acknowledged().map(|(_, acknowledgement)| acknowledgement.place);
        let agrees = match &seen.fate {
            Fate::Unknown => true,
            // `main` never forgets.
            Fate::TooOld => false,
            Fate::Appended(place) => !operation.cancelled && told.is_none_or(|told| told == *place),
            Fate::Other(_) => operation.doubted && told.is_none(),
        };
        if !agrees {
            report(format!("node {} looked up {} as {:?}; it was told {told:?}", seen.node, seen.id, seen.fate));
        }
    }
}
