//! P24: what is asked is answered truly: a wait tells what is so, and says so when its time is over in vain; lists of
//! logs and cells are linearizable, in order, and leave nothing out; a page begins where its log does; a look-up of a
//! command tells its outcome, and who has undone it.
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
mod logs;
mod pages;
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
    let cells = cells::Changes::of(evidence);
    let ends = logs::Ends::of(evidence);
    let fates = fates::Fates::of(evidence);
    let (courses, caught_up) = (courses::Courses::of(evidence), caught_up::CaughtUp::of(evidence));
    let known = waits::Known { cells: &cells, ends: &ends, fates: &fates, courses, caught_up };
    waits::judge(evidence, &known, report);
    cells::judge(evidence, &cells, report);
    logs::judge(evidence, &ends, report);
    pages::judge(evidence, &ends, report);
    fates::judge(evidence, &fates, report);
}
