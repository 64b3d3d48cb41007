//! Past the floor of its space's memory an id is too old for ever: once a node has said so, no later attempt is
//! answered otherwise.

use super::{Property, Report};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P15", sentence: "what is too old stays so", judge };

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for operation in &evidence.events.operations {
        let too_old = operation.attempts.iter().filter_map(|attempt| {
            let refused = matches!(&attempt.answer, Some(Err(failure)) if failure.reason == "ID_TOO_OLD");
            attempt.completed.filter(|_| refused)
        });
        let Some(first) = too_old.min() else {
            continue;
        };
        let later = operation.attempts.iter().filter(|attempt| attempt.invoked > first);
        for attempt in later.filter(|attempt| matches!(attempt.answer, Some(Ok(_)))) {
            report(format!("{} was too old, and then node {} took it", operation.id, attempt.node));
        }
    }
}
