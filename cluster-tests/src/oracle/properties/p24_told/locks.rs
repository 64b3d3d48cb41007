//! Lists of locks: in order, and of those that were asked for. P8 looks at who is said to hold each.

use super::{Page, Report};
use crate::history::{Answer, Question};
use crate::oracle::Evidence;

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for asked in &evidence.events.asked {
        let (Question::Locks { after, prefix, limit }, Answer::Locks { locks, more, .. }) =
            (&asked.question, &asked.answer)
        else {
            continue;
        };
        let listed: Vec<&str> = locks.iter().map(|(name, _)| name.as_str()).collect();
        let page = Page { after: after.as_str(), listed: &listed, limit: *limit, more: *more };
        let others = listed.iter().find(|name| !name.starts_with(prefix.as_str())).map(|_| "not all begin so");
        if let Some(why) = page.is_wrong().or(others) {
            report(format!("node {} listed locks {prefix:?} after {after:?} as {listed:?}, and {why}", asked.node));
        }
    }
}
