//! How much of what clients were meant to do they have done.

use super::{Attempt, Command, Events, Job, Operation};

/// Counts what was done.
type Count = fn(&Events) -> usize;

/// All that clients do, by its name, and how to count what had a result.
pub const WORKLOADS: [(&str, Count); 13] = [
    ("appends", |events| operations(events, |it| it.attempts.iter().any(|attempt| is_ok(attempt, false)))),
    ("streamed appends", |events| operations(events, |it| it.attempts.iter().any(|attempt| is_ok(attempt, true)))),
    ("ids sent by several at once", |events| operations(events, several_at_once)),
    ("abandoned attempts", |events| {
        operations(events, |it| it.acknowledged().is_some() && it.attempts.iter().any(is_left))
    }),
    ("reuses", |events| {
        let refused =
            |answer: &Result<_, crate::client::Failure>| matches!(answer, Err(it) if it.reason == "ID_REUSED");
        events.reuses.iter().filter(|reuse| refused(&reuse.answer)).count()
    }),
    ("cancelled appends", |events| operations(events, |it| it.cancelled)),
    ("lookups", |events| events.lookups.len()),
    ("pages of tails", |events| {
        let linearizable = events.pages.iter().filter(|page| page.linearizable).count();
        linearizable.min(events.pages.len() - linearizable)
    }),
    ("transfers", |events| {
        let made = commands(events, |it| matches!(it.job, Job::Transfer { .. }) && it.applied().is_some());
        made.min(events.cells.len())
    }),
    ("handled batches", |events| commands(events, |it| matches!(it.job, Job::Handle { .. }) && it.applied().is_some())),
    ("locks taken", |events| commands(events, |it| matches!(it.job, Job::Acquire { .. }) && it.applied().is_some())),
    ("deleted logs and spaces", |events| {
        let logs = commands(events, |it| matches!(it.job, Job::DeleteLog { .. }) && it.applied().is_some());
        let spaces = commands(events, |it| matches!(it.job, Job::DeleteSpace { .. }) && it.applied().is_some());
        logs.min(spaces)
    }),
    ("ids that are too old", |events| commands(events, |it| it.too_old().is_some())),
];

/// How much was done of each.
pub fn done(events: &Events) -> impl Iterator<Item = (&'static str, usize)> {
    WORKLOADS.iter().map(|(name, count)| (*name, count(events)))
}

fn operations(events: &Events, counts: impl Fn(&Operation) -> bool) -> usize {
    events.operations.iter().filter(|operation| counts(operation)).count()
}

fn commands(events: &Events, counts: impl Fn(&Command) -> bool) -> usize {
    events.commands.iter().filter(|command| counts(command)).count()
}

fn is_ok(attempt: &Attempt, streamed: bool) -> bool {
    attempt.place.is_some() == streamed && matches!(attempt.answer, Some(Ok(_)))
}

fn is_left(attempt: &Attempt) -> bool {
    attempt.completed.is_none()
}

/// Whether two attempts were on the way at once, to different nodes, and both were answered.
fn several_at_once(operation: &Operation) -> bool {
    let mut attempts = operation.attempts.iter().filter(|attempt| attempt.completed.is_some());
    let (first, second) = (attempts.next(), attempts.next());
    first.zip(second).is_some_and(|(first, second)| {
        second.node != first.node && first.completed.is_some_and(|completed| second.invoked < completed)
    })
}
