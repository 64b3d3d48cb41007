//! P21: what is deleted stays deleted: no command that is sent after a space's deletion was answered is decided in
//! it, no replica has the space, and no record that is appended after a log's deletion was answered gets an offset
//! from before it.

use super::{Property, Report};
use crate::history::{Deleted, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P21", sentence: "what is deleted stays deleted", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    Deleted::of(evidence.events).count()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let deleted = Deleted::of(evidence.events);
    for replica in evidence.replicas {
        for space in replica.spaces.iter().filter(|space| deleted.space(Name::from(*space)).is_some()) {
            report(format!("node {} has the space {space}, which was deleted", replica.node));
        }
    }
    for command in &evidence.events.commands {
        let id = &command.id;
        for attempt in &command.attempts {
            let Some(Ok(decided)) = &attempt.answer else { continue };
            // A node that is behind may still tell what became of an id before.
            let is_after = |at| at < attempt.invoked && !decided.replayed;
            if deleted.space_of(&command).is_some_and(is_after) {
                report(format!("{id} was decided in {}, which was deleted", command.space));
            }
            for (log, first, _) in command.placed(&decided.sealed).filter(|_| !decided.replayed) {
                let end = deleted.end_before(log, attempt.invoked);
                if first < end {
                    report(format!("{id} is at {log}/{first}, and the log was deleted up to {end}"));
                }
            }
        }
    }
}
