//! P20: consumers that race handle each record once: in the order of outcomes each command of a reader begins where the
//! one before has ended, from 0 on, its effect is that of the records between, and every replica has the reader behind
//! the last. A reader that was deleted begins at 0 again.

use std::collections::BTreeMap;

use super::{Property, Report};
use crate::history::{Command, Content, Job};
use crate::oracle::Evidence;
use crate::sample;

pub(super) const PROPERTY: Property =
    Property { name: "P20", sentence: "consumers handle each record once", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let handled = evidence.events.commands.iter().filter(|command| matches!(command.job, Job::Handle { .. }));
    handled.filter(|command| command.applied().is_some()).count()
}

/// What was handled, and by which command, under its sequence. None: the reader was deleted.
type Handled = BTreeMap<u64, Option<(u64, u64, Command)>>;

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut readers: BTreeMap<(String, String), Handled> = BTreeMap::new();
    let mut doubtful = false;
    for command in &evidence.events.commands {
        let (reader, source, handled) = match &command.job {
            Job::Handle { reader, source, from, to } => (reader, source, Some((*from, *to))),
            Job::DeleteReader { reader, source } => (reader, source, None),
            _ => continue,
        };
        doubtful |= command.is_open();
        if let Some(sequence) = command.applied().map(|sealed| sealed.sequence) {
            let steps = readers.entry((reader.clone(), source.clone())).or_default();
            steps.insert(sequence, handled.map(|(from, to)| (from, to, command)));
        }
    }
    // Where nobody knows whether something was handled, nobody knows what comes next.
    for ((reader, source), handled) in readers.into_iter().filter(|_| !doubtful) {
        let mut next = None;
        for step in handled.values() {
            if let Some((from, _, command)) = step
                && *from != next.unwrap_or(0)
            {
                report(format!("{reader} came to {source}/{next:?}, and {} handled from {from}", command.id));
            }
            next = step.as_ref().map(|(_, to, _)| *to);
        }
        for replica in evidence.replicas {
            let position = replica.positions.get(&format!("{reader} in {source}")).map(|(offset, _)| *offset);
            if position != next {
                report(format!("node {} has {reader} at {position:?} of {source}, not at {next:?}", replica.node));
            }
            let Some(log) = replica.logs.get(&source) else {
                report(format!("node {} has no log {source}, which was handled", replica.node));
                continue;
            };
            for (from, to, command) in handled.values().flatten() {
                let effects = (*from..*to)
                    .map(|offset| log.at(offset).map(|record| Content::of(&sample::effect(offset, &record.id))));
                if !effects.eq(command.contents.iter().copied().map(Some)) {
                    report(format!("{} is not what becomes of {source}/{from} to {to}", command.id));
                }
            }
        }
    }
}
