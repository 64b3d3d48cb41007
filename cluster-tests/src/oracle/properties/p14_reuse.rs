//! P14: the same id with other content is refused as reuse, and changes nothing. Of two contents that were sent at once
//! one is done, the other refused, for ever.

use std::collections::{BTreeMap, HashSet};

use super::{Property, Report};
use crate::history::{Command, Content, Job, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P14", sentence: "an id is not used for something else", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.reuses.len() + rivals(evidence).len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    one_of_rivals_is_done(evidence, report);
    let reuses = &evidence.events.reuses;
    let mut contents: HashSet<(Name, Name, Content)> = HashSet::new();
    for reuse in reuses {
        match &reuse.answer {
            Ok(acknowledgement) => {
                report(format!("{} was used for something else, and answered {acknowledgement:?}", reuse.id));
            }
            // What is told for certain is that it was reuse; any other certainty would be a wrong one.
            Err(failure) if failure.is_about_the_command() && failure.reason != "ID_REUSED" => {
                report(format!("{} was used for something else, and refused as {}", reuse.id, failure.reason));
            }
            Err(_) => {}
        }
        contents.extend(reuse.contents.iter().map(|content| (reuse.id, reuse.log, *content)));
    }
    // Some of it may be what was sent first: the same records and one more.
    for operation in &evidence.events.operations {
        for content in &operation.contents {
            contents.remove(&(operation.id, operation.log, *content));
        }
    }
    for replica in evidence.replicas.iter().filter(|_| !reuses.is_empty()) {
        for (name, log) in &replica.logs {
            let log_name = Name::from(name);
            for record in &log.records {
                if contents.contains(&(record.id, log_name, record.content)) {
                    report(format!("node {}: the reuse of {} is at {name}/{}", replica.node, record.id, record.offset));
                }
            }
        }
    }
}

/// Commands that share an id, by their space and id.
fn rivals(evidence: Evidence<'_>) -> BTreeMap<(Name, Name), Vec<Command>> {
    let mut rivals: BTreeMap<(Name, Name), Vec<Command>> = BTreeMap::new();
    for command in evidence.events.commands.iter().filter(|command| command.job == Job::Rival) {
        rivals.entry((command.space, command.id)).or_default().push(command);
    }
    rivals
}

fn one_of_rivals_is_done(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut lost: HashSet<(Name, Name, Content)> = HashSet::new();
    for ((_, id), commands) in rivals(evidence) {
        let (done, others): (Vec<Command>, Vec<Command>) =
            commands.into_iter().partition(|command| command.decided().is_some());
        let is_reused = |command: &Command| reasons(command).any(|reason| reason == "ID_REUSED");
        if done.len() > 1 {
            report(format!("{id} was done with {} contents", done.len()));
        }
        if done.iter().any(is_reused) {
            report(format!("{id} was done, and the same was refused as reuse"));
        }
        if done.is_empty() && others.iter().all(is_reused) {
            report(format!("{id} was refused as reuse with every content, and nothing of it was done"));
        }
        if let Some(other) = others.iter().flat_map(reasons).find(|reason| *reason != "ID_REUSED") {
            report(format!("{id} was used for two things, and one of them refused as {other}"));
        }
        if let Some(done) = done.first() {
            let not_done = |log, content: &Content| log != done.log || !done.contents.contains(content);
            for command in &others {
                let contents = command.contents.iter().filter(|content| not_done(command.log, content));
                lost.extend(contents.map(|content| (id, command.log, *content)));
            }
        }
    }
    for replica in evidence.replicas.iter().filter(|_| !lost.is_empty()) {
        for (name, log) in &replica.logs {
            let name = Name::from(name);
            for record in log.records.iter().filter(|record| lost.contains(&(record.id, name, record.content))) {
                report(format!("node {}: the reuse of {} is at {name}/{}", replica.node, record.id, record.offset));
            }
        }
    }
}

/// Why the command itself was turned away.
fn reasons(command: &Command) -> impl Iterator<Item = &str> {
    let answers = command.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().err());
    answers.filter(|failure| failure.is_about_the_command()).map(|failure| failure.reason.as_str())
}
