//! Broken histories for whole commands, lookups and tails: P18 to P20, and what the other properties say of them.

use bytes::Bytes;

use super::*;
use crate::history::{
    CellsSeen, Command, CommandAttempt, Decided, Fate, Got, Job, LookedUp, Number, PageSeen, Sealed, Verdict,
};
use crate::oracle::Held;

const JOURNAL: &str = "journal";
const WRITES: &str = "writes";
const EFFECTS: &str = "effects";
const READINGS: &str = "forgetful/readings";

/// One that was decided, a moment after it was sent; the sequence says when that was.
fn command(id: &str, job: Job, sequence: u64, time_ms: u64, verdict: Verdict) -> Command {
    let sealed = Sealed { sequence, history: 7, time_ms, verdict };
    let answer = Some(Ok(Decided { replayed: false, sealed }));
    let invoked = at(100 + 10 * sequence);
    let attempt = CommandAttempt { node: 1, invoked, completed: Some(invoked + at(5)), answer };
    Command {
        client: 0,
        space: String::new(),
        id: id.to_owned(),
        job,
        request: None,
        log: String::new(),
        contents: Vec::new(),
        attempts: vec![attempt],
    }
}

fn appending(command: Command, log: &str, payloads: &[Bytes]) -> Command {
    let contents = payloads.iter().map(|payload| Content::of(payload)).collect();
    Command { log: log.to_owned(), contents, ..command }
}

fn appended(first_offset: u64, count: u32) -> Got {
    Got::Appended { first_offset, count }
}

fn refused_with(number: Option<i64>) -> Verdict {
    Verdict::Refused { found: "something".to_owned(), number }
}

fn transfer(amount: i64) -> Job {
    Job::Transfer { from: "x".to_owned(), to: "y".to_owned(), amount }
}

fn locked(sequence: u64, expires_ms: u64) -> Verdict {
    Verdict::Applied(vec![Got::Locked { token: (7, sequence), expires_ms }])
}

fn under(sequence: u64) -> Job {
    Job::Write { lock: "l".to_owned(), token: (7, sequence) }
}

fn handle(from: u64, to: u64) -> Job {
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
        Command { space: "forgetful".to_owned(), ..command("f1", Job::Forgettable, 1, 0, done(appended(0, 1))) };
    let mut forgotten = appending(forgotten, READINGS, &[Bytes::from_static(b"f1")]);
    let too_old = |invoked| CommandAttempt {
        node: 2,
        invoked: at(invoked),
        completed: Some(at(invoked + 5)),
        answer: Some(Err(refused("FailedPrecondition", "ID_TOO_OLD"))),
    };
    forgotten.attempts.push(too_old(500));
    let never = Command { id: "f2".to_owned(), attempts: vec![too_old(400), too_old(500)], ..forgotten.clone() };
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
fn whole() -> (Events, Vec<Dump>) {
    let (mut events, mut dumps) = sound();
    events.commands = commands();
    let number = |number| Held { number: Some(number), content: None, version: 11 };
    for dump in &mut dumps {
        for command in events.commands.iter().filter(|command| command.applied().is_some()) {
            let log = dump.logs.entry(command.log.clone()).or_default();
            for content in &command.contents {
                let (offset, id) = (log.end, command.id.clone());
                log.records.push(Stored { offset, id, content: content.clone(), time_ms: 1 });
                log.end += 1;
            }
        }
        dump.logs.remove("");
        dump.cells = BTreeMap::from([("x".to_owned(), number(70)), ("y".to_owned(), number(130))]);
        dump.positions = BTreeMap::from([(format!("r in {LOG}"), (4, 20))]);
    }
    let looked_up = |id: &str, fate| LookedUp {
        id: id.to_owned(),
        node: 1,
        linearizable: true,
        invoked: at(60),
        completed: at(61),
        fate,
    };
    events.lookups = vec![looked_up("a", Fate::Appended(acknowledgement(0, 1).place)), looked_up("d", Fate::Unknown)];
    let cell = |number| Number { number, version: 11 };
    let cells = BTreeMap::from([("x".to_owned(), cell(70)), ("y".to_owned(), cell(130))]);
    events.cells = vec![CellsSeen { node: 1, invoked: at(300), completed: at(301), cells }];
    let page = |completed, from, next, records| PageSeen {
        tail: 1,
        node: 1,
        log: LOG.to_owned(),
        linearizable: false,
        invoked: at(50),
        completed: at(completed),
        from,
        next,
        end: next,
        records,
    };
    let records = events.locals[0].records.clone();
    events.pages = vec![page(55, 0, 3, records), page(60, 3, 4, Vec::new())];
    (events, dumps)
}

fn broken_whole(damage: impl FnOnce(&mut Events, &mut Vec<Dump>)) -> Vec<&'static str> {
    let (mut events, mut dumps) = whole();
    damage(&mut events, &mut dumps);
    let mut found: Vec<_> = judge(&events, &dumps).into_iter().map(|violation| violation.property).collect();
    found.dedup();
    found
}

fn of<'a>(events: &'a mut Events, id: &str) -> &'a mut Command {
    events.commands.iter_mut().find(|command| command.id == id).unwrap()
}

fn sealed<'a>(events: &'a mut Events, id: &str) -> &'a mut Sealed {
    match &mut of(events, id).attempts[0].answer {
        Some(Ok(decided)) => &mut decided.sealed,
        other => panic!("{id} came to {other:?}"),
    }
}

/// Changes what came of a command.
fn came_to(id: &str, verdict: Verdict) -> Vec<&'static str> {
    broken_whole(|events, _| sealed(events, id).verdict = verdict)
}

#[test]
fn a_sound_history_of_commands_has_no_violation_nor_has_its_file() {
    let (events, dumps) = whole();
    assert_eq!(judge(&events, &dumps), []);
    let scratch = Scratch::new("history-of-commands");
    let path = scratch.path().join("history.jsonl");
    file::write(&path, &events, &dumps).unwrap();
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
        broken_whole(|_, dumps| dumps.iter_mut().for_each(|dump| damage(dump.logs.get_mut(name).unwrap())))
    };
    let lose = |log: &mut LogDump| {
        log.records.clear();
        log.end = 0;
    };
    let double = |log: &mut LogDump| {
        let again = Stored { offset: log.end, ..log.records[0].clone() };
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
            let content = of(events, id).contents[0].clone();
            for dump in dumps {
                let log = dump.logs.get_mut(name).unwrap();
                log.records.push(extra(log.end, id, content.clone()));
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
    assert_eq!(broken_whole(|events, _| sealed(events, "t2").sequence = 2), ["P3", "P7", "P18"], "`b` has that one");
    assert_eq!(broken_whole(|events, _| sealed(events, "l2").sequence = 12), ["P3", "P7", "P19"]);
}

#[test]
fn replicas_whose_cells_positions_or_locks_differ_are_found() {
    let on_one = |damage: fn(&mut Dump)| broken_whole(|_, dumps| damage(&mut dumps[1]));
    assert_eq!(on_one(|dump| dump.cells.get_mut("x").unwrap().version = 12), ["P5"]);
    assert_eq!(on_one(|dump| dump.positions.extend([("z in z".to_owned(), (1, 1))])), ["P5"]);
    assert_eq!(on_one(|dump| dump.locks.extend([("l".to_owned(), ((7, 13), 1))])), ["P5"]);
}

#[test]
fn a_lookup_of_another_answer_is_found_and_one_that_lags_behind() {
    let fate = |place: usize, fate| broken_whole(|events, _| events.lookups[place].fate = fate);
    assert_eq!(fate(0, Fate::Appended(acknowledgement(1, 1).place)), ["P3"]);
    assert_eq!(fate(0, Fate::TooOld), ["P3"]);
    assert_eq!(fate(0, Fate::Other("cancelled".to_owned())), ["P3"]);
    assert_eq!(fate(0, Fate::Unknown), ["P8"]);
    let later = |linearizable| {
        broken_whole(|events, _| {
            let invoked = at(70);
            let again = LookedUp { linearizable, invoked, fate: Fate::Unknown, ..events.lookups[0].clone() };
            (events.lookups[0].id, events.lookups[0].fate) =
                ("c".to_owned(), Fate::Appended(acknowledgement(3, 1).place));
            events.lookups.push(LookedUp { id: "c".to_owned(), ..again });
        })
    };
    assert_eq!(later(true), ["P8"], "it was known before");
    assert_eq!(later(false), Vec::<&str>::new(), "a local look may lag behind");
    assert_eq!(broken_whole(|events, _| events.lookups[0].id = "nobody's".to_owned()), ["P3"]);
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
fn a_tail_that_leaves_something_out_goes_back_or_shows_too_little_is_found() {
    assert_eq!(broken_whole(|events, _| events.pages[1].from = 4), ["P9"]);
    assert_eq!(broken_whole(|events, _| events.pages[0].records[1].offset = 2), ["P9", "P11"]);
    assert_eq!(broken_whole(|events, _| events.pages[1].end = 2), ["P9"]);
    assert_eq!(broken_whole(|events, _| events.pages[0].records[1].content = Content::of(b"another")), ["P11"]);
    let linearizable = |end| {
        broken_whole(|events, _| {
            events.pages.truncate(1);
            let page = &mut events.pages[0];
            (page.linearizable, page.records, page.from, page.next, page.end) = (true, Vec::new(), end, end, end);
        })
    };
    assert_eq!(linearizable(3), Vec::<&str>::new());
    assert_eq!(linearizable(2), ["P8"], "3 were acknowledged before");
    assert_eq!(linearizable(9), ["P8"], "no 9 were sent");
    let later = |events: &mut Events| {
        let local =
            LocalSeen { end: 4, completed: at(20), invoked: at(19), records: Vec::new(), ..events.locals[0].clone() };
        events.locals = vec![local];
        events.pages.clear();
    };
    assert_eq!(broken_whole(|events, _| later(events)), ["P8"], "what a node has applied is there for all");
}

#[test]
fn cells_that_are_older_than_known_are_found() {
    let version = |version| {
        broken_whole(|events, _| {
            for number in events.cells[0].cells.values_mut() {
                number.version = version;
            }
        })
    };
    assert_eq!(version(10), ["P8"], "the transfer was acknowledged before");
    assert_eq!(version(12), Vec::<&str>::new());
}

#[test]
fn a_round_that_leaves_something_open_or_sends_nothing_again_is_found() {
    let round = |begun, ended| Round { name: "healing".to_owned(), begun: at(begun), ended: at(ended) };
    let open = |events: &mut Events| {
        of(events, "t1").attempts[0].answer = None;
        of(events, "t1").attempts[0].completed = None;
        events.operations[2].cancelled = true;
        events.operations[3].cancelled = true;
    };
    let found = broken_whole(|events, dumps| {
        open(events);
        dumps.clear();
        events.rounds.push(round(215, 216));
    });
    assert!(found.contains(&"P13"), "{found:?}");
    let nothing = |events: &mut Events| {
        events.operations.truncate(2);
        events.rounds.push(round(600, 700));
    };
    assert!(broken_whole(|events, _| nothing(events)).contains(&"P13"), "14 were known, and none was sent again");
    let found = broken_whole(|events, _| {
        nothing(events);
        let mut again = of(events, "t1").attempts[0].clone();
        (again.invoked, again.completed) = (at(650), Some(at(651)));
        let Some(Ok(decided)) = &mut again.answer else { panic!("t1 is decided") };
        decided.replayed = true;
        of(events, "t1").attempts.push(again);
    });
    assert!(!found.contains(&"P13"), "{found:?}");
}

#[test]
fn a_command_that_was_too_old_and_is_known_is_found() {
    let found = broken_whole(|events, _| {
        let forgotten = of(events, "f1");
        let mut again = forgotten.attempts[0].clone();
        (again.invoked, again.completed) = (at(600), Some(at(605)));
        let Some(Ok(decided)) = &mut again.answer else { panic!("f1 is decided") };
        decided.replayed = true;
        forgotten.attempts.push(again);
    });
    assert_eq!(found, ["P15"]);
}

#[test]
fn money_that_is_lost_or_made_is_found() {
    let added = |from, to| Verdict::Applied(vec![Got::Added(from), Got::Added(to), appended(0, 1)]);
    assert_eq!(came_to("t1", added(70, 131)), ["P18"]);
    assert_eq!(came_to("t1", added(40, 160)), ["P18"], "as if it had been made twice");
    let held = |x| {
        broken_whole(|_, dumps| {
            for dump in dumps {
                dump.cells.get_mut("x").unwrap().number = x;
            }
        })
    };
    assert_eq!(held(Some(71)), ["P18"]);
    assert_eq!(held(None), ["P18"]);
    assert_eq!(broken_whole(|events, _| events.cells[0].cells.get_mut("x").unwrap().number = 69), ["P18"]);
    assert_eq!(broken_whole(|events, _| of(events, "t2").job = transfer(70)), ["P18"], "enough was there");
    assert_eq!(broken_whole(|events, _| of(events, "t1").job = transfer(120)), ["P18"], "too little was there");
}

#[test]
fn a_lock_of_two_holders_is_found_and_a_token_that_does_not_grow() {
    assert_eq!(broken_whole(|events, _| sealed(events, "l3").time_ms = 1_900), ["P19"], "it was held until 2,000");
    assert_eq!(came_to("l2", locked(15, 2_900)), ["P19"]);
    assert_eq!(came_to("l3", locked(12, 3_500)), ["P19"], "13 was seen before");
    assert_eq!(broken_whole(|events, _| sealed(events, "l2").time_ms = 2_100), ["P19"], "nobody held it");
    let late = |events: &mut Events| {
        sealed(events, "w1").time_ms = 2_000;
        sealed(events, "l2").time_ms = 1_999;
    };
    assert_eq!(broken_whole(|events, _| late(events)), ["P19"], "it was written when the time was over");
    assert_eq!(broken_whole(|events, _| of(events, "w1").job = under(12)), ["P19"], "an old token wrote");
    assert_eq!(broken_whole(|events, _| of(events, "w2").job = under(16)), ["P19"], "the holder was refused");
}

#[test]
fn records_that_are_handled_twice_not_or_otherwise_are_found() {
    assert_eq!(broken_whole(|events, _| of(events, "h2").job = handle(1, 4)), ["P20"]);
    assert_eq!(broken_whole(|events, _| of(events, "h2").job = handle(3, 4)), ["P20"]);
    let position = |offset| {
        broken_whole(|_, dumps| {
            for dump in dumps {
                dump.positions.values_mut().for_each(|position| position.0 = offset);
            }
        })
    };
    assert_eq!(position(2), ["P20"]);
    let other = |events: &mut Events, dumps: &mut Vec<Dump>| {
        let content = Content::of(&sample::effect(0, "b"));
        of(events, "h1").contents[0] = content.clone();
        for dump in dumps {
            dump.logs.get_mut(EFFECTS).unwrap().records[0].content = content.clone();
        }
    };
    assert_eq!(broken_whole(other), ["P20"]);
}
