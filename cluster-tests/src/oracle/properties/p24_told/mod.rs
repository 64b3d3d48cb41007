//! P24: what is asked is answered truly: a wait tells what is so, and says so when its time is over in vain; lists of
//! spaces, logs, cells, positions and locks are linearizable, in order, and leave nothing out; a page begins where its log
//! does; a look-up of a command tells its outcome, and who has undone it.
//!
//! - What is *known* at a moment is what somebody was told before it. A linearizable answer lacks nothing that was known
//!   when it was asked for.
//! - A wait that tells nothing is wrong, too, if its node had what was waited for long before the time was over, as its
//!   other answers prove.
//! - What is *possible* at a moment was sent before it. No answer tells anything else.

mod caught_up;
mod cells;
mod courses;
mod fates;
mod locks;
mod logs;
mod pages;
mod positions;
mod presence;
mod spaces;
mod waits;

use super::{Property, Report};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P24", sentence: "waits, lists and look-ups tell what is so", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.asked.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    if evidence.events.asked.is_empty() {
        return;
    }
    let cells = cells::changes_of(evidence);
    let ends = logs::Ends::of(evidence);
    let fates = fates::Fates::of(evidence);
    let (courses, caught_up) = (courses::Courses::of(evidence), caught_up::CaughtUp::of(evidence));
    let known = waits::Known { cells: &cells, ends: &ends, fates: &fates, courses, caught_up };
    waits::judge(evidence, &known, report);
    cells::judge(evidence, &cells, report);
    logs::judge(evidence, &ends, report);
    pages::judge(evidence, &ends, report);
    fates::judge(evidence, &fates, report);
    spaces::judge(evidence, report);
    positions::judge(evidence, report);
    locks::judge(evidence, report);
}

/// A page of a list.
struct Page<'a, K> {
    /// What it was to come after.
    after: K,
    listed: &'a [K],
    limit: u32,
    more: bool,
}

impl<K: Copy + Ord> Page<'_, K> {
    /// Why it is not in order, if it is not.
    fn is_wrong(&self) -> Option<&'static str> {
        let is_up = self.listed.is_sorted_by(|one, next| one < next);
        if !is_up || self.listed.first().is_some_and(|first| *first <= self.after) {
            Some("that does not go up from there")
        } else if self.listed.len() > self.limit as usize {
            Some("that are too many")
        } else if self.more && self.listed.is_empty() {
            Some("says that more come")
        } else {
            None
        }
    }

    /// Whether a key is in the part of the list that the page shows, and not on it.
    fn lacks(&self, key: K) -> bool {
        let end = self.listed.last().filter(|_| self.more);
        key > self.after && end.is_none_or(|end| key <= *end) && self.listed.binary_search(&key).is_err()
    }
}
