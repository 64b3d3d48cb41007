//! Broken histories for each property, and a sound one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Dump, Evidence, LogDump, PROPERTIES, Stored, judge};
use crate::client::{Acknowledgement, Effect, Failure, Place};
use crate::history::{
    Again, Attempt, Content, Effective, EndSeen, Events, Fault, LocalSeen, Meant, Operation, RecordSeen, Recovery,
    Reuse, StatusSeen, StreamPlace, file,
};
use crate::sample;
use crate::scratch::Scratch;

const LOG: &str = "orders";
const WALL_MS: u64 = 1_700_000_000_000;

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn acknowledgement(offset: u64, count: u32) -> Acknowledgement {
    let place = Place { first_offset: offset, count, sequence: offset + 1, history: 7, time_ms: WALL_MS + 40 };
    Acknowledgement { replayed: false, place }
}

fn failure(effect: Effect) -> Failure {
    Failure { effect, ..Failure::silence(tonic::Code::Unavailable, "") }
}

fn refused(code: &str, reason: &str) -> Failure {
    Failure { code: code.to_owned(), reason: reason.to_owned(), ..failure(Effect::None) }
}

fn operation(id: &str, records: usize, invoked: u64, answer: Result<Acknowledgement, Failure>) -> Operation {
    let (invoked, completed) = (at(invoked), Some(at(invoked + 5)));
    let attempt = Attempt { node: 1, place: None, invoked, completed, answer: Some(answer) };
    let payloads = sample::payloads(id, records, 1);
    Operation {
        client: 0,
        log: LOG.to_owned(),
        id: id.to_owned(),
        contents: payloads.iter().map(|payload| Content::of(payload)).collect(),
        payloads,
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
        content: Content::of(&sample::payloads(id, index + 1, 1).pop().unwrap()),
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
    let shown = dump.logs[LOG].records.iter().take(3);
    let records = shown.map(|record| RecordSeen {
        offset: record.offset,
        id: record.id.clone(),
        content: record.content.clone(),
    });
    let local = LocalSeen {
        node: 1,
        log: LOG.to_owned(),
        invoked: at(50),
        completed: at(51),
        end: 3,
        records: records.collect(),
    };
    let status = |node, term, leads| StatusSeen {
        node,
        at: at(60),
        term,
        leads,
        serves: true,
        committed: 4,
        applied: 4,
        digest: "ab".to_owned(),
    };
    let reuse = Reuse {
        id: "a".to_owned(),
        log: LOG.to_owned(),
        contents: vec![Content::of(b"something else")],
        node: 2,
        invoked: at(70),
        completed: at(71),
        answer: Err(refused("AlreadyExists", "ID_REUSED")),
    };
    let kill = Fault {
        kind: "kill leader".to_owned(),
        what: "kill -9 of node 1".to_owned(),
        begun: at(30),
        healed: Some(at(40)),
        effective: Effective::Installed,
    };
    let recovery = |again| Recovery { fault: "kill leader".to_owned(), again, healed: at(40), seen: Some(at(1_000)) };
    let meant = Meant {
        faults: vec![kill.kind.clone()],
        acknowledged: 2,
        leader_changes: 1,
        nodes: vec![1, 2],
        wall_ms: WALL_MS,
        ..Meant::default()
    };
    let events = Events {
        operations,
        ends,
        locals: vec![local],
        reuses: vec![reuse],
        statuses: vec![status(1, 1, true), status(2, 2, true), status(1, 2, false)],
        faults: vec![kill],
        recoveries: vec![recovery(Again::Writes), recovery(Again::Agrees)],
        meant: Some(meant),
        ..Events::default()
    };
    (events, vec![dump.clone(), Dump { node: 2, ..dump }])
}

/// Breaks the sound history and returns the properties that the oracle finds broken, each once.
fn broken(damage: impl FnOnce(&mut Events, &mut Vec<Dump>)) -> Vec<&'static str> {
    let (mut events, mut dumps) = sound();
    damage(&mut events, &mut dumps);
    let mut found: Vec<_> = judge(&events, &dumps).into_iter().map(|violation| violation.property).collect();
    found.dedup();
    found
}

fn log(dumps: &mut [Dump], node: usize) -> &mut LogDump {
    dumps[node].logs.get_mut(LOG).unwrap()
}

fn on_every_node(dumps: &mut [Dump], damage: impl Fn(&mut LogDump)) {
    for node in 0..dumps.len() {
        damage(log(dumps, node));
    }
}

fn extra(offset: u64, id: &str, content: Content) -> Stored {
    Stored { offset, id: id.to_owned(), content, time_ms: 1 }
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
            let content = log.records[0].content.clone();
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
            let content = log.records[3].content.clone();
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
fn two_answers_for_an_id_are_found() {
    let found = broken(|events, _| {
        let mut attempt = events.operations[0].attempts[0].clone();
        attempt.answer = Some(Ok(Acknowledgement { replayed: true, ..acknowledgement(8, 1) }));
        events.operations[0].attempts.push(attempt);
    });
    assert_eq!(found, ["P3"]);
}

#[test]
fn two_first_arrivals_are_found() {
    let found = broken(|events, _| {
        let attempt = events.operations[0].attempts[0].clone();
        events.operations[0].attempts.push(attempt);
    });
    assert_eq!(found, ["P3"]);
}

#[test]
fn a_shared_sequence_number_is_found() {
    let found = broken(|events, _| {
        let mut shared = acknowledgement(1, 2);
        shared.place.sequence = 1;
        events.operations[1].attempts[0].answer = Some(Ok(shared));
    });
    assert_eq!(found, ["P3"]);
}

#[test]
fn a_later_command_at_an_earlier_offset_is_found() {
    let found = broken(|events, _| {
        // `b` was acknowledged at 1 before `a`, at 0, was sent.
        events.operations[0].attempts[0].invoked = at(100);
        events.operations[0].attempts[0].completed = Some(at(105));
        events.ends.clear();
    });
    assert_eq!(found, ["P7"]);
}

#[test]
fn a_failed_command_that_appears_is_found() {
    let found = broken(|events, _| events.operations[2].attempts[0].answer = Some(Err(failure(Effect::None))));
    assert_eq!(found, ["P10"]);
}

#[test]
fn a_cancelled_command_that_appears_is_found() {
    let found = broken(|events, _| events.operations[2].cancelled = true);
    assert_eq!(found, ["P10"]);
}

#[test]
fn a_command_that_is_applied_and_cancelled_is_found() {
    let found = broken(|events, dumps| {
        events.operations[0].cancelled = true;
        dumps.clear();
    });
    assert_eq!(found, ["P5", "P10"]);
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
    assert_eq!(streamed(place(4), place(3), false), ["P7"]);
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
    assert_eq!(found, ["P7"]);
}

#[test]
fn digests_that_differ_are_found() {
    assert_eq!(broken(|_, dumps| dumps[1].digest = "abd".to_owned()), ["P5"]);
    assert_eq!(broken(|_, dumps| drop(dumps[1].remembered.insert(4, "aa".to_owned()))), ["P5"]);
}

#[test]
fn a_stale_read_is_found() {
    assert_eq!(broken(|events, _| events.ends[0].end = 2), ["P8"]);
}

#[test]
fn a_read_that_turns_back_is_found() {
    let found = broken(|events, _| {
        events.ends.push(EndSeen { log: LOG.to_owned(), invoked: at(50), completed: at(51), end: 4 });
        events.ends.push(EndSeen { log: LOG.to_owned(), invoked: at(52), completed: at(53), end: 3 });
    });
    assert_eq!(found, ["P8"]);
}

#[test]
fn a_read_beyond_what_was_sent_is_found() {
    assert_eq!(broken(|events, _| events.ends[0].end = 5), ["P8"]);
}

#[test]
fn a_local_read_that_goes_back_is_found_and_one_beyond_every_log() {
    let goes_back = |events: &mut Events| {
        let later =
            LocalSeen { invoked: at(60), completed: at(61), end: 2, records: Vec::new(), ..events.locals[0].clone() };
        events.locals.push(later);
    };
    assert_eq!(broken(|events, _| goes_back(events)), ["P9"]);
    let beyond = |events: &mut Events| {
        let earlier = LocalSeen { end: 9, records: Vec::new(), ..events.locals[0].clone() };
        let later = LocalSeen { invoked: at(60), completed: at(61), end: 9, records: Vec::new(), ..earlier.clone() };
        events.locals = vec![earlier, later];
    };
    assert_eq!(broken(|events, _| beyond(events)), ["P9"]);
}

#[test]
fn a_record_that_changes_after_it_was_seen_is_found() {
    assert_eq!(broken(|events, _| events.locals[0].records[2].content = Content::of(b"another")), ["P11"]);
    let twice = |events: &mut Events| {
        let mut other = events.locals[0].clone();
        (other.node, other.records[1].id) = (2, "c".to_owned());
        events.locals.push(other);
    };
    assert_eq!(broken(|events, _| twice(events)), ["P11"]);
}

#[test]
fn a_cluster_that_does_not_come_back_in_time_is_found_and_a_term_with_two_leaders() {
    assert_eq!(broken(|events, _| events.recoveries[0].seen = Some(at(10_041))), ["P12"]);
    assert_eq!(broken(|events, _| events.recoveries[0].seen = None), ["P12"]);
    assert_eq!(broken(|events, _| events.recoveries[1].seen = Some(at(60_041))), ["P12"]);
    assert_eq!(broken(|events, _| events.statuses[2].leads = true), ["P12"]);
}

#[test]
fn an_id_of_which_nobody_knows_although_it_was_sent_again_is_found() {
    assert_eq!(
        broken(|events, _| events.settled = Some(at(35))),
        ["P13"],
        "`c` was sent before that, and `d` after it"
    );
    assert_eq!(broken(|events, _| events.settled = Some(at(5))), Vec::<&str>::new());
}

#[test]
fn an_id_that_is_used_for_something_else_is_found() {
    assert_eq!(broken(|events, _| events.reuses[0].answer = Ok(acknowledgement(0, 1))), ["P14"]);
    assert_eq!(broken(|events, _| events.reuses[0].answer = Err(refused("NotFound", "NO_SUCH_LOG"))), ["P14"]);
    assert_eq!(
        broken(|events, _| events.reuses[0].answer = Err(refused("Unavailable", "NO_LEADER"))),
        Vec::<&str>::new()
    );
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records.push(extra(4, "a", Content::of(b"something else")));
            log.end = 5;
        });
    });
    assert_eq!(found, ["P2", "P6", "P14"]);
}

#[test]
fn an_id_that_was_too_old_and_is_taken_is_found() {
    let found = broken(|events, _| {
        let first = Attempt {
            invoked: at(1),
            completed: Some(at(2)),
            answer: Some(Err(refused("FailedPrecondition", "ID_TOO_OLD"))),
            ..events.operations[0].attempts[0].clone()
        };
        events.operations[0].attempts.insert(0, first);
    });
    assert_eq!(found, ["P15"]);
}

#[test]
fn a_stamp_that_is_not_of_its_time_is_found() {
    let stamped = |ms| {
        broken(|events, _| {
            for operation in &mut events.operations {
                for attempt in &mut operation.attempts {
                    if let Some(Ok(acknowledgement)) = &mut attempt.answer {
                        acknowledgement.place.time_ms = ms;
                    }
                }
            }
        })
    };
    assert_eq!(stamped(WALL_MS + 3_600_000), ["P16"]);
    assert_eq!(stamped(WALL_MS - 3_600_000), ["P16"]);
}

#[test]
fn a_run_without_what_it_was_meant_to_have_is_found() {
    assert_eq!(broken(|events, _| events.faults.clear()), ["P17"]);
    assert_eq!(broken(|events, _| events.faults[0].effective = Effective::Indeterminate), ["P17"]);
    assert_eq!(broken(|events, _| events.faults[0].effective = Effective::Skipped), Vec::<&str>::new());
    assert_eq!(broken(|events, _| events.meant.as_mut().unwrap().acknowledged = 3), ["P17"]);
    assert_eq!(broken(|events, _| events.meant.as_mut().unwrap().leader_changes = 2), ["P17"]);
}

#[test]
fn what_was_written_is_judged_like_what_was_seen() {
    let scratch = Scratch::new("history-file");
    let path = scratch.path().join("history.jsonl");
    let judged = |events: &Events, dumps: &[Dump]| {
        file::write(&path, events, dumps).unwrap();
        let (events, dumps) = file::read(&path).unwrap();
        judge(&events, &dumps)
    };
    let (mut events, mut dumps) = sound();
    assert_eq!(judged(&events, &dumps), []);
    log(&mut dumps, 0).records[3].content = Content::of(b"rotten");
    events.statuses[0].digest = "ac".to_owned();
    let found = judged(&events, &dumps);
    assert!(!found.is_empty());
    assert_eq!(found, judge(&events, &dumps));
    std::fs::write(&path, "{\"record\":{}}\n").unwrap();
    assert!(file::read(&path).unwrap_err().to_string().starts_with("line 1: "));
}

/// A million operations take seconds.
#[test]
fn many_operations_are_judged_in_a_moment() {
    let count: u64 = 100_000;
    let mut operations = Vec::new();
    let mut records = Vec::new();
    for number in 0..count {
        let id = format!("id-{number}");
        let mut place = acknowledgement(number, 1);
        place.place.time_ms = WALL_MS + number;
        operations.push(operation(&id, 1, number, Ok(place)));
        let content = operations[operations.len() - 1].contents[0].clone();
        records.push(Stored { offset: number, id, content, time_ms: 1 });
    }
    let log = LogDump { start: 0, end: count, records };
    let (mut events, mut dumps) = sound();
    events.operations = operations;
    (events.ends, events.locals) = (Vec::new(), Vec::new());
    for dump in &mut dumps {
        dump.logs.insert(LOG.to_owned(), log.clone());
    }
    let begun = std::time::Instant::now();
    assert_eq!(judge(&events, &dumps), []);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_property_for_which_there_is_nothing_says_so() {
    let nothing = Events::default();
    let empty = Evidence { events: &nothing, replicas: &[] };
    for property in &PROPERTIES {
        assert_eq!((property.judged)(empty), 0, "{}", property.name);
    }

    let without = |damage: &dyn Fn(&mut Events)| {
        let (mut events, dumps) = sound();
        damage(&mut events);
        let evidence = Evidence { events: &events, replicas: &dumps };
        let idle = PROPERTIES.iter().filter(|property| (property.judged)(evidence) == 0);
        idle.map(|property| property.name).collect::<Vec<_>>()
    };
    // Nothing was sent again, and no id was too old.
    assert_eq!(without(&|_| ()), ["P13", "P15"]);
    assert_eq!(without(&|events| events.reuses.clear()), ["P13", "P14", "P15"]);
    let sent_again_too_late = |events: &mut Events| {
        events.settled = Some(at(100));
        for (invoked, reason) in [(80, "ID_TOO_OLD"), (110, "ID_TOO_OLD")] {
            let answer = Err(refused("FailedPrecondition", reason));
            let (invoked, completed) = (at(invoked), Some(at(invoked + 1)));
            events.operations[3].attempts.push(Attempt {
                node: 1,
                place: None,
                invoked,
                completed,
                answer: Some(answer),
            });
        }
    };
    assert_eq!(without(&sent_again_too_late), Vec::<&str>::new());
}

#[test]
fn properties_are_named_in_order() {
    let names: Vec<_> = PROPERTIES.iter().map(|property| property.name.to_owned()).collect();
    assert_eq!(names, (1..=17).map(|number| format!("P{number}")).collect::<Vec<_>>());
}
