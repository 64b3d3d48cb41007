//! P13: replay: when all that nobody knows of was sent again, each id has its one answer. Whether it is the same as ever
//! is for the other properties to say.

use super::{Property, Report};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P13", sentence: "what is sent again is answered", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let Some(settled) = evidence.events.settled else {
        return 0;
    };
    let operations = evidence.events.operations.iter();
    let before = operations.filter(|operation| operation.invoked().is_some_and(|invoked| invoked < settled));
    before.filter(|operation| operation.attempts.iter().any(|attempt| attempt.invoked >= settled)).count()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let Some(settled) = evidence.events.settled else {
        return;
    };
    let operations = &evidence.events.operations;
    let before = operations.iter().filter(|operation| operation.invoked().is_some_and(|invoked| invoked < settled));
    for operation in before.filter(|operation| operation.acknowledged().is_none() && !operation.cancelled) {
        report(format!("{} was sent again, and still nobody knows of it", operation.id));
    }
}
