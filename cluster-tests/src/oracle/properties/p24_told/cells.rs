//! Lists of cells.

use std::collections::HashMap;
use std::time::Duration;

use super::Report;
use crate::history::{Answer, Asked, CellSeen, Command, Name, Question};
use crate::oracle::Evidence;
use crate::proto::action::Action;

/// What commands of `main` have done to cells.
pub(super) struct Changes {
    cells: HashMap<Name, Cell>,
}

#[derive(Default)]
struct Cell {
    /// By sequence, in order.
    done: Vec<Change>,
    /// When each was known, with the greatest sequence that was known by then.
    known: Vec<(Duration, u64)>,
    /// Whether there is something of which nobody knows whether it was done.
    open: bool,
}

#[derive(Clone, Copy)]
struct Change {
    sequence: u64,
    /// Whether the cell was there after that.
    is_there: bool,
    invoked: Duration,
}

impl Changes {
    pub(super) fn of(evidence: Evidence<'_>) -> Self {
        let mut cells: HashMap<Name, Cell> = HashMap::new();
        for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
            for (key, is_there) in changes(&command) {
                let cell = cells.entry(Name::from(key)).or_default();
                match command.decided() {
                    Some((at, sealed)) if sealed.is_applied() && !sealed.got().is_empty() => {
                        let (sequence, invoked) = (sealed.sequence, command.invoked().unwrap_or_default());
                        cell.done.push(Change { sequence, is_there, invoked });
                        cell.known.push((at, sealed.sequence));
                    }
                    Some(_) => {}
                    None => cell.open |= command.is_open(),
                }
            }
        }
        // What one reader has seen no later one may lack.
        for asked in evidence.events.asked.iter().filter(|asked| asked.space.is_empty()) {
            if let Answer::Cells { cells: seen, .. } = &asked.answer {
                for CellSeen { key, version, .. } in seen {
                    cells.entry(*key).or_default().known.push((asked.completed, *version));
                }
            }
        }
        for cell in cells.values_mut() {
            cell.done.sort_unstable_by_key(|change| change.sequence);
            cell.known.sort_unstable();
            let mut greatest = 0;
            for (_, sequence) in &mut cell.known {
                greatest = greatest.max(*sequence);
                *sequence = greatest;
            }
        }
        Self { cells }
    }

    /// The greatest version that somebody knew before a moment; 0 if nobody knew one.
    pub(super) fn known(&self, key: Name, before: Duration) -> u64 {
        let Some(cell) = self.cells.get(&key) else { return 0 };
        let count = cell.known.partition_point(|(at, _)| *at < before);
        count.checked_sub(1).and_then(|last| cell.known.get(last)).map_or(0, |(_, sequence)| *sequence)
    }

    /// Whether a cell may have had this version by then.
    pub(super) fn may_have_been(&self, key: Name, version: u64, by: Duration) -> bool {
        self.cells.get(&key).is_some_and(|cell| {
            let place = cell.done.binary_search_by_key(&version, |change| change.sequence).ok();
            let change = place.and_then(|place| cell.done.get(place));
            cell.open || change.is_some_and(|change| change.is_there && change.invoked <= by)
        })
    }

    /// Whether a cell may not have been there for a reader to whom all before this version was known.
    fn may_be_absent(&self, key: Name, known: u64, by: Duration) -> bool {
        let Some(cell) = self.cells.get(&key) else { return true };
        let gone = |change: &Change| !change.is_there && change.sequence >= known && change.invoked <= by;
        known == 0 || cell.open || cell.done.iter().any(gone)
    }
}

/// The cells that a command changes, and whether they are there after that.
fn changes(command: &Command) -> impl Iterator<Item = (String, bool)> {
    let of = |action| match action {
        Action::Put(put) => Some((put.key, true)),
        Action::Add(add) => Some((add.key, true)),
        Action::Delete(delete) => Some((delete.key, false)),
        _ => None,
    };
    command.actions().into_iter().filter_map(of)
}

pub(super) fn judge(evidence: Evidence<'_>, changes: &Changes, report: &mut Report<'_>) {
    let mut keys: Vec<Name> = changes.cells.keys().copied().collect();
    keys.sort_unstable();
    for asked in &evidence.events.asked {
        if let (Question::Cells { after, prefix, limit }, Answer::Cells { cells, more }) =
            (&asked.question, &asked.answer)
        {
            is_in_order(&asked, (after, prefix, *limit), cells, *more, report);
            for cell in cells {
                is_possible(&asked, changes, cell, report);
            }
            if asked.linearizable {
                let end = cells.last().filter(|_| *more).map(|last| last.key);
                let covered =
                    keys.iter().filter(|key| key.as_str() > after.as_str() && key.starts_with(prefix.as_str()));
                let covered = covered.filter(|key| end.is_none_or(|end| **key <= end));
                for key in covered.filter(|key| cells.iter().all(|cell| cell.key != **key)) {
                    let known = changes.known(*key, asked.invoked);
                    if !changes.may_be_absent(*key, known, asked.completed) {
                        report(format!("node {} left cell {key} out, of which version {known} was known", asked.node));
                    }
                }
            }
        }
    }
}

/// A page goes up, begins behind where it was to begin, and holds what it was asked for.
fn is_in_order(
    asked: &Asked,
    (after, prefix, limit): (&str, &str, u32),
    cells: &[CellSeen],
    more: bool,
    report: &mut Report<'_>,
) {
    let keys: Vec<&str> = cells.iter().map(|cell| cell.key.as_str()).collect();
    let is_up = keys.is_sorted_by(|one, next| one < next) && keys.first().is_none_or(|first| *first > after);
    let is_asked = keys.iter().all(|key| key.starts_with(prefix)) && keys.len() <= limit as usize;
    if !is_up || !is_asked || more && keys.is_empty() {
        report(format!("node {} listed cells after {after:?} as {keys:?}, more: {more}", asked.node));
    }
}

/// A cell was once as it is told, and is not older than it was known to be.
fn is_possible(asked: &Asked, changes: &Changes, cell: &CellSeen, report: &mut Report<'_>) {
    let CellSeen { key, version, .. } = *cell;
    if !changes.may_have_been(key, version, asked.completed) {
        report(format!("node {} told version {version} of cell {key}, which nobody has made", asked.node));
    }
    let known = changes.known(key, asked.invoked);
    if asked.linearizable && version < known {
        report(format!("cell {key} had version {known} or a later one, and node {} told {version}", asked.node));
    }
}
