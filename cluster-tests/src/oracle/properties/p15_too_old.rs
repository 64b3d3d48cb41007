//! Past the floor of its space's memory an id is too old for ever: once a node has said so, no later attempt is
//! answered otherwise.

use super::{Property, Report};
use crate::history::{Attempt, Operation};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P15", sentence: "what is too old stays so", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.operations.iter().flat_map(after_too_old).count()
}

/// The attempts that were sent after a node had said that it is too old.
fn after_too_old(operation: &Operation) -> impl Iterator<Item = &Attempt> {
    let too_old = operation.attempts.iter().filter_map(|attempt| {
        let refused = matches!(&attempt.answer, Some(Err(failure)) if failure.reason == "ID_TOO_OLD");
        attempt.completed.filter(|_| refused)
    });
    let first = too_old.min();
    operation.attempts.iter().filter(move |attempt| first.is_some_and(|first| attempt.invoked > first))
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for operation in &evidence.events.operations {
        for attempt in after_too_old(operation).filter(|attempt| matches!(attempt.answer, Some(Ok(_)))) {
            report(format!("{} was too old, and then node {} took it", operation.id, attempt.node));
        }
    }
    for command in &evidence.events.commands {
        let Some(first) = command.too_old() else {
            continue;
        };
        let later = command.attempts.iter().filter(|attempt| attempt.invoked > first);
        for attempt in later.filter(|attempt| matches!(attempt.answer, Some(Ok(_)))) {
            report(format!("{} was too old, and then node {} knew it", command.id, attempt.node));
        }
    }
}
