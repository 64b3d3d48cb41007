//! P10: failed operations never appear: neither what every attempt was told has no effect, nor what was
//! cancelled or refused. No replica has them in the end, and no reader and no look-up ever did.

use std::collections::HashSet;

use super::{Property, Report};
use crate::client::Failure;
use crate::history::{Answer, Command, Fate, Job, Name, Operation, Question};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P10", sentence: "what failed or was cancelled is nowhere", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    never(evidence).count()
}

/// The ids that must have come to nothing.
fn never(evidence: Evidence<'_>) -> impl Iterator<Item = Name> {
    let operations = evidence.events.operations.iter();
    let operations = operations.filter(|operation| operation.failed() || operation.is_cancelled());
    // What was refused has come to nothing, too. What lost against another content of its id may be there as that.
    let refused =
        |command: &Command| command.failed() || command.decided().is_some_and(|(_, sealed)| !sealed.is_applied());
    let commands = evidence.events.commands.iter().filter(|command| command.job != Job::Rival).filter(refused);
    operations.map(|operation| operation.id).chain(commands.map(|command| command.id))
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let operations = &evidence.events.operations;
    let ids: HashSet<Name> = never(evidence).collect();
    for replica in evidence.replicas {
        for (name, log) in &replica.logs {
            for record in log.records.iter().filter(|record| ids.contains(&record.id)) {
                report(format!("node {}: {} at {name}/{}", replica.node, record.id, record.offset));
            }
        }
    }
    seen(evidence, &ids, report);
    for operation in operations.iter().filter(|operation| !operation.doubted && !operation.is_cancelled()) {
        let is_refused = |answer: &Result<_, Failure>| matches!(answer, Err(failure) if failure.reason == "CANCELLED");
        if operation.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()).any(is_refused) {
            report(format!("{} was refused as cancelled, and nobody has cancelled it", operation.id));
        }
    }
    for operation in operations.iter().filter(Operation::is_cancelled) {
        if let Some((_, acknowledgement)) = operation.acknowledged() {
            report(format!("{} was cancelled and is at {}", operation.id, acknowledgement.place.first_offset));
        }
    }
}

/// What must have come to nothing was never seen either.
fn seen(evidence: Evidence<'_>, ids: &HashSet<Name>, report: &mut Report<'_>) {
    let events = evidence.events;
    for (node, log, record) in evidence.shown().filter(|(.., record)| ids.contains(&record.id)) {
        report(format!("node {node} showed {} at {log}/{}", record.id, record.offset));
    }
    for look in &events.lookups {
        if matches!(look.fate, Fate::Appended(_)) && ids.contains(&look.id) {
            report(format!("node {} looked up {} as {:?}", look.node, look.id, look.fate));
        }
    }
    for asked in &events.asked {
        if let (Question::Fate(id), Answer::Decided { outcome, .. }) = (&asked.question, &asked.answer)
            && outcome.is_applied()
            && ids.contains(&id.text)
        {
            report(format!("node {} looked up {} as applied", asked.node, id.text));
        }
    }
}
