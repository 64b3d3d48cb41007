//! Waits: what they tell is so, and one that tells nothing had nothing to tell, and has taken its time.

use std::time::Duration;

use super::Report;
use super::caught_up::CaughtUp;
use super::cells::Changes;
use super::courses::{Courses, Thing};
use super::fates::Fates;
use super::logs::Ends;
use crate::history::{Answer, Asked, Question, Wanted};
use crate::oracle::Evidence;

/// Between what a node has proved to have and the end of a wait that has to tell of it.
const SLACK: Duration = Duration::from_millis(300);
/// So many questions one behind the other a node has answered meanwhile: it was neither paused nor short of anything.
const ANSWERS: usize = 3;
/// No row changes when a lock expires: a wait looks at the clock from time to time.
const BEAT: Duration = Duration::from_millis(1_500);

/// What waits are judged by.
pub(super) struct Known<'a> {
    pub(super) cells: &'a Changes,
    pub(super) ends: &'a Ends,
    pub(super) fates: &'a Fates,
    pub(super) courses: Courses,
    pub(super) caught_up: CaughtUp,
}

pub(super) fn judge(evidence: Evidence<'_>, known: &Known<'_>, report: &mut Report<'_>) {
    for asked in &evidence.events.asked {
        let Question::Wait { wanted, deadline } = &asked.question else { continue };
        if asked.answer == Answer::Late {
            if asked.completed.saturating_sub(asked.invoked) < least_wait(*deadline) {
                report(format!("node {} said within {deadline:?} that {wanted:?} had not come in time", asked.node));
            }
            let over = asked.invoked + least_wait(*deadline);
            let since = since(&asked, wanted, asked.completed, known);
            if let Some(since) = since.filter(|since| is_lost(&asked, *since, over, &known.caught_up)) {
                report(format!(
                    "node {} waited in vain for {wanted:?}, which was known to be so at {since:?}",
                    asked.node
                ));
            }
        } else if !is_so(&asked, wanted, known) {
            report(format!("node {} waited for {wanted:?}, and told {:?}", asked.node, asked.answer));
        }
    }
}

/// A node answers a little before the time is over, and not much before.
fn least_wait(deadline: Duration) -> Duration {
    deadline.saturating_sub(deadline / 5)
}

/// Whether the answer is one to this condition, and may be true.
fn is_so(asked: &Asked, wanted: &Wanted, known: &Known<'_>) -> bool {
    let Known { cells, ends, fates, .. } = known;
    let by = asked.completed;
    match (wanted, &asked.answer) {
        (Wanted::LogEnd { log, end }, Answer::LogEnd(told)) => told >= end && *told <= ends.possible(*log, by),
        (Wanted::Decided(id), Answer::Decided { outcome, .. }) => {
            fates.known(asked.space, *id).is_none_or(|(_, told)| told == outcome)
        }
        (Wanted::CellChanged { version, .. }, Answer::Cell(None)) => *version != 0,
        (Wanted::CellChanged { key, version }, Answer::Cell(Some(cell))) => {
            cell.key == *key && cell.version != *version && cells.may_have_been(*key, cell.version, by)
        }
        (Wanted::CellAtLeast { key, least }, Answer::Cell(Some(cell))) => {
            cell.key == *key && cell.number >= Some(*least) && cells.may_have_been(*key, cell.version, by)
        }
        (Wanted::Position { offset, .. }, Answer::Position { offset: told, .. }) => told >= offset,
        (Wanted::LockFree { .. }, Answer::LockFree) => true,
        _ => false,
    }
}

/// Since when what is waited for was known to have come for good: it does not go again before the wait is over.
fn since(asked: &Asked, wanted: &Wanted, by: Duration, known: &Known<'_>) -> Option<Duration> {
    let Known { ends, fates, courses, .. } = known;
    match *wanted {
        Wanted::LogEnd { log, end } => ends.known_since(log, end).filter(|_| !ends.is_deleted(asked.space, log)),
        Wanted::Decided(id) => fates.known(asked.space, id).map(|(at, _)| *at),
        Wanted::CellChanged { key, version: 0 } => courses.since(Thing::Cell(key), None, by),
        // A cell never has the same version twice.
        Wanted::CellChanged { key, version } => courses.changed_since(key, version),
        Wanted::CellAtLeast { key, least } => courses.since(Thing::Cell(key), Some(least), by),
        Wanted::Position { reader, log, offset } => {
            courses.since(Thing::Reader(reader, log), Some(i64::try_from(offset).ok()?), by)
        }
        Wanted::LockFree { lock } => {
            let given_back = courses.since(Thing::Lock(lock), Some(1), by);
            given_back.or_else(|| Some(courses.expired_since(lock, by)? + BEAT))
        }
    }
}

/// Whether a wait that told nothing had something to tell: somebody knew before a linearizable wait, or its node had it
/// before the wait came, or heard of it long enough before the time was over, and worked all the while.
fn is_lost(asked: &Asked, since: Duration, over: Duration, caught_up: &CaughtUp) -> bool {
    if asked.linearizable && since < asked.invoked {
        return true;
    }
    let mut answers = caught_up.answers(asked.node, since).take_while(|answered| *answered + SLACK <= over);
    answers.next().is_some_and(|first| first < asked.invoked || 1 + answers.count() >= ANSWERS)
}
