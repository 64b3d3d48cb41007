//! P3: all acknowledgements of an id carry the same outcome, which is about what was sent; at most one is not a replay;
//! no two ids share an outcome. A look at a node that has shown an outcome never shows less later, nor another one; an
//! error with an outcome says whether it is a replay.

mod shown;

use std::collections::{HashMap, HashSet};

use super::{Property, Report};
use crate::client::Place;
use crate::history::{CancelTold, Command, Fate, Job, Name, Operation};
use crate::oracle::Evidence;
use crate::proto::outcome::Verdict;

pub(super) const PROPERTY: Property = Property { name: "P3", sentence: "an id has one answer", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.operations.iter().map(|operation| operation.acknowledgements().count()).sum()
}

/// An outcome's place, and whose outcome it is.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    space: Name,
    sequence: u64,
    id: Name,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut outcomes = Vec::with_capacity(evidence.events.operations.len() + evidence.events.commands.len());
    let mut is_known = vec![false; Name::count()];
    let mut come_twice = |id: Name| is_known.get_mut(id.number()).is_some_and(|known| std::mem::replace(known, true));
    for operation in &evidence.events.operations {
        if come_twice(operation.id) {
            report(format!("the history has {} twice, and can't be judged", operation.id));
        }
        acknowledgements_agree(&operation, report);
        outcomes_agree(&operation, report);
        outcomes.extend(told(&operation).next().map(|told| Outcome {
            space: Name::default(),
            sequence: told.sequence,
            id: operation.id,
        }));
    }
    for command in &evidence.events.commands {
        // Of two that were sent under one id at once, P14 says what must hold.
        if come_twice(command.id) && command.job != Job::Rival {
            report(format!("the history has {} twice, and can't be judged", command.id));
        }
        answers_agree(&command, report);
        outcomes.extend(command.decided().map(|(_, sealed)| Outcome {
            space: command.space,
            sequence: sealed.sequence,
            id: command.id,
        }));
    }
    outcomes.sort_unstable_by_key(|outcome| (outcome.space.number(), outcome.sequence, outcome.id.number()));
    for pair in outcomes.windows(2) {
        if let [one, other] = pair
            && (one.space, one.sequence) == (other.space, other.sequence)
        {
            report(format!("{} and {} share the outcome {}", one.id, other.id, one.sequence));
        }
    }
    drop(outcomes);
    what_is_looked_up_is_the_answer(evidence, report);
    shown::judge(evidence, report);
}

fn acknowledgements_agree(operation: &Operation, report: &mut Report<'_>) {
    let Some((_, first)) = operation.acknowledged() else {
        return;
    };
    if operation.acknowledgements().any(|other| other.place != first.place) {
        let places: Vec<Place> = operation.acknowledgements().map(|acknowledgement| acknowledgement.place).collect();
        report(format!("{}: {places:?}", operation.id));
    }
    let records = operation.contents.len();
    if usize::try_from(first.place.count).ok() != Some(records) {
        report(format!("{} has {records} records, and was told {:?}", operation.id, first.place));
    }
    let firsts = operation.acknowledgements().filter(|acknowledgement| !acknowledgement.replayed).count();
    if firsts > 1 {
        report(format!("{}: {firsts} attempts were told that they were the first", operation.id));
    }
}

/// What an append was told that it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    sequence: u64,
    history: u64,
    time_ms: u64,
    came_to: &'static str,
}

/// All that an append was told: by acknowledgements, by refusals that carry its outcome, and by cancels.
fn told(operation: &Operation) -> impl Iterator<Item = Told> {
    let acknowledged = operation.acknowledgements().map(|told| {
        let Place { sequence, history, time_ms, .. } = told.place;
        Told { sequence, history, time_ms, came_to: "applied" }
    });
    let failures = operation.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().err());
    let refused = failures.filter_map(|failure| failure.outcome.as_deref()).map(|outcome| {
        let came_to = match &outcome.verdict {
            Some(Verdict::Applied(_)) => "applied",
            Some(Verdict::Refused(_)) => "refused",
            Some(Verdict::Cancelled(_)) => "cancelled",
            None => "nothing",
        };
        Told { sequence: outcome.sequence, history: outcome.history, time_ms: outcome.time_ms, came_to }
    });
    let cancels = operation.cancels.iter().map(|told| {
        let CancelTold { sequence, history, time_ms, .. } = *told;
        Told { sequence, history, time_ms, came_to: "cancelled" }
    });
    acknowledged.chain(refused).chain(cancels)
}

fn outcomes_agree(operation: &Operation, report: &mut Report<'_>) {
    let mut all = told(operation);
    let Some(first) = all.next() else { return };
    // Of two places of records more is said where acknowledgements are compared.
    if let Some(other) = all.find(|other| *other != first && (first.came_to, other.came_to) != ("applied", "applied")) {
        report(format!("{} came to {first:?}, and to {other:?}", operation.id));
    }
}

fn answers_agree(command: &Command, report: &mut Report<'_>) {
    let Some((_, sealed)) = command.decided() else {
        return;
    };
    if let Some(other) = command.answers().find(|decided| decided.sealed != *sealed) {
        report(format!("{} came to {sealed:?}, and to {:?}", command.id, other.sealed));
    }
    let firsts = command.answers().filter(|decided| !decided.replayed).count();
    if firsts > 1 {
        report(format!("{}: {firsts} attempts were told that they were the first", command.id));
    }
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
            Fate::Appended(place) => !operation.is_cancelled() && told.is_none_or(|told| told == *place),
            Fate::Other(_) => operation.doubted && told.is_none(),
        };
        if !agrees {
            report(format!("node {} looked up {} as {:?}; it was told {told:?}", seen.node, seen.id, seen.fate));
        }
    }
}
