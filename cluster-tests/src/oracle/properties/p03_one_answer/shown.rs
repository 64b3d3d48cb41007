//! What look-ups and pages show of an id, and what errors say of it.
//!
//! - A node answers looks from what it has applied, so a later look at the same node knows no less. A node that lost its
//!   data serves no look before it has got it back: no restart is an excuse.
//! - A record that was shown under an id is one of the places that the id was told.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use super::{Evidence, Report};
use crate::client::Failure;
use crate::command::log_in;
use crate::history::{Answer, Fate, Got, Job, Name, Question, Sealed, Wanted};

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

fn records_are_where_they_were_told(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let shown = shown(evidence);
    let mut compare = |id: Name, log: Name, told: Range<u64>| {
        for (shown_log, offset) in shown.get(&id).into_iter().flatten() {
            if *shown_log != log || !told.contains(offset) {
                report(format!("{id} was told {log}/{told:?}, and is shown at {shown_log}/{offset}"));
            }
        }
    };
    for operation in evidence.events.operations.iter().filter(|operation| shown.contains_key(&operation.id)) {
        if let Some((_, told)) = operation.acknowledged() {
            let (first, count) = (told.place.first_offset, u64::from(told.place.count));
            compare(operation.id, operation.log, first..first + count);
        }
    }
    let commands = evidence.events.commands.iter();
    // Of two contents of one id the other may be shown.
    for command in commands.filter(|command| command.job != Job::Rival && shown.contains_key(&command.id)) {
        let appended = command.applied().into_iter().flat_map(Sealed::got).find_map(|got| match got {
            Got::Appended { first_offset, count } => Some(*first_offset..first_offset + u64::from(*count)),
            _ => None,
        });
        if let Some(told) = appended {
            compare(command.id, command.log, told);
        }
    }
}

/// Where each id was shown to have records.
fn shown(evidence: Evidence<'_>) -> HashMap<Name, HashSet<(Name, u64)>> {
    let events = evidence.events;
    let locals = events.locals.iter().map(|seen| (seen.log, seen.records));
    let pages = events.pages.iter().map(|seen| (seen.log, seen.records));
    let asked = events.asked.iter().filter_map(|asked| match (asked.question, asked.answer) {
        (Question::Records { log, .. }, Answer::Records { records, .. }) => {
            Some((Name::from(log_in(&asked.space, &log)), records))
        }
        _ => None,
    });
    let mut shown: HashMap<Name, HashSet<(Name, u64)>> = HashMap::new();
    for (log, records) in locals.chain(pages).chain(asked) {
        for record in records {
            shown.entry(record.id).or_default().insert((log, record.offset));
        }
    }
    shown
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
