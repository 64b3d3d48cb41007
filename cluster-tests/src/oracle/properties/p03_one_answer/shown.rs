//! What look-ups and pages show of an id, and what errors say of it.
//!
//! - A node answers looks from what it has applied, so a later look at the same node knows no less. A node that lost its
//!   data serves no look before it has got it back: no restart is an excuse.
//! - A record that was shown under an id is one of the places that the id was told.

use std::collections::HashMap;
use std::time::Duration;

use super::{Evidence, Report};
use crate::client::Failure;
use crate::history::{Answer, Fate, Few, Job, Name, Question, Wanted};

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    no_node_unlearns(evidence, report);
    records_are_where_they_were_told(evidence, report);
    errors_are_replays(evidence, report);
}

/// How much a node knew of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Knows {
    Nothing,
    Outcome,
    Undone,
}

/// What a look found.
#[derive(Debug, Clone, Copy)]
struct Look {
    invoked: Duration,
    completed: Duration,
    knows: Knows,
}

fn no_node_unlearns(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for ((node, _, id), mut looks) in looks(evidence).into_iter().filter(|(_, looks)| looks.len() > 1) {
        let mut by_completion = looks.clone();
        by_completion.sort_by_key(|look| look.completed);
        looks.sort_by_key(|look| look.invoked);
        let mut earlier = by_completion.into_iter().peekable();
        let mut most = Knows::Nothing;
        for look in looks {
            while let Some(before) = earlier.next_if(|before| before.completed < look.invoked) {
                most = most.max(before.knows);
            }
            match (most, look.knows) {
                (Knows::Outcome | Knows::Undone, Knows::Nothing) => {
                    report(format!("node {node} knew what became of {id}, and later did not"));
                }
                (Knows::Undone, Knows::Outcome) => {
                    report(format!("node {node} knew that {id} was undone, and later did not"));
                }
                _ => {}
            }
        }
    }
}

/// All looks, by node, space and id.
fn looks(evidence: Evidence<'_>) -> HashMap<(u64, Name, Name), Vec<Look>> {
    let mut looks: HashMap<(u64, Name, Name), Vec<Look>> = HashMap::new();
    for seen in &evidence.events.lookups {
        let knows = match seen.fate {
            Fate::Unknown => Knows::Nothing,
            Fate::TooOld => continue,
            Fate::Appended(_) | Fate::Other(_) => Knows::Outcome,
        };
        let look = Look { invoked: seen.invoked, completed: seen.completed, knows };
        looks.entry((seen.node, Name::default(), seen.id)).or_default().push(look);
    }
    for asked in &evidence.events.asked {
        let id = match &asked.question {
            Question::Fate(id) | Question::Wait { wanted: Wanted::Decided(id), .. } => id.text,
            _ => continue,
        };
        let knows = match &asked.answer {
            Answer::Unknown => Knows::Nothing,
            Answer::Decided { compensated_by: None, .. } => Knows::Outcome,
            Answer::Decided { compensated_by: Some(_), .. } => Knows::Undone,
            _ => continue,
        };
        let look = Look { invoked: asked.invoked, completed: asked.completed, knows };
        looks.entry((asked.node, asked.space, id)).or_default().push(look);
    }
    looks
}

/// Where the records of an id are, as it was told; none if it was not.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    log: Name,
    count: u32,
    first: u64,
}

fn records_are_where_they_were_told(evidence: Evidence<'_>, report: &mut Report<'_>) {
    if evidence.shown().next().is_none() {
        return;
    }
    let Places { first, further } = places(evidence);
    for (_, log, record) in evidence.shown() {
        let Some(told) = first.get(record.id.number()).filter(|told| told.count > 0) else { continue };
        let has =
            |told: &Told| told.log == log && (told.first..told.first + u64::from(told.count)).contains(&record.offset);
        if !has(told) && !further.get(&record.id).into_iter().flatten().any(has) {
            let place = told.first..told.first + u64::from(told.count);
            report(format!("{} was told {}/{place:?}, and is shown at {log}/{}", record.id, told.log, record.offset));
        }
    }
}

/// Where the records of all ids are.
struct Places {
    /// By the number of the id's name, in the log that it is for, or in the first of them.
    first: Vec<Told>,
    /// By id, in the further logs that a command is for.
    further: HashMap<Name, Few<Told>>,
}

fn places(evidence: Evidence<'_>) -> Places {
    let mut places = Places { first: vec![Told::default(); Name::count()], further: HashMap::new() };
    let mut tell = |id: Name, told: Told| match places.first.get_mut(id.number()) {
        Some(place) if place.count == 0 => *place = told,
        _ => places.further.entry(id).or_default().push(told),
    };
    for operation in &evidence.events.operations {
        if let Some((_, told)) = operation.acknowledged() {
            let (count, first) = (told.place.count, told.place.first_offset);
            tell(operation.id, Told { log: operation.log, count, first });
        }
    }
    // Of two contents of one id the other may be shown.
    for command in evidence.events.commands.iter().filter(|command| command.job != Job::Rival) {
        for (log, first, contents) in command.applied().into_iter().flat_map(|outcome| command.placed(outcome)) {
            let count = u32::try_from(contents.len()).expect("a command has few records");
            tell(command.id, Told { log, count, first });
        }
    }
    places
}

/// An append never decides that it is cancelled: an error with that outcome is always a replay, and says so.
fn errors_are_replays(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let is_no_replay = |failure: &Failure| {
        let says_so = failure.metadata.get("replayed").is_some_and(|replayed| replayed == "true");
        failure.reason == "CANCELLED" && failure.outcome.is_some() && !says_so
    };
    for operation in &evidence.events.operations {
        let mut failures = operation.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().err());
        if failures.any(is_no_replay) {
            report(format!("{} was refused as cancelled, which does not say that it is a replay", operation.id));
        }
    }
}
