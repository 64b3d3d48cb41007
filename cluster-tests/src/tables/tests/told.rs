//! What a replica remembers beside what was sent and told: P25.

use std::time::Duration;

use super::super::fingerprint;
use super::sample::{MAIN, Sample, plain};
use crate::client::{Acknowledgement, Effect, Failure, Place};
use crate::command::{self, compensate, create_space, put, sealed};
use crate::history::{
    Attempt, CancelTold, Command, CommandAttempt, Decided, Events, Few, Hash, Job, Many, Meant, Name, Operation,
    Packed, Reuse,
};
use crate::oracle::judge;
use crate::proto::action::Action as Kind;
use crate::proto::guard::Guard as Wanted;
use crate::proto::outcome::Verdict;
use crate::proto::refused::{Found, Step};
use crate::proto::{
    Action, AppendRecords, Cancelled, Guard, Header, LogEndIs, NewRecord, Outcome, Refused, SubmitRequest,
};

fn none() -> Failure {
    Failure { effect: Effect::None, ..Failure::silence(tonic::Code::Unavailable, "") }
}

fn operation(id: &str, answer: Option<Result<Acknowledgement, Failure>>) -> Operation {
    let (invoked, completed) = (Duration::from_millis(1), answer.as_ref().map(|_| Duration::from_millis(2)));
    Operation {
        client: 0,
        log: "orders".into(),
        id: id.into(),
        payloads: Vec::new(),
        contents: Few::new(),
        attempts: Few::from_iter([Attempt { node: 1, place: None, invoked, completed, answer }]),
        fingerprint: None,
        believed: false,
        doubted: false,
        cancels: Few::new(),
    }
}

fn told_cancelled() -> Few<CancelTold> {
    Few::from_iter([CancelTold { at: Duration::from_millis(2), sequence: 5, history: 3, time_ms: 1_005 }])
}

fn acknowledged(id: &str, sequence: u64, first_offset: u64, count: u32) -> Operation {
    let place = Place { first_offset, count, sequence, history: 3, time_ms: 1_000 + sequence };
    operation(id, Some(Ok(Acknowledgement { replayed: false, place })))
}

fn command(request: &SubmitRequest, outcome: Option<&Outcome>) -> Command {
    let answer = outcome.map_or(Err(none()), |it| Ok(Decided { replayed: false, sealed: sealed(it) }));
    let (invoked, completed) = (Duration::from_millis(1), Some(Duration::from_millis(2)));
    Command {
        client: 0,
        space: Name::from(request.space.as_str()),
        id: request.id.as_ref().unwrap().text.as_str().into(),
        job: Job::Prepare,
        request: Packed::of(request),
        log: Name::default(),
        contents: Vec::new(),
        further: Vec::new(),
        attempts: vec![CommandAttempt { node: 1, invoked, completed, answer: Some(answer) }],
    }
}

fn undo() -> SubmitRequest {
    command::command("undo", vec![], vec![compensate("c"), put("x", -7)])
}

/// All ids of the sample were sent; those that appended and the one that undid another were answered.
fn sound() -> (Events, Sample) {
    let mut sample = Sample::sound();
    sample.remembered("undo").fingerprint = Some((1, fingerprint::of(&undo()).unwrap()));
    let mut cancelled = operation("never", None);
    cancelled.cancels = told_cancelled();
    let operations = vec![
        acknowledged("a", 1, 0, 1),
        acknowledged("b", 2, 1, 2),
        cancelled,
        operation("failed", Some(Err(none()))),
        operation("before", None),
        operation("again", None),
    ];
    let mut commands = vec![command(&undo(), Some(&sample.remembered("undo").outcome))];
    for id in ["c", "d", "e", "drop", "leave", "late"] {
        commands.push(command(&command::command(id, vec![], vec![]), None));
    }
    // Answered with silence: nobody knows.
    for command in commands.iter_mut().skip(1) {
        command.attempts[0].answer = None;
    }
    let (operations, commands, meant) = (Many::from(operations), Many::from(commands), Some(Meant::default()));
    let events = Events { operations, commands, meant, ..Events::default() };
    (events, sample)
}

fn found<T>(damage: impl FnOnce(&mut Events, &mut Sample) -> T) -> Vec<String> {
    let (mut events, mut sample) = sound();
    damage(&mut events, &mut sample);
    let found = judge(&events, &[sample.dump()]);
    found.into_iter().filter(|it| it.property == "P25").map(|it| it.found).collect()
}

fn finds<T>(words: &str, damage: impl FnOnce(&mut Events, &mut Sample) -> T) {
    let found = found(damage);
    assert!(found.iter().any(|what| what.contains(words)), "{words:?} is not in {found:#?}");
}

#[test]
fn what_is_remembered_as_it_was_told_is_accepted() {
    assert_eq!(found(|_, _| ()), Vec::<String>::new());
}

#[test]
fn an_id_that_nobody_sent_is_found() {
    finds("d is remembered, and nobody has sent it", |events, _| {
        events.commands.plain().retain(|command| command.id != "d");
    });
    // What was to be undone was sent by whoever wanted that.
    assert_eq!(found(|events, _| events.commands.plain().retain(|it| it.id != "c")), Vec::<String>::new());
}

#[test]
fn an_answer_that_is_not_the_stored_outcome_is_found() {
    finds("a was answered, and is not remembered", |_, sample| sample.ids.remove(&(MAIN, plain("a"))));
    let spoilt = "a was answered with Place";
    finds(spoilt, |_, sample| sample.remembered("a").outcome.time_ms += 1);
    finds(spoilt, |_, sample| sample.remembered("a").outcome.history = 2);
    finds(spoilt, |_, sample| sample.remembered("a").outcome.sequence = 7);
    finds(spoilt, |events, _| events.operations[0] = acknowledged("a", 1, 1, 1));
    finds(spoilt, |events, _| events.operations[0] = acknowledged("a", 1, 0, 2));
    finds(spoilt, |_, sample| sample.remembered("a").outcome.verdict = Some(Verdict::Cancelled(Cancelled {})));
    finds("undo was answered with", |_, sample| sample.remembered("undo").outcome.time_ms += 1);
    finds("undo was answered, and is not remembered", |_, sample| sample.ids.remove(&(MAIN, plain("undo"))));
}

#[test]
fn a_fingerprint_of_something_else_is_found() {
    finds("undo has a fingerprint of something else", |_, sample| {
        sample.remembered("undo").fingerprint = Some((1, [7; 16]));
    });
    finds("undo has a fingerprint of something else", |_, sample| sample.remembered("undo").fingerprint = None);
}

/// Only whole commands were looked at before.
#[test]
fn a_fingerprint_of_another_append_is_found() {
    let sent = |payload: &'static [u8], sample: &mut Sample, events: &mut Events| {
        let fingerprint = fingerprint::of_append("orders", "a", &[payload.into()]);
        sample.remembered("a").fingerprint = Some((1, fingerprint.unwrap()));
        let asked = fingerprint::of_append("orders", "a", &[b"x".as_slice().into()]);
        events.operations[0].fingerprint = asked.map(Hash::from);
    };
    assert_eq!(found(|events, sample| sent(b"x", sample, events)), Vec::<String>::new());
    finds("a has a fingerprint of something else", |events, sample| sent(b"y", sample, events));
}

#[test]
fn a_mark_that_is_lost_or_names_another_is_found() {
    finds("c was undone by undo, and its mark is None", |_, sample| sample.remembered("c").compensated_by = None);
    finds("c was undone by undo, and its mark is Some", |_, sample| {
        sample.remembered("c").compensated_by = Some(plain("d"));
    });
    let refuse = |by: &str, events: &mut Events, sample: &mut Sample| {
        let found = Some(Found::AlreadyCompensatedBy(command::id(by)));
        let verdict = Verdict::Refused(Refused { step: Some(Step::Action(0)), found });
        let outcome = Outcome { verdict: Some(verdict), ..sample.remembered("undo").outcome.clone() };
        events.commands[0] = command(&undo(), Some(&outcome));
        sample.remembered("undo").outcome = outcome;
    };
    assert_eq!(found(|events, sample| refuse("undo", events, sample)), Vec::<String>::new());
    finds("c was undone by d, and its mark is Some", |events, sample| refuse("d", events, sample));
}

#[test]
fn what_had_no_effect_and_is_remembered_as_done_is_found() {
    finds("d had no effect, and is", |events, _| {
        events.commands.plain().retain(|command| command.id != "d");
        events.operations.push(operation("d", Some(Err(none()))));
    });
    let request = command::command("e", vec![], vec![put("x", 1)]);
    finds("e had no effect, and is", |events, _| {
        events.commands.plain().retain(|command| command.id != "e");
        events.commands.push(command(&request, None));
    });
    finds("d was cancelled, and is remembered otherwise", |events, _| {
        events.operations.push(Operation { cancels: told_cancelled(), ..operation("d", None) });
    });
}

#[test]
fn an_id_that_was_also_sent_for_something_else_may_be_done() {
    let reused = |events: &mut Events| {
        events.commands.plain().retain(|command| command.id != "d");
        events.operations.push(operation("d", Some(Err(none()))));
        let (invoked, completed) = (Duration::from_millis(1), Duration::from_millis(2));
        let reuse = Reuse {
            id: "d".into(),
            log: "orders".into(),
            contents: Vec::new(),
            node: 1,
            invoked,
            completed,
            answer: Err(none()),
        };
        events.reuses.push(reuse);
    };
    assert_eq!(found(|events, _| reused(events)), Vec::<String>::new());
}

#[test]
fn what_went_with_its_space_is_not_missed() {
    let request = SubmitRequest { space: "gone".to_owned(), ..command::command("there", vec![], vec![put("x", 1)]) };
    let outcome = sound().1.remembered("a").outcome.clone();
    let gone = |events: &mut Events| events.commands.push(command(&request, Some(&outcome)));
    assert_eq!(found(|events, _| gone(events)), Vec::<String>::new());
}

#[test]
fn a_fingerprint_is_that_of_the_documented_bytes() {
    let request = command::command_in(
        command::SYSTEM,
        command::born("s", 300),
        vec![],
        vec![create_space("brief", Some(60_000))],
    );
    let bytes = super::unhex("010e6f6e63656c6f672e73797374656d02ac0201730001").unwrap();
    let bytes = [&bytes[..], &[13, 5], b"brief", &[1, 0xe0, 0xd4, 0x03, 1]].concat();
    assert_eq!(fingerprint::of(&request).as_ref().map(|it| &it[..]), blake3::hash(&bytes).as_bytes().get(..16));
    let header = Header { key: "kind".to_owned(), value: "order".into() };
    let records = [(&b"hello"[..], vec![header]), (b"", vec![])];
    let records = records.map(|(payload, headers)| NewRecord { payload: payload.into(), headers });
    let append = AppendRecords { log: "orders".to_owned(), records: records.into() };
    let guard = Guard { guard: Some(Wanted::LogEnd(LogEndIs { log: "orders".to_owned(), end: 300 })) };
    let append = Action { action: Some(Kind::Append(append)) };
    let known = command::command("019a9f3c-7b00-7abc-8def-0123456789ab", vec![guard], vec![append]);
    let expected = super::unhex("31e1c3dfae1e81aa0f4a4fcc92d24a7f");
    assert_eq!(fingerprint::of(&known).map(|it| it.to_vec()), expected, "as the product's own tests have it");
    assert_eq!(fingerprint::of(&SubmitRequest { id: None, ..request }), None);
}
