//! The entry that a node had applied when it answered. What any node has applied is committed, so a linearizable answer
//! that is asked for later is of that entry or a later one, whatever it is about.

use super::known::Known;
use super::{Evidence, Report};

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut known = Known::default();
    for asked in &evidence.events.asked {
        known.add((), asked.completed, asked.applied);
    }
    for seen in &evidence.events.statuses {
        known.add((), seen.at, seen.applied);
    }
    known.sort();
    // Some answers do not say.
    for asked in evidence.events.asked.iter().filter(|asked| asked.linearizable && asked.applied > 0) {
        let least = known.before(&(), asked.invoked);
        if asked.applied < least {
            report(format!(
                "node {} answered {:?}, asked for at {:?}, as of entry {}, when some node had applied {least}",
                asked.node, asked.question, asked.invoked, asked.applied
            ));
        }
    }
}
