//! Whether the tables of one replica agree with each other.
//!
//! - Nothing here knows what clients were told: a replica alone must make sense.
//! - What a table counts is there, what names something names what is there, and what was deleted has left no rows but the
//!   marks that stay, and what is due in it.
//! - What a finite space has forgotten is missing rightly: nothing is expected of an id that may be forgotten.

mod due;
mod holdings;
mod ids;
mod logs;
mod whole;

use std::collections::BTreeMap;

use super::{Small, Space, Tables};
use crate::oracle::Dump;

/// Takes what is wrong.
pub type Report<'a> = dyn FnMut(String) + 'a;

/// A replica whose rows were read.
#[derive(Debug, Clone)]
struct Replica<'a> {
    dump: &'a Dump,
    tables: &'a Tables,
    small: &'a Small,
    /// The spaces by number.
    spaces: BTreeMap<u32, (&'a str, &'a Space)>,
    clock: u64,
    history: u64,
}

/// Names everything in which the tables of a replica do not agree. A replica without tables was not read.
pub fn judge(dump: &Dump, report: &mut Report<'_>) {
    let Some(tables) = &dump.tables else { return };
    for broken in tables.broken() {
        let (table, key) = (broken.table.name(), super::hex(broken.key));
        report(format!("table {table}: the row {key} can't be read: {}", broken.why));
    }
    let small = tables.small();
    let Some(globals) = whole::globals(dump, small, report) else { return };
    let spaces = small.spaces.iter().map(|(name, space)| (space.number, (name.as_str(), space))).collect();
    let replica = Replica { dump, tables, small, spaces, clock: globals.clock, history: globals.history };
    whole::judge(&replica, globals, report);
    due::judge(&replica, report);
    logs::judge(&replica, report);
    holdings::judge(&replica, report);
    ids::judge(&replica, report);
}

impl<'a> Replica<'a> {
    /// A space that is there, or what to say of a row whose space is not.
    fn space(&self, number: u32, what: impl FnOnce() -> String, report: &mut Report<'_>) -> Option<&'a Space> {
        let found = self.spaces.get(&number).map(|(_, space)| *space);
        if found.is_none() {
            report(format!("{} is of space {number}, which is not there", what()));
        }
        found
    }

    /// Says of a time that it is ahead of the clock.
    fn not_ahead(&self, time: u64, what: impl FnOnce() -> String, report: &mut Report<'_>) {
        if time > self.clock {
            report(format!("{} is of {time}, and the clock is at {}", what(), self.clock));
        }
    }
}
