//! Cells, positions and locks: they belong to a space that is there, and are not ahead of it.

use super::{Replica, Report};
use crate::tables::Space;

pub(super) fn judge(replica: &Replica<'_>, report: &mut Report<'_>) {
    let small = replica.small;
    for ((number, key), cell) in &small.cells {
        let what = || format!("the cell {key}");
        let Some(space) = replica.space(*number, what, report) else { continue };
        replica.not_ahead(cell.time, what, report);
        not_ahead_of(space, cell.version, &what(), report);
    }
    for ((number, reader, log), position) in &small.positions {
        let what = || format!("the position of {reader} in {log}");
        let Some(space) = replica.space(*number, what, report) else { continue };
        replica.not_ahead(position.time, what, report);
        not_ahead_of(space, position.version, &what(), report);
        let key = (*number, log.clone());
        let end = small.logs.get(&key).map(|head| head.end);
        let Some(end) = end.or_else(|| small.deleted_logs.get(&key).map(|deleted| deleted.end)) else {
            report(format!("{}, which never was", what()));
            continue;
        };
        if position.offset > end {
            report(format!("{} is {}, and the log ends at {end}", what(), position.offset));
        }
        let before = small.deleted_positions.get(&(*number, reader.clone(), log.clone()));
        if let Some(deleted) = before.filter(|deleted| position.version <= **deleted) {
            report(format!("{} has version {}, and was deleted with {deleted}", what(), position.version));
        }
    }
    for ((number, reader, log), version) in &small.deleted_positions {
        let what = || format!("what stays of the position of {reader} in {log}");
        let Some(space) = replica.space(*number, what, report) else { continue };
        not_ahead_of(space, *version, &what(), report);
    }
    for ((number, name), lock) in &small.locks {
        let what = || format!("the lock {name}");
        let Some(space) = replica.space(*number, what, report) else { continue };
        let (history, sequence) = lock.token;
        not_ahead_of(space, sequence, &what(), report);
        if history > replica.history {
            report(format!("{} is of history {history}, and the cluster's is {}", what(), replica.history));
        }
    }
}

/// Says of a version that no command of its space has it yet.
fn not_ahead_of(space: &Space, version: u64, what: &str, report: &mut Report<'_>) {
    if version == 0 || version > space.last_sequence {
        report(format!("{what} has version {version}, and the last sequence is {}", space.last_sequence));
    }
}
