//! Lists of cells, and cells one by one.

use super::Report;
use super::presence::Presence;
use crate::history::{Answer, Asked, CellSeen, Command, Name, Question};
use crate::oracle::Evidence;
use crate::proto::action::Action;

/// What commands of `main` have done to cells.
pub(super) type Changes = Presence<Name>;

pub(super) fn changes_of(evidence: Evidence<'_>) -> Changes {
    let mut cells = Changes::default();
    for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
        for (key, is_there) in changes(&command) {
            cells.learn(Name::from(key), &command, is_there);
        }
    }
    // What one reader has seen no later one may lack.
    for asked in evidence.events.asked.iter().filter(|asked| asked.space.is_empty()) {
        if let Answer::Cells { cells: seen, .. } = &asked.answer {
            for CellSeen { key, version, .. } in seen {
                cells.see(*key, asked.completed, *version);
            }
        }
    }
    cells.in_order();
    cells
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
    let keys = changes.keys();
    for asked in &evidence.events.asked {
        if let (Question::Cell { key }, Answer::Cell(seen)) = (&asked.question, &asked.answer) {
            is_read(&asked, changes, *key, seen.as_ref(), report);
        }
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
                    if !changes.may_be_absent(*key, asked.invoked, asked.completed) {
                        let known = changes.known(*key, asked.invoked);
                        report(format!("node {} left cell {key} out, of which version {known} was known", asked.node));
                    }
                }
            }
        }
    }
}

/// A cell is told as it was asked for, and is only said not to be there when it may not be.
fn is_read(asked: &Asked, changes: &Changes, key: Name, seen: Option<&CellSeen>, report: &mut Report<'_>) {
    match seen {
        Some(cell) if cell.key == key => is_possible(asked, changes, cell, report),
        Some(cell) => report(format!("node {} was asked for cell {key}, and told {}", asked.node, cell.key)),
        None if asked.linearizable && !changes.may_be_absent(key, asked.invoked, asked.completed) => {
            let known = changes.known(key, asked.invoked);
            report(format!("node {} had no cell {key}, of which version {known} was known", asked.node));
        }
        None => {}
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
