//! Broken histories for each property, and a sound one.

mod answers;
mod blind;
mod commands;
mod deleted;
mod jobs;
mod lists;
mod loads;
mod looks;
mod model;
mod order;
mod records;
mod run;
mod state;
mod stored;
mod times;
mod told;
mod violations;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Dump, Evidence, LogDump, PROPERTIES, Stored, judge};
use crate::client::{Acknowledgement, Effect, Failure, Place};
use crate::history::{
    Again, AllSeen, Attempt, CancelTold, Content, Effective, EndSeen, Event, Events, Fault, Few, LocalSeen, Many,
    Meant, Name, Operation, RecordSeen, Recovery, Reuse, Round, StatusSeen, StreamPlace, file,
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
        log: LOG.into(),
        id: id.into(),
        contents: payloads.iter().map(|payload| Content::of(payload)).collect(),
        payloads,
        attempts: Few::from_iter([attempt]),
        fingerprint: None,
        believed: false,
        doubted: false,
        cancels: Few::new(),
    }
}

/// A cancel that was answered *cancelled*.
fn cancelled(sequence: u64) -> Few<CancelTold> {
    Few::from_iter([CancelTold { at: at(36), sequence, history: 7, time_ms: WALL_MS + 40 }])
}

/// `a` at 0, `b` at 1 and 2, and `c`, of which nobody knows, at 3; the same on two nodes.
fn sound() -> (Events, Vec<Dump>) {
    let operations = Many::from(vec![
        operation("a", 1, 10, Ok(acknowledgement(0, 1))),
        operation("b", 2, 20, Ok(acknowledgement(1, 2))),
        operation("c", 1, 30, Err(failure(Effect::Unknown))),
        operation("d", 1, 40, Err(failure(Effect::None))),
    ]);
    let records = [("a", 0), ("b", 0), ("b", 1), ("c", 0)].into_iter().zip(0..).map(|((id, index), offset)| Stored {
        offset,
        id: id.into(),
        content: Content::of(&sample::payloads(id, index + 1, 1).pop().unwrap()),
        time_ms: 1,
    });
    let log = LogDump { start: 0, end: 4, records: records.collect() };
    let dump = Dump {
        node: 1,
        applied_index: 9,
        digest: "abc".to_owned(),
        remembered: BTreeMap::from([(4, "ab".to_owned())]),
        spaces: BTreeSet::from(["main".to_owned()]),
        logs: BTreeMap::from([(LOG.to_owned(), Arc::new(log))]),
        ..Dump::default()
    };
    let ends = vec![EndSeen { log: LOG.into(), invoked: at(26), completed: at(31), end: 3 }].into();
    let shown = dump.logs[LOG].records.iter().take(3);
    let records = shown.map(|record| RecordSeen { offset: record.offset, id: record.id, content: record.content });
    let local = local(50, 3, records.collect());
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
        id: "a".into(),
        log: LOG.into(),
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
        locals: vec![local].into(),
        reuses: vec![reuse].into(),
        statuses: vec![status(1, 1, true), status(2, 2, true), status(1, 2, false)].into(),
        faults: vec![kill],
        recoveries: vec![recovery(Again::Writes), recovery(Again::Agrees)],
        meant: Some(meant),
        ..Events::default()
    };
    (events, vec![dump.clone(), Dump { node: 2, ..dump }])
}

/// What node 1 shows of a log from its first record on.
fn local(invoked: u64, end: u64, records: Vec<RecordSeen>) -> LocalSeen {
    let all = AllSeen::of(records.iter().copied());
    let (invoked, completed) = (at(invoked), at(invoked + 1));
    LocalSeen { node: 1, log: LOG.into(), invoked, completed, start: 0, end, records, all }
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
    log_of(&mut dumps[node], LOG)
}

/// A log of one replica alone, to be changed.
fn log_of<'a>(dump: &'a mut Dump, name: &str) -> &'a mut LogDump {
    Arc::make_mut(dump.logs.get_mut(name).unwrap())
}

/// Writes a history that was made by hand, as it would have been written while it happened.
fn written(path: &Path, events: &Events, dumps: &[Dump]) {
    let mut writer = file::Writer::create(path).unwrap();
    writer.write_all(told::told(events)).unwrap();
    writer.write_all(file::look(Duration::ZERO, dumps)).unwrap();
    writer.write(&Event::Ended { at: Duration::ZERO, broken_off: None }).unwrap();
}

fn on_every_node(dumps: &mut [Dump], damage: impl Fn(&mut LogDump)) {
    for node in 0..dumps.len() {
        damage(log(dumps, node));
    }
}

fn extra(offset: u64, id: &str, content: Content) -> Stored {
    Stored { offset, id: id.into(), content, time_ms: 1 }
}

#[test]
fn a_sound_history_has_no_violation() {
    assert_eq!(broken(|_, _| ()), Vec::<&str>::new());
}

#[test]
fn what_was_written_is_judged_like_what_was_seen() {
    let scratch = Scratch::new("history-file");
    let path = scratch.path().join("history.jsonl");
    let judged = |events: &Events, dumps: &[Dump]| {
        written(&path, events, dumps);
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

/// What is sorted takes a little more than ten times as long for ten times as much, what is searched a hundred times.
#[test]
fn many_operations_are_judged_by_sorting() {
    judging(1_000);
    let (few, many) = (judging(20_000), judging(200_000));
    assert!(many < few * 40 + Duration::from_millis(500), "{few:?} for 20,000, and {many:?} for 200,000");
}

/// How long it takes to judge so many appends, with as many reads of the end and as many looks at a node.
fn judging(count: u64) -> Duration {
    let (mut events, mut dumps) = sound();
    (events.operations, events.ends, events.locals) = (Many::default(), Many::default(), Many::default());
    let mut records = Vec::new();
    for number in 0..count {
        let id = format!("id-{number}");
        let mut place = acknowledgement(number, 1);
        place.place.time_ms = WALL_MS + number;
        let operation = operation(&id, 1, number, Ok(place));
        records.push(extra(number, &id, operation.contents[0]));
        events.operations.push(operation);
        let (log, invoked, completed, end) = (Name::of(LOG), at(number + 6), at(number + 7), number + 1);
        events.ends.push(EndSeen { log, invoked, completed, end });
        events.locals.push(local(number + 6, end, Vec::new()));
    }
    for dump in &mut dumps {
        dump.logs.insert(LOG.to_owned(), Arc::new(LogDump { start: 0, end: count, records: records.clone() }));
    }
    let begun = std::time::Instant::now();
    assert_eq!(judge(&events, &dumps), []);
    begun.elapsed()
}

#[test]
fn properties_are_named_in_order() {
    let names: Vec<_> = PROPERTIES.iter().map(|property| property.name.to_owned()).collect();
    assert_eq!(names, (1..=26).map(|number| format!("P{number}")).collect::<Vec<_>>());
}
