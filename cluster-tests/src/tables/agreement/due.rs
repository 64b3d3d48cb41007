//! The index of what is due: every due row has its reason, and every reason its due row. What is due is done in time.

use std::collections::BTreeSet;

use super::{Replica, Report};
use crate::tables::Due;

/// How long what is due may be left: an entry does dozens of things, and an idle leader has one made each second for them.
const LEFT_MS_MAX: u64 = 10_000;

pub(super) fn judge(replica: &Replica<'_>, report: &mut Report<'_>) {
    let small = replica.small;
    let floors = small.spaces.iter().filter_map(|(name, space)| Some((space.due?, Due::Floor(name.clone()))));
    let locks = small.locks.iter().map(|((space, name), lock)| (lock.expires, Due::Lock(*space, name.clone())));
    let logs = small.logs.iter().filter_map(|((space, name), head)| Some((head.due?, Due::Log(*space, name.clone()))));
    let reasons: BTreeSet<(u64, Due)> = floors.chain(locks).chain(logs).collect();
    for (at, due) in reasons.difference(&small.due) {
        report(format!("{due:?} is due at {at}, and the index of what is due does not have it"));
    }
    for (at, due) in small.due.difference(&reasons) {
        // What was due in a space that was deleted stays until its time.
        let is_left = match due {
            Due::Floor(_) => false,
            Due::Lock(space, _) | Due::Log(space, _) => is_deleted(replica, *space),
        };
        if !is_left {
            report(format!("the index of what is due has {due:?} at {at}, and there is no reason for it"));
        }
    }
    for (at, due) in small.due.iter().take_while(|(at, _)| later(*at, LEFT_MS_MAX) < replica.clock) {
        report(format!("{due:?} was due at {at}, and at {} it is not done", replica.clock));
    }
    for (name, space) in &small.spaces {
        let oldest = small.buckets.range((space.number, 0)..=(space.number, u64::MAX)).next();
        let due = space.memory.zip(oldest).map(|(memory, (_, oldest))| later(oldest.end, memory.ms()));
        if space.due != due {
            report(format!("space {name} is due at {:?}, and its oldest bucket at {due:?}", space.due));
        }
    }
}

/// Whether a space with this number may have been there, and is not any more.
fn is_deleted(replica: &Replica<'_>, number: u32) -> bool {
    let was_given = replica.small.globals.is_some_and(|globals| number < globals.next_space);
    was_given && !replica.spaces.contains_key(&number) && !replica.small.deleted_spaces.is_empty()
}

/// A time and so many milliseconds, or the last time that there is.
pub(super) fn later(time: u64, ms: u64) -> u64 {
    time.saturating_add(ms).min(crate::tables::reader::TIME_MS_MAX)
}
