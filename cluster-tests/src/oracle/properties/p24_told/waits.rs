//! Waits: what they tell is so, and one that tells nothing had nothing to tell, and has taken its time.

use std::time::Duration;

use super::Report;
use super::cells::Changes;
use super::fates::Fates;
use super::logs::Ends;
use crate::history::{Answer, Asked, Question, Wanted};
use crate::oracle::Evidence;

pub(super) fn judge(evidence: Evidence<'_>, cells: &Changes, ends: &Ends, fates: &Fates, report: &mut Report<'_>) {
    for asked in &evidence.events.asked {
        let Question::Wait { wanted, deadline } = &asked.question else { continue };
        if asked.answer == Answer::Late {
            if asked.completed.saturating_sub(asked.invoked) < least_wait(*deadline) {
                report(format!("node {} said within {deadline:?} that {wanted:?} had not come in time", asked.node));
            }
            if asked.linearizable && was_so(&asked, wanted, cells, ends, fates) {
                report(format!("node {} waited in vain for {wanted:?}, which was known to be so", asked.node));
            }
        } else if !is_so(&asked, wanted, cells, ends, fates) {
            report(format!("node {} waited for {wanted:?}, and told {:?}", asked.node, asked.answer));
        }
    }
}

/// A node answers a little before the time is over, and not much before.
fn least_wait(deadline: Duration) -> Duration {
    deadline.saturating_sub(deadline / 5)
}

/// Whether the answer is one to this condition, and may be true.
fn is_so(asked: &Asked, wanted: &Wanted, cells: &Changes, ends: &Ends, fates: &Fates) -> bool {
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

/// Whether somebody knew before the wait that what it waits for had come, and could not go again.
fn was_so(asked: &Asked, wanted: &Wanted, cells: &Changes, ends: &Ends, fates: &Fates) -> bool {
    let before = asked.invoked;
    match wanted {
        Wanted::LogEnd { log, end } => ends.known(*log, before).is_some_and(|known| known >= *end),
        Wanted::Decided(id) => fates.known(asked.space, *id).is_some_and(|(at, _)| *at < before),
        // A cell never has the same version twice, but is absent again when it was deleted.
        Wanted::CellChanged { key, version } => *version != 0 && cells.known(*key, before) > *version,
        Wanted::CellAtLeast { .. } | Wanted::Position { .. } | Wanted::LockFree { .. } => false,
    }
}
