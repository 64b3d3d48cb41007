//! A sound history of whole commands, and what properties of all ids say of broken ones.

use bytes::Bytes;

use super::*;
use crate::command as request;
use crate::history::{
    CellsSeen, Command, CommandAttempt, Decided, Fate, Got, Job, LookedUp, Number, Packed, PageSeen, Sealed, Verdict,
};
use crate::oracle::Held;

const JOURNAL: &str = "journal";
const WRITES: &str = "writes";
pub(super) const EFFECTS: &str = "effects";
const READINGS: &str = "forgetful/readings";

/// One that was decided, a moment after it was sent; the sequence says when that was. Its time counts from [`WALL_MS`].
pub(super) fn command(id: &str, job: Job, sequence: u64, time_ms: u64, verdict: Verdict) -> Command {
    let sealed = Sealed { sequence, history: 7, time_ms: WALL_MS + time_ms, verdict, whole: None };
    let answer = Some(Ok(Decided { replayed: false, sealed }));
    let invoked = at(100 + 10 * sequence);
    let attempt = CommandAttempt { node: 1, invoked, completed: Some(invoked + at(5)), answer };
    Command {
        client: 0,
        space: Name::default(),
        id: id.into(),
        job,
        request: Packed::of(&request::command(id, vec![], vec![])),
        log: Name::default(),
        contents: Vec::new(),
        further: Vec::new(),
        attempts: vec![attempt],
    }
}

fn appending(command: Command, log: &str, payloads: &[Bytes]) -> Command {
    let contents = payloads.iter().map(|payload| Content::of(payload)).collect();
    Command { log: log.into(), contents, ..command }
}

pub(super) fn appended(first_offset: u64, count: u32) -> Got {
    Got::Appended { first_offset, count }
}

pub(super) fn refused_with(number: Option<i64>) -> Verdict {
    Verdict::Refused { found: "something".to_owned(), number }
}

pub(super) fn transfer(amount: i64) -> Job {
    Job::Transfer { from: "x".to_owned(), to: "y".to_owned(), amount }
}

pub(super) fn locked(sequence: u64, expires_ms: u64) -> Verdict {
    Verdict::Applied(vec![Got::Locked { token: (7, sequence), expires_ms: WALL_MS + expires_ms }])
}

pub(super) fn under(sequence: u64) -> Job {
    Job::Write { lock: "l".to_owned(), token: (7, sequence) }
}

pub(super) fn handle(from: u64, to: u64) -> Job {
    Job::Handle { reader: "r".to_owned(), source: LOG.to_owned(), from, to }
}

fn effects(records: &[(u64, &str)]) -> Vec<Bytes> {
    records.iter().map(|(offset, id)| sample::effect(*offset, id)).collect()
}

/// What a bank, holders of a lock, and consumers do.
fn commands() -> Vec<Command> {
    let done = |got| Verdict::Applied(vec![got, Got::Done]);
    let acquire = || Job::Acquire { lock: "l".to_owned() };
    let accounts = vec!["x".to_owned(), "y".to_owned()];
    let made = Verdict::Applied(vec![Got::Added(70), Got::Added(130), appended(0, 1)]);
    let release = Job::Release { lock: "l".to_owned(), token: (7, 16) };
    let forgotten =
        Command { space: "forgetful".into(), ..command("f1", Job::Forgettable, 1, 0, done(appended(0, 1))) };
    let mut forgotten = appending(forgotten, READINGS, &[Bytes::from_static(b"f1")]);
    let too_old = |invoked| CommandAttempt {
        node: 2,
        invoked: at(invoked),
        completed: Some(at(invoked + 5)),
        answer: Some(Err(refused("FailedPrecondition", "ID_TOO_OLD"))),
    };
    forgotten.attempts.push(too_old(500));
    let never = Command { id: "f2".into(), attempts: vec![too_old(400), too_old(500)], ..forgotten.clone() };
    vec![
        command("open", Job::Open { accounts, balance: 100 }, 10, 0, Verdict::Applied(vec![Got::Done, Got::Done])),
        appending(command("t1", transfer(30), 11, 0, made), JOURNAL, &[Bytes::from_static(b"t1")]),
        appending(command("t2", transfer(80), 12, 0, refused_with(Some(70))), JOURNAL, &[Bytes::from_static(b"t2")]),
        command("l1", acquire(), 13, 1_000, locked(13, 2_000)),
        appending(command("w1", under(13), 14, 1_500, done(appended(0, 1))), WRITES, &[Bytes::from_static(b"w1")]),
        command("l2", acquire(), 15, 1_600, refused_with(None)),
        command("l3", acquire(), 16, 2_500, locked(16, 3_500)),
        appending(command("w2", under(13), 17, 2_600, refused_with(None)), WRITES, &[Bytes::from_static(b"w2")]),
        command("l4", release, 18, 2_700, Verdict::Applied(vec![Got::Done])),
        appending(command("h1", handle(0, 2), 19, 0, done(appended(0, 2))), EFFECTS, &effects(&[(0, "a"), (1, "b")])),
        appending(command("h2", handle(2, 4), 20, 0, done(appended(2, 2))), EFFECTS, &effects(&[(2, "b"), (3, "c")])),
        appending(command("h3", handle(2, 4), 21, 0, refused_with(None)), EFFECTS, &effects(&[(2, "b"), (3, "c")])),
        forgotten,
        never,
    ]
}

/// The sound history, and whole commands beside it.
pub(super) fn whole() -> (Events, Vec<Dump>) {
    let (mut events, mut dumps) = sound();
    events.commands = commands().into();
    let number = |number| Held { number: Some(number), content: None, version: 11 };
    for dump in &mut dumps {
        for command in events.commands.iter().filter(|command| command.applied().is_some()) {
            let log = Arc::make_mut(dump.logs.entry(command.log.to_string()).or_default());
            for content in &command.contents {
                let (offset, id) = (log.end, command.id);
                log.records.push(Stored { offset, id, content: *content, time_ms: 1 });
                log.end += 1;
            }
        }
        dump.logs.remove("");
        dump.cells = BTreeMap::from([("x".to_owned(), number(70)), ("y".to_owned(), number(130))]);
        dump.positions = BTreeMap::from([(format!("r in {LOG}"), (4, 20))]);
    }
    let looked_up = |id: &str, fate| LookedUp {
        id: id.into(),
        node: 1,
        linearizable: true,
        invoked: at(60),
        completed: at(61),
        fate,
    };
    events.lookups =
        vec![looked_up("a", Fate::Appended(acknowledgement(0, 1).place)), looked_up("d", Fate::Unknown)].into();
    let cell = |number| Number { number, version: 11 };
    let cells = BTreeMap::from([("x".to_owned(), cell(70)), ("y".to_owned(), cell(130))]);
    events.cells = vec![CellsSeen { node: 1, invoked: at(300), completed: at(301), cells }].into();
    let page = |completed, from, next, records: Vec<RecordSeen>| PageSeen {
        tail: 1,
        node: 1,
        log: LOG.into(),
        linearizable: false,
        invoked: at(50),
        completed: at(completed),
        from,
        next,
        start: 0,
        end: next,
        all: AllSeen::of(records.iter().copied()),
        records,
    };
    let records = events.locals[0].records.clone();
    let Stored { offset, id, content, .. } = dumps[0].logs[LOG].records[3];
    let fourth = RecordSeen { offset, id, content };
    events.pages = vec![page(55, 0, 3, records), page(60, 3, 4, vec![fourth])].into();
    (events, dumps)
}

pub(super) fn broken_whole(damage: impl FnOnce(&mut Events, &mut Vec<Dump>)) -> Vec<&'static str> {
    let (mut events, mut dumps) = whole();
    damage(&mut events, &mut dumps);
    let mut found: Vec<_> = judge(&events, &dumps).into_iter().map(|violation| violation.property).collect();
    found.dedup();
    found
}

pub(super) fn of<'a>(events: &'a mut Events, id: &str) -> &'a mut Command {
    events.commands.plain().iter_mut().find(|command| command.id == id).unwrap()
}

pub(super) fn sealed<'a>(events: &'a mut Events, id: &str) -> &'a mut Sealed {
    match &mut of(events, id).attempts[0].answer {
        Some(Ok(decided)) => &mut decided.sealed,
        other => panic!("{id} came to {other:?}"),
    }
}

/// Changes what came of a command.
pub(super) fn came_to(id: &str, verdict: Verdict) -> Vec<&'static str> {
    broken_whole(|events, _| sealed(events, id).verdict = verdict)
}

#[test]
fn a_sound_history_of_commands_has_no_violation_nor_has_its_file() {
    let (events, dumps) = whole();
    assert_eq!(judge(&events, &dumps), []);
    let scratch = Scratch::new("history-of-commands");
    let path = scratch.path().join("history.jsonl");
    written(&path, &events, &dumps);
    let (mut read, read_dumps) = file::read(&path).unwrap();
    assert_eq!(judge(&read, &read_dumps), []);
    assert_eq!((read.commands.len(), &read_dumps), (events.commands.len(), &dumps));
    assert_eq!((read.pages.len(), read.lookups.len(), read.cells.len()), (2, 2, 1));
    sealed(&mut read, "t1").verdict = Verdict::Applied(vec![Got::Added(71), Got::Added(130), appended(0, 1)]);
    assert_eq!(judge(&read, &read_dumps).first().map(|violation| violation.property), Some("P18"));
}

#[test]
fn records_of_commands_that_are_lost_doubled_or_nobodys_are_found() {
    let on_all = |name: &str, damage: fn(&mut LogDump)| {
        broken_whole(|_, dumps| dumps.iter_mut().for_each(|dump| damage(log_of(dump, name))))
    };
    let lose = |log: &mut LogDump| {
        log.records.clear();
        log.end = 0;
    };
    let double = |log: &mut LogDump| {
        let again = Stored { offset: log.end, ..log.records[0] };
        log.records.push(again);
        log.end += 1;
    };
    for name in [JOURNAL, WRITES, EFFECTS, READINGS] {
        assert_eq!(on_all(name, lose), ["P1"]);
        assert_eq!(on_all(name, double), ["P2"]);
    }
    assert_eq!(on_all(JOURNAL, |log| log.records[0].content = Content::of(b"other")), ["P1", "P2", "P6"]);
    let refused_is_there = |id: &'static str, name: &'static str| {
        broken_whole(|events, dumps| {
            let content = of(events, id).contents[0];
            for dump in dumps {
                let log = log_of(dump, name);
                log.records.push(extra(log.end, id, content));
                log.end += 1;
            }
        })
    };
    assert_eq!(refused_is_there("t2", JOURNAL), ["P10"]);
    assert_eq!(refused_is_there("f2", READINGS), ["P10"], "what was always too old was never run");
}

#[test]
fn a_command_of_two_outcomes_is_found() {
    let again = |damage: fn(&mut Decided)| {
        broken_whole(|events, _| {
            let command = of(events, "t1");
            let mut attempt = command.attempts[0].clone();
            let Some(Ok(decided)) = &mut attempt.answer else { panic!("t1 is decided") };
            decided.replayed = true;
            damage(decided);
            command.attempts.push(attempt);
        })
    };
    assert_eq!(again(|_| ()), Vec::<&str>::new());
    assert_eq!(again(|decided| decided.replayed = false), ["P3"]);
    assert_eq!(again(|decided| decided.sealed.verdict = Verdict::Cancelled), ["P3"]);
    let shared = broken_whole(|events, _| sealed(events, "t2").sequence = 2);
    assert_eq!(shared, ["P3", "P7", "P18", "P22"], "`b` has that one");
    let shared = broken_whole(|events, _| sealed(events, "l2").sequence = 12);
    assert_eq!(shared, ["P3", "P7", "P19"], "nothing is known of these commands");
}

#[test]
fn a_refusal_as_cancelled_that_nobody_asked_for_is_found() {
    let doubted = |doubted| {
        broken_whole(|events, _| {
            let operation = &mut events.operations[3];
            operation.attempts[0].answer = Some(Err(refused("Aborted", "CANCELLED")));
            operation.doubted = doubted;
        })
    };
    assert_eq!(doubted(false), ["P10"]);
    assert_eq!(doubted(true), Vec::<&str>::new());
}

#[test]
fn a_command_that_was_too_old_and_is_run_or_known_to_the_same_node_is_found() {
    let again = |id: &str, node, replayed| {
        broken_whole(|events, _| {
            let Some(Ok(mut decided)) = of(events, "f1").attempts[0].answer.clone() else { panic!("f1 is decided") };
            decided.replayed = replayed;
            let (invoked, completed) = (at(600), Some(at(605)));
            of(events, id).attempts.push(CommandAttempt { node, invoked, completed, answer: Some(Ok(decided)) });
        })
    };
    assert_eq!(again("f1", 2, true), ["P15"]);
    assert_eq!(again("f1", 1, true), Vec::<&str>::new(), "a node that is behind has not forgotten it yet");
    assert_eq!(again("f1", 1, false), ["P3", "P15"]);
    assert!(again("f2", 1, true).contains(&"P15"), "nothing of it was ever taken");
}
