//! P11: the id and bytes at an offset never change once somebody has seen them.

use std::collections::HashMap;

use super::{Property, Report};
use crate::history::{Answer, Deleted, Question};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P11", sentence: "what was seen never changes", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.locals.iter().map(|seen| seen.records.len()).sum()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut first_seen = HashMap::new();
    let locals = evidence.events.locals.iter().map(|seen| (seen.log, seen.records));
    let pages = evidence.events.pages.iter().map(|seen| (seen.log, seen.records));
    let asked = evidence.events.asked.iter().filter_map(|asked| match (asked.question, asked.answer) {
        (Question::Records { log, .. }, Answer::Records { records, .. }) if asked.space.is_empty() => {
            Some((log, records))
        }
        _ => None,
    });
    for (log, records) in locals.chain(pages).chain(asked) {
        for record in records {
            let before = *first_seen.entry((log, record.offset)).or_insert(record);
            if before != record {
                report(format!("{log}/{} was {}, and later {}", record.offset, before.id, record.id));
            }
        }
    }
    let deleted = Deleted::of(evidence.events);
    for ((log, offset), seen) in first_seen {
        for replica in evidence.replicas {
            let kept = replica.logs.get(log.as_str());
            let trimmed = kept.is_some_and(|log| offset < log.start) || deleted.has_taken(log, offset);
            let same = kept.and_then(|log| log.at(offset));
            if !trimmed && !same.is_some_and(|kept| kept.id == seen.id && kept.content == seen.content) {
                report(format!("{log}/{offset} was {}, and is another on node {}", seen.id, replica.node));
            }
        }
    }
}
