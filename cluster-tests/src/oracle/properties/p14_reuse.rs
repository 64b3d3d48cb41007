//! P14: the same id with other content is refused as reuse, and changes nothing.

use std::collections::HashSet;

use super::{Property, Report};
use crate::history::{Content, Name};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P14", sentence: "an id is not used for something else", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.reuses.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let reuses = &evidence.events.reuses;
    let mut contents: HashSet<(Name, Name, Content)> = HashSet::new();
    for reuse in reuses {
        match &reuse.answer {
            Ok(acknowledgement) => {
                report(format!("{} was used for something else, and answered {acknowledgement:?}", reuse.id));
            }
            // What is told for certain is that it was reuse; any other certainty would be a wrong one.
            Err(failure) if failure.is_about_the_command() && failure.reason != "ID_REUSED" => {
                report(format!("{} was used for something else, and refused as {}", reuse.id, failure.reason));
            }
            Err(_) => {}
        }
        contents.extend(reuse.contents.iter().map(|content| (reuse.id, reuse.log, *content)));
    }
    // Some of it may be what was sent first: the same records and one more.
    for operation in &evidence.events.operations {
        for content in &operation.contents {
            contents.remove(&(operation.id, operation.log, *content));
        }
    }
    for replica in evidence.replicas.iter().filter(|_| !reuses.is_empty()) {
        for (name, log) in &replica.logs {
            let log_name = Name::from(name);
            for record in &log.records {
                if contents.contains(&(record.id, log_name, record.content)) {
                    report(format!("node {}: the reuse of {} is at {name}/{}", replica.node, record.id, record.offset));
                }
            }
        }
    }
}
