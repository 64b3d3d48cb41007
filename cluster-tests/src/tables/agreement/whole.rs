//! What holds for the whole replica: globals, applied entry, digests, and the spaces.

use std::collections::BTreeMap;

use super::{Replica, Report};
use crate::oracle::Dump;
use crate::tables::{Globals, Small};

/// A digest is remembered at every so manieth index.
const DIGEST_INTERVAL: u64 = 1_024;
/// And so many are.
const DIGESTS_KEPT: usize = 64;
/// The spaces that every cluster has, and their numbers.
const PERMANENT: [(&str, u32); 2] = [("oncelog.system", 0), ("main", 1)];

/// The rows that every state has. Without globals nothing else is judged.
pub(super) fn globals(dump: &Dump, small: &Small, report: &mut Report<'_>) -> Option<Globals> {
    let Some(Some(applied)) = small.applied else {
        report("the row of the applied entry is missing, or it says none".to_owned());
        return None;
    };
    if applied.index != dump.applied_index {
        report(format!("the tables are those of {}, and the replica is at {}", applied.index, dump.applied_index));
    }
    if small.digest.as_ref() != Some(&dump.digest) {
        report(format!("the digest is {:?} in its row, and {} as the node says", small.digest, dump.digest));
    }
    match &small.membership {
        None => report("the row of the membership is missing".to_owned()),
        Some(membership) if membership.log_id.is_some_and(|log_id| log_id > applied) => {
            report(format!("the membership is of {:?}, and {applied:?} is applied", membership.log_id));
        }
        Some(membership) => {
            for voter in membership.configs.iter().flatten().filter(|it| !membership.members.contains_key(it)) {
                report(format!("node {voter} votes and is no member"));
            }
        }
    }
    digests(small, applied.index, report);
    if small.globals.is_none() {
        report("the row of what holds for all spaces is missing".to_owned());
    }
    small.globals
}

fn digests(small: &Small, applied: u64, report: &mut Report<'_>) {
    if small.digests.len() > DIGESTS_KEPT {
        report(format!("{} digests are remembered", small.digests.len()));
    }
    for (index, digest) in &small.digests {
        if !index.is_multiple_of(DIGEST_INTERVAL) || *index > applied {
            report(format!("a digest is remembered at {index}, and {applied} is applied"));
        }
        if *index == applied && small.digest.as_ref() != Some(digest) {
            report(format!("the digest at {index} is {:?}, and is remembered as {digest}", small.digest));
        }
    }
    // Index 0 has no entry of a batch in a cluster that was made by `init`, but may be remembered.
    let last = applied - applied % DIGEST_INTERVAL;
    if last > 0 && !small.digests.contains_key(&last) {
        report(format!("{applied} is applied, and no digest is remembered at {last}"));
    }
}

/// The spaces and what stays of them.
pub(super) fn judge(replica: &Replica<'_>, globals: Globals, report: &mut Report<'_>) {
    let small = replica.small;
    for (name, number) in PERMANENT {
        if small.spaces.get(name).is_none_or(|space| space.number != number) {
            report(format!("the space {name}, which is number {number} of every cluster, is not there"));
        }
    }
    let mut numbers: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, space) in &small.spaces {
        if let Some(other) = numbers.insert(space.number, name) {
            report(format!("the spaces {other} and {name} are both number {}", space.number));
        }
        if space.number >= globals.next_space {
            report(format!("space {name} is number {}, and the next is {}", space.number, globals.next_space));
        }
        if let Some(at) = small.deleted_spaces.get(name) {
            report(format!("the space {name} is there, and was deleted at {at}"));
        }
        for (time, what) in [(space.floor, "floor"), (space.closed, "end of what is closed")] {
            replica.not_ahead(time, || format!("the {what} of space {name}"), report);
        }
        let forgets = space.floor > 0 || space.closed > 0 || space.due.is_some() || !space.eras.is_empty();
        match space.memory {
            None if forgets => report(format!("space {name} remembers for ever, and is about to forget: {space:?}")),
            Some(_) if space.eras.is_empty() => report(format!("space {name} forgets, and has no eras")),
            _ => {}
        }
    }
    for (name, at) in &small.deleted_spaces {
        replica.not_ahead(*at, || format!("the deletion of space {name}"), report);
    }
}
