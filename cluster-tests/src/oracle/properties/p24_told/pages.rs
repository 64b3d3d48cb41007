//! Pages of logs that are trimmed: where they begin.

use super::Report;
use super::logs::Ends;
use crate::command::log_in;
use crate::history::{Answer, Cut, Name, Question};
use crate::oracle::Evidence;

pub(super) fn judge(evidence: Evidence<'_>, ends: &Ends, report: &mut Report<'_>) {
    let cut = Cut::of(evidence.events);
    for asked in &evidence.events.asked {
        let Question::Records { log, from } = &asked.question else { continue };
        let (name, node) = (Name::from(log_in(&asked.space, log)), asked.node);
        let is_deleted = ends.is_deleted(asked.space, name);
        let starts = cut.starts_between(name, asked.invoked, asked.completed);
        let (start, end) = match &asked.answer {
            Answer::Trimmed(start) => {
                if from.is_none_or(|from| from >= *start) {
                    report(format!("node {node} said that {name}/{from:?} is trimmed away, and began at {start}"));
                }
                (*start, None)
            }
            Answer::Records { start, end, next, records } => {
                let first = from.unwrap_or(*start);
                let offsets = records.iter().map(|record| record.offset);
                let is_dense = offsets.eq((first..*next).take(crate::history::PAGE_RECORDS));
                if first < *start || !is_dense || *next > *end && !records.is_empty() {
                    report(format!(
                        "node {node} told {name} from {start} to {end}, and of {from:?} to {next} {records:?}"
                    ));
                }
                (*start, Some(*end))
            }
            other => {
                report(format!("node {node} was asked for records of {name}, and said {other:?}"));
                continue;
            }
        };
        // A deletion takes away more than trims do.
        let is_early = asked.linearizable && start < *starts.start();
        if is_early || start > *starts.end() && !is_deleted {
            report(format!("node {node} told that {name} begins at {start}, not in {starts:?}"));
        }
        let known = ends.known(name, asked.invoked).unwrap_or(0);
        if let Some(end) = end.filter(|end| asked.linearizable && *end < known) {
            report(format!("log {name} ended at {known} or later, and node {node} read it to {end}"));
        }
        if let Some(end) = end.filter(|end| *end > ends.possible(name, asked.completed)) {
            report(format!("node {node} told that {name} ends at {end}, and less was sent"));
        }
    }
}
