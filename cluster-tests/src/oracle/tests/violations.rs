//! What is kept of what was found, what it is about, and what to look at first.

use super::*;
use crate::judgement::Recorded;
use crate::oracle::{Violation, counts};
use crate::report::{Summary, page, print};

/// A hundred operations, and a replica that has lost the records of all of them.
fn all_lost() -> (Events, Vec<Dump>) {
    let (mut events, mut dumps) = sound();
    (events.ends, events.locals, events.recoveries) = (Many::default(), Many::default(), Vec::new());
    events.operations = (0..100)
        .map(|number| operation(&format!("id-{number}"), 1, 100 - number, Ok(acknowledgement(99 - number, 1))))
        .collect();
    on_every_node(&mut dumps, |log| (log.end, log.records) = (0, Vec::new()));
    (events, dumps)
}

#[test]
fn of_many_violations_the_first_are_kept_and_all_are_counted() {
    let (events, dumps) = all_lost();
    let found = judge(&events, &dumps);
    let lost: Vec<&Violation> = found.iter().filter(|violation| violation.property == "P1").collect();
    assert_eq!((lost.len(), lost[0].count), (10, 200), "100 on each of two nodes");
    assert_eq!(lost[0].ids, [Name::of("id-0")]);
    assert_eq!((lost[0].places.as_slice(), lost[0].at), ([(Name::of(LOG), 99)].as_slice(), Some(at(100))));
    assert!(counts(&found).starts_with("P1 200"), "{}", counts(&found));
}

#[test]
fn safety_comes_first_then_liveness_then_coverage_and_of_each_the_earliest() {
    let (mut events, mut dumps) = sound();
    events.recoveries[0].seen = None;
    events.faults.clear();
    on_every_node(&mut dumps, |log| {
        (log.records[0].content, log.records[1].content) = (Content::of(b"other"), Content::of(b"others"));
    });
    let mut found = judge(&events, &dumps);
    found.sort_by_key(Violation::urgency);
    let order: Vec<_> = found.iter().map(|violation| violation.property).collect();
    assert_eq!(order[order.len() - 2..], ["P12", "P17"], "{found:?}");
    let times: Vec<_> = found.iter().rev().skip(2).rev().filter_map(|violation| violation.at).collect();
    assert!(times.is_sorted() && times.len() > 2 && times.first() < times.last(), "{found:?}");
}

#[test]
fn a_report_shows_the_events_that_matter_for_the_violation_to_look_at_first() {
    let scratch = Scratch::new("first-violation");
    let path = scratch.path().join("history.jsonl");
    let (mut events, mut dumps) = sound();
    on_every_node(&mut dumps, |log| log.records[1].content = Content::of(b"other"));
    // A page that showed the record would be about its log, not about the id alone.
    events.locals = Many::default();
    written(&path, &events, &dumps);
    let Recorded { events, replicas, violations } = Recorded::read(&path).unwrap();
    let first = violations.first().unwrap();
    assert!(first.events.len() >= 4 && first.events.len() <= 10, "{:?}", first.events);
    assert!(
        first.ids.contains(&Name::of("b")) && first.events.iter().all(|event| event.contains("\"b\"")),
        "{first:?}"
    );
    for kind in ["operation", "attempt", "answer", "record"] {
        assert!(first.events.iter().any(|event| event.starts_with(&format!("{{\"{kind}\":"))), "{kind}: {first:?}");
    }
    assert!(violations.iter().skip(1).all(|violation| violation.events.is_empty()));
    let summary = Summary::of(&events, &replicas, &violations, "history.jsonl");
    let mut said = Vec::new();
    print(&mut said, &summary).unwrap();
    for rendered in [String::from_utf8(said).unwrap(), page(&summary)] {
        assert!(rendered.contains(&format!("Look first at {}", first.property)), "{rendered}");
        assert!(rendered.contains("first_offset"), "{rendered}");
    }
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
}
