//! Broken histories for what is to be in logs, and for what is not: P1, P2, P4 to P6, P10 and P11.

use super::*;

#[test]
fn a_lost_acknowledged_record_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records.truncate(2);
            log.end = 2;
        });
    });
    assert!(found.contains(&"P1"), "{found:?}");
    assert!(found.contains(&"P2"), "{found:?}");
}

#[test]
fn a_record_lost_on_one_replica_is_found() {
    let found = broken(|_, dumps| {
        log(dumps, 1).records.truncate(3);
        log(dumps, 1).end = 3;
    });
    assert_eq!(found, ["P5"]);
}

#[test]
fn a_doubled_record_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            let content = log.records[0].content;
            log.records.push(extra(4, "a", content));
            log.end = 5;
        });
    });
    assert!(found.contains(&"P2"), "{found:?}");
}

#[test]
fn a_doubled_unknown_record_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            let content = log.records[3].content;
            log.records.push(extra(4, "c", content));
            log.end = 5;
        });
    });
    assert!(found.contains(&"P2"), "{found:?}");
}

#[test]
fn a_gap_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records[3].offset = 4;
            log.end = 5;
        });
    });
    assert!(found.contains(&"P4"), "{found:?}");
}

#[test]
fn other_bytes_are_found() {
    let found = broken(|_, dumps| on_every_node(dumps, |log| log.records[0].content = Content::of(b"other")));
    assert!(found.contains(&"P1"), "{found:?}");
    assert!(found.contains(&"P2"), "{found:?}");
}

#[test]
fn a_record_that_nobody_sent_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records.push(extra(4, "e", Content::of(b"e")));
            log.end = 5;
        });
    });
    assert_eq!(found, ["P6"]);
}

#[test]
fn a_failed_command_that_appears_is_found() {
    let found = broken(|events, _| events.operations[2].attempts[0].answer = Some(Err(failure(Effect::None))));
    assert_eq!(found, ["P10", "P22"]);
}

#[test]
fn a_cancelled_command_that_appears_is_found() {
    let found = broken(|events, _| events.operations[2].cancels = cancelled(3));
    assert_eq!(found, ["P10", "P22"]);
}

#[test]
fn a_command_that_is_applied_and_cancelled_is_found() {
    let found = broken(|events, dumps| {
        events.operations[0].cancels = cancelled(3);
        dumps.clear();
    });
    assert_eq!(found, ["P3", "P5", "P10"]);
}

#[test]
fn digests_that_differ_are_found() {
    assert_eq!(broken(|_, dumps| dumps[1].digest = "abd".to_owned()), ["P5"]);
    assert_eq!(broken(|_, dumps| drop(dumps[1].remembered.insert(4, "aa".to_owned()))), ["P5"]);
}

#[test]
fn a_record_that_changes_after_it_was_seen_is_found() {
    assert_eq!(broken(|events, _| events.locals[0].records[2].content = Content::of(b"another")), ["P11"]);
    let twice = |events: &mut Events| {
        let mut other = events.locals[0].clone();
        (other.node, other.records[1].id) = (2, "c".into());
        events.locals.push(other);
    };
    assert_eq!(broken(|events, _| twice(events)), ["P11"]);
}
