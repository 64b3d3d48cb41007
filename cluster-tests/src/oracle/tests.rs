//! One broken history for each property, and a sound one.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::{Dump, LogDump, Stored, judge};
use crate::client::{Acknowledgement, Effect, Failure, Place};
use crate::history::{Attempt, EndSeen, Events, Operation, StreamPlace};
use crate::sample;

const LOG: &str = "orders";

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn acknowledgement(offset: u64, count: u32) -> Acknowledgement {
    let place = Place { first_offset: offset, count, sequence: offset + 1, history: 7, time_ms: 1 };
    Acknowledgement { replayed: false, place }
}

fn failure(effect: Effect) -> Failure {
    Failure { effect, ..Failure::silence(tonic::Code::Unavailable, "") }
}

fn operation(id: &str, records: usize, invoked: u64, answer: Result<Acknowledgement, Failure>) -> Operation {
    let (invoked, completed) = (at(invoked), Some(at(invoked + 5)));
    let attempt = Attempt { node: 1, place: None, invoked, completed, answer: Some(answer) };
    Operation {
        client: 0,
        log: LOG.to_owned(),
        id: id.to_owned(),
        payloads: sample::payloads(id, records, 1),
        attempts: vec![attempt],
        cancelled: false,
    }
}

/// `a` at 0, `b` at 1 and 2, and `c`, of which nobody knows, at 3; the same on two nodes.
fn sound() -> (Events, Vec<Dump>) {
    let operations = vec![
        operation("a", 1, 10, Ok(acknowledgement(0, 1))),
        operation("b", 2, 20, Ok(acknowledgement(1, 2))),
        operation("c", 1, 30, Err(failure(Effect::Unknown))),
        operation("d", 1, 40, Err(failure(Effect::None))),
    ];
    let records = [("a", 0), ("b", 0), ("b", 1), ("c", 0)].into_iter().zip(0..).map(|((id, index), offset)| Stored {
        offset,
        id: id.to_owned(),
        payload: sample::payloads(id, index + 1, 1).pop().unwrap(),
        time_ms: 1,
    });
    let log = LogDump { start: 0, end: 4, records: records.collect() };
    let dump = Dump {
        node: 1,
        applied_index: 9,
        digest: "abc".to_owned(),
        remembered: BTreeMap::from([(4, "ab".to_owned())]),
        logs: BTreeMap::from([(LOG.to_owned(), log)]),
    };
    let ends = vec![EndSeen { log: LOG.to_owned(), invoked: at(26), completed: at(31), end: 3 }];
    let events = Events { operations, ends, faults: Vec::new() };
    (events, vec![dump.clone(), Dump { node: 2, ..dump }])
}

/// Breaks the sound history and returns the properties that the oracle finds broken.
fn broken(damage: impl FnOnce(&mut Events, &mut Vec<Dump>)) -> Vec<&'static str> {
    let (mut events, mut dumps) = sound();
    damage(&mut events, &mut dumps);
    judge(&events, &dumps).into_iter().map(|violation| violation.property).collect()
}

fn log(dumps: &mut [Dump], node: usize) -> &mut LogDump {
    dumps[node].logs.get_mut(LOG).unwrap()
}

fn on_every_node(dumps: &mut [Dump], damage: impl Fn(&mut LogDump)) {
    for node in 0..dumps.len() {
        damage(log(dumps, node));
    }
}

fn extra(offset: u64, id: &str, payload: Bytes) -> Stored {
    Stored { offset, id: id.to_owned(), payload, time_ms: 1 }
}

#[test]
fn a_sound_history_has_no_violation() {
    assert_eq!(broken(|_, _| ()), Vec::<&str>::new());
}

#[test]
fn a_lost_acknowledged_record_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records.truncate(2);
            log.end = 2;
        });
    });
    assert!(found.contains(&"what was acknowledged is there"), "{found:?}");
    assert!(found.contains(&"every id is there once and whole, or not at all"), "{found:?}");
}

#[test]
fn a_record_lost_on_one_replica_is_found() {
    let found = broken(|_, dumps| {
        log(dumps, 1).records.truncate(3);
        log(dumps, 1).end = 3;
    });
    assert_eq!(found, ["replicas hold the same"]);
}

#[test]
fn a_doubled_record_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            let payload = log.records[0].payload.clone();
            log.records.push(extra(4, "a", payload));
            log.end = 5;
        });
    });
    assert!(found.contains(&"every id is there once and whole, or not at all"), "{found:?}");
}

#[test]
fn a_doubled_unknown_record_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            let payload = log.records[3].payload.clone();
            log.records.push(extra(4, "c", payload));
            log.end = 5;
        });
    });
    assert!(found.contains(&"every id is there once and whole, or not at all"), "{found:?}");
}

#[test]
fn a_gap_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records[3].offset = 4;
            log.end = 5;
        });
    });
    assert!(found.contains(&"offsets are dense"), "{found:?}");
}

#[test]
fn other_bytes_are_found() {
    let found = broken(|_, dumps| on_every_node(dumps, |log| log.records[0].payload = Bytes::from_static(b"other")));
    assert!(found.contains(&"what was acknowledged is there"), "{found:?}");
    assert!(found.contains(&"every id is there once and whole, or not at all"), "{found:?}");
}

#[test]
fn a_record_that_nobody_sent_is_found() {
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records.push(extra(4, "e", Bytes::from_static(b"e")));
            log.end = 5;
        });
    });
    assert_eq!(found, ["nothing unsent is there", "nothing unsent is there"]);
}

#[test]
fn two_answers_for_an_id_are_found() {
    let found = broken(|events, _| {
        let mut attempt = events.operations[0].attempts[0].clone();
        attempt.answer = Some(Ok(Acknowledgement { replayed: true, ..acknowledgement(8, 1) }));
        events.operations[0].attempts.push(attempt);
    });
    assert_eq!(found, ["an id has one answer"]);
}

#[test]
fn two_first_arrivals_are_found() {
    let found = broken(|events, _| {
        let attempt = events.operations[0].attempts[0].clone();
        events.operations[0].attempts.push(attempt);
    });
    assert_eq!(found, ["an id is decided once"]);
}

#[test]
fn a_shared_sequence_number_is_found() {
    let found = broken(|events, _| {
        let mut shared = acknowledgement(1, 2);
        shared.place.sequence = 1;
        events.operations[1].attempts[0].answer = Some(Ok(shared));
    });
    assert_eq!(found, ["outcomes have numbers of their own"]);
}

#[test]
fn a_later_command_at_an_earlier_offset_is_found() {
    let found = broken(|events, _| {
        // `b` was acknowledged at 1 before `a`, at 0, was sent.
        events.operations[0].attempts[0].invoked = at(100);
        events.operations[0].attempts[0].completed = Some(at(105));
        events.ends.clear();
    });
    assert_eq!(found, ["order is real time"]);
}

#[test]
fn a_failed_command_that_appears_is_found() {
    let found = broken(|events, _| events.operations[2].attempts[0].answer = Some(Err(failure(Effect::None))));
    assert_eq!(found, ["what failed is nowhere", "what failed is nowhere"]);
}

#[test]
fn a_cancelled_command_that_appears_is_found() {
    let found = broken(|events, _| events.operations[2].cancelled = true);
    assert_eq!(found, ["what was cancelled is nowhere", "what was cancelled is nowhere"]);
}

#[test]
fn a_command_that_is_applied_and_cancelled_is_found() {
    let found = broken(|events, dumps| {
        events.operations[0].cancelled = true;
        dumps.clear();
    });
    assert_eq!(found, ["every replica is judged", "an id is applied or cancelled"]);
}

/// `a` and `b`, sent at these places of streams, each at the moment of the other.
fn streamed(a: StreamPlace, b: StreamPlace, b_replayed: bool) -> Vec<&'static str> {
    broken(|events, _| {
        for (operation, place) in events.operations.iter_mut().zip([a, b]) {
            let attempt = &mut operation.attempts[0];
            (attempt.invoked, attempt.completed, attempt.place) = (at(10), Some(at(15)), Some(place));
            if let (Some(Ok(acknowledgement)), 1) = (&mut attempt.answer, place.stream) {
                acknowledgement.replayed = b_replayed;
            }
        }
    })
}

#[test]
fn a_stream_that_decides_in_another_order_is_found() {
    let place = |position| StreamPlace { stream: 0, position };
    assert_eq!(streamed(place(3), place(4), false), Vec::<&str>::new());
    assert_eq!(streamed(place(4), place(3), false), ["a stream's appends are decided in the order sent"]);
}

#[test]
fn what_was_sent_again_out_of_order_is_found() {
    let place = |stream| StreamPlace { stream, position: 0 };
    assert_eq!(streamed(place(0), place(1), true), Vec::<&str>::new());
    let found = broken(|events, _| {
        for operation in &mut events.operations {
            let attempt = &mut operation.attempts[0];
            (attempt.invoked, attempt.completed, attempt.place) = (at(10), Some(at(15)), Some(place(0)));
        }
        events.operations[1].attempts[0].place = Some(place(1));
        events.operations.swap(0, 1);
    });
    assert_eq!(found, ["sending again keeps the order"]);
}

#[test]
fn digests_that_differ_are_found() {
    assert_eq!(broken(|_, dumps| dumps[1].digest = "abd".to_owned()), ["digests agree"]);
    assert_eq!(broken(|_, dumps| drop(dumps[1].remembered.insert(4, "aa".to_owned()))), ["digests agree"]);
}

#[test]
fn a_stale_read_is_found() {
    assert_eq!(broken(|events, _| events.ends[0].end = 2), ["reads are linearizable"]);
}

#[test]
fn a_read_that_turns_back_is_found() {
    let found = broken(|events, _| {
        events.ends.push(EndSeen { log: LOG.to_owned(), invoked: at(50), completed: at(51), end: 4 });
        events.ends.push(EndSeen { log: LOG.to_owned(), invoked: at(52), completed: at(53), end: 3 });
    });
    assert_eq!(found, ["reads are linearizable"]);
}

#[test]
fn a_read_beyond_what_was_sent_is_found() {
    assert_eq!(broken(|events, _| events.ends[0].end = 5), ["reads see what was sent"]);
}
