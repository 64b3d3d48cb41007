//! P15: past the floor of its space's memory an id is too old for ever: what was not run before is never run. Before
//! that it is not too old: nothing is called so that is younger than the space's memory, less the bucket that the floor
//! moves by.
//!
//! A node that is behind, and has not forgotten the id yet, may still say what became of it: that is a replay, and of an
//! attempt that was sent before. The node that said that it is too old says nothing else later.

mod early;
mod memories;

pub(super) use early::called;
pub(super) use memories::Memories;

use std::time::Duration;

use super::{Property, Report};
use crate::client::{Effect, Failure};
use crate::history::{Command, Name, Operation};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P15", sentence: "what is too old stays so", judge, judged };

/// An attempt of either kind.
struct Attempt {
    node: u64,
    invoked: Duration,
    completed: Option<Duration>,
    said: Said,
}

/// What is of interest in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    TooOld,
    Replayed,
    First,
    NoEffect,
    Unknown,
}

fn judged(evidence: Evidence<'_>) -> usize {
    let after = |attempts: Vec<Attempt>| first_refused(&attempts).map_or(0, |at| sent_after(&attempts, at).count());
    attempts(evidence).map(|(_, attempts)| after(attempts)).sum::<usize>() + called(evidence).len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    early::judge(evidence, report);
    for (id, attempts) in attempts(evidence) {
        let Some(at) = first_refused(&attempts) else { continue };
        let may_have_run = attempts
            .iter()
            .any(|attempt| attempt.invoked < at && !matches!(attempt.said, Said::TooOld | Said::NoEffect));
        for attempt in sent_after(&attempts, at) {
            let node = attempt.node;
            match attempt.said {
                Said::First => report(format!("{id} was too old, and then node {node} ran it")),
                Said::Replayed if !may_have_run => {
                    report(format!(
                        "{id} was too old when it had never been sent before, and then node {node} knew it"
                    ));
                }
                Said::Replayed if forgotten_by(&attempts, node, attempt.invoked) => {
                    report(format!("node {node} said that {id} was too old, and then knew it"));
                }
                _ => {}
            }
        }
    }
}

/// Whether the node had said before that the id is too old.
fn forgotten_by(attempts: &[Attempt], node: u64, before: Duration) -> bool {
    let said = attempts.iter().filter(|attempt| attempt.node == node && attempt.said == Said::TooOld);
    said.filter_map(|attempt| attempt.completed).any(|completed| completed < before)
}

/// When any node first said that it is too old.
fn first_refused(attempts: &[Attempt]) -> Option<Duration> {
    let refused = attempts.iter().filter(|attempt| attempt.said == Said::TooOld);
    refused.filter_map(|attempt| attempt.completed).min()
}

fn sent_after(attempts: &[Attempt], at: Duration) -> impl Iterator<Item = &Attempt> {
    attempts.iter().filter(move |attempt| attempt.invoked > at)
}

/// Of every id that somebody said to be too old.
fn attempts(evidence: Evidence<'_>) -> impl Iterator<Item = (Name, Vec<Attempt>)> {
    let is_too_old = |failure: &Failure| failure.reason == "ID_TOO_OLD";
    let operations = evidence.events.operations.iter().filter(move |operation| {
        operation.attempts.iter().any(|attempt| matches!(&attempt.answer, Some(Err(failure)) if is_too_old(failure)))
    });
    let commands = evidence.events.commands.iter().filter(|command| command.too_old().is_some());
    operations
        .map(|operation| (operation.id, of_append(&operation)))
        .chain(commands.map(|command| (command.id, of_command(&command))))
}

fn of_append(operation: &Operation) -> Vec<Attempt> {
    let attempts = operation.attempts.iter().map(|attempt| {
        let answer = attempt.answer.as_ref().map(|answer| answer.as_ref().map(|told| told.replayed));
        Attempt { node: attempt.node, invoked: attempt.invoked, completed: attempt.completed, said: said(answer) }
    });
    attempts.collect()
}

fn of_command(command: &Command) -> Vec<Attempt> {
    let attempts = command.attempts.iter().map(|attempt| {
        let answer = attempt.answer.as_ref().map(|answer| answer.as_ref().map(|told| told.replayed));
        Attempt { node: attempt.node, invoked: attempt.invoked, completed: attempt.completed, said: said(answer) }
    });
    attempts.collect()
}

fn said(answer: Option<Result<bool, &Failure>>) -> Said {
    match answer {
        Some(Ok(true)) => Said::Replayed,
        Some(Ok(false)) => Said::First,
        Some(Err(failure)) if failure.reason == "ID_TOO_OLD" => Said::TooOld,
        Some(Err(failure)) if failure.effect == Effect::None => Said::NoEffect,
        Some(Err(_)) | None => Said::Unknown,
    }
}
