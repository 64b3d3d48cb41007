//! Histories that were accepted before: lost wake-ups, cancels of two outcomes, records far behind in a page, errors that no
//! client is to be told, and answers as of an earlier entry.

use super::commands::command as told;
use super::*;
use crate::client::Failure;
use crate::command::{acquire, add_up, command, move_reader, release};
use crate::history::{
    Answer, Asked, Command, Fate, Got, Identity, Job, LookedUp, Packed, Question, ReadFailed, RecordShown, Shown,
    Verdict, Wanted,
};
use crate::proto::{Action, Outcome, Token, outcome};

/// A command that did this, was sent ten times its sequence after 100 ms, and was told so 5 ms later.
fn did(id: &str, action: Action, sequence: u64, got: Got) -> Command {
    let request = Packed::of(&command(id, vec![], vec![action]));
    let job = Job::Prepare;
    Command { request, ..told(id, job, sequence, sequence, Verdict::Applied(vec![got])) }
}

fn locked(sequence: u64, expires_ms: u64) -> Got {
    Got::Locked { token: (7, sequence), expires_ms: WALL_MS + expires_ms }
}

/// Node 2 waits from 100 ms on, for two seconds, in vain.
fn in_vain(wanted: Wanted, linearizable: bool) -> Asked {
    Asked {
        node: 2,
        linearizable,
        space: "".into(),
        invoked: at(100),
        completed: at(2_100),
        applied: 4,
        question: Question::Wait { wanted, deadline: at(2_000) },
        answer: Answer::Late,
    }
}

/// A node looks up an id that nobody has sent, linearizably.
fn looks(node: u64, invoked: u64) -> LookedUp {
    let (invoked, completed) = (at(invoked), at(invoked + 5));
    LookedUp { id: "d".into(), node, linearizable: true, invoked, completed, fate: Fate::Unknown }
}

/// Whether a wait in vain is found, when the commands that it waits for are these and node 2 answers questions at these
/// times.
fn is_found(wanted: &Wanted, commands: &[Command], answers: &[u64]) -> bool {
    let wait = in_vain(wanted.clone(), false);
    let found = broken(|events, _| {
        events.commands.extend(commands.iter().cloned());
        events.asked.push(wait);
        events.lookups.extend(answers.iter().map(|at| looks(2, *at)));
    });
    assert!(found.iter().all(|property| *property == "P24"), "{found:?}");
    !found.is_empty()
}

#[test]
fn a_wait_that_is_not_woken_is_found() {
    let id = Identity { text: "add".into(), birth_ms: None };
    let token = |sequence| Token { history: 7, sequence };
    let add = did("add", add_up("n", 5), 10, Got::Added(5));
    let moved = did("move", move_reader("r", LOG, 3), 10, Got::Done);
    let take = did("take", acquire("l", "somebody", 9_000), 10, locked(10, 9_000));
    let back = did("back", release("l", token(10)), 11, Got::Done);
    let end = Wanted::LogEnd { log: LOG.into(), end: 3 };
    let cases: [(Wanted, Vec<Command>); 7] = [
        (end.clone(), vec![]),
        (Wanted::Decided(id), vec![add.clone()]),
        (Wanted::CellChanged { key: "n".into(), version: 0 }, vec![add.clone()]),
        (Wanted::CellChanged { key: "n".into(), version: 9 }, vec![add.clone()]),
        (Wanted::CellAtLeast { key: "n".into(), least: 5 }, vec![add.clone()]),
        (Wanted::Position { reader: "r".into(), log: LOG.into(), offset: 3 }, vec![moved]),
        (Wanted::LockFree { lock: "l".into() }, vec![take, back]),
    ];
    for (wanted, commands) in &cases {
        assert!(is_found(wanted, commands, &[300, 400, 500]), "{wanted:?}");
        assert!(!is_found(wanted, commands, &[300]), "{wanted:?}: the node may have been paused then");
        assert!(!is_found(wanted, commands, &[300, 301, 302]), "{wanted:?}: these are not one behind the other");
        assert!(!is_found(wanted, commands, &[300, 400, 1_500]), "{wanted:?}: there was no time left");
        assert!(!is_found(wanted, commands, &[]), "{wanted:?}: the node may have lagged behind");
    }
    assert!(is_found(&end, &[], &[80]), "the node had it before the wait came");
}

#[test]
fn what_may_have_gone_again_is_waited_for_in_vain() {
    let answers = [300, 400, 500];
    let number = Wanted::CellAtLeast { key: "n".into(), least: 5 };
    let up = did("up", add_up("n", 5), 10, Got::Added(5));
    let down = did("down", add_up("n", -1), 30, Got::Added(4));
    assert!(!is_found(&number, &[up.clone(), down.clone()], &answers));
    let mut open = down;
    open.attempts[0].answer = Some(Err(failure(Effect::Unknown)));
    assert!(!is_found(&number, &[up, open], &answers), "it may have been done");
    let lock = Wanted::LockFree { lock: "l".into() };
    let taken = |sequence, expires_ms| {
        let id = format!("take {sequence}");
        did(&id, acquire("l", "somebody", expires_ms), sequence, locked(sequence, expires_ms))
    };
    assert!(!is_found(&lock, &[taken(10, 9_000)], &answers));
}

#[test]
fn a_wait_for_the_end_of_a_locks_time_that_is_not_woken_is_found() {
    let take = did("take", acquire("l", "somebody", 1_000), 5, locked(5, 20));
    let later = did("later", add_up("n", 1), 30, Got::Added(1));
    let answers = [1_960, 2_060, 2_160];
    let of = |deadline, commands: [Command; 2]| {
        let mut wait = in_vain(Wanted::LockFree { lock: "l".into() }, true);
        wait.completed = at(100 + deadline);
        wait.question = Question::Wait { wanted: Wanted::LockFree { lock: "l".into() }, deadline: at(deadline) };
        broken(|events, _| {
            events.commands.extend(commands);
            events.asked.push(wait);
            events.lookups.extend(answers.map(|at| looks(2, at)));
        })
    };
    assert_eq!(of(5_000, [take.clone(), later.clone()]), ["P24"]);
    assert_eq!(of(2_000, [take.clone(), later.clone()]), Vec::<&str>::new(), "a wait looks at the clock now and then");
    let long = did("take", acquire("l", "somebody", 9_000), 5, locked(5, 9_000));
    assert_eq!(of(5_000, [long, later]), Vec::<&str>::new(), "nobody was told of such a time");
}

/// `c` was refused as cancelled, and the error has this outcome.
fn refused_again(events: &mut Events, sequence: u64) {
    let verdict = Some(outcome::Verdict::Cancelled(crate::proto::Cancelled {}));
    let outcome = Outcome { sequence, history: 7, time_ms: WALL_MS + 40, verdict };
    let mut failure = Failure { outcome: Some(Box::new(outcome)), ..refused("Aborted", "CANCELLED") };
    failure.metadata.insert("replayed".to_owned(), "true".to_owned());
    let again = Attempt { invoked: at(200), completed: Some(at(205)), ..events.operations[2].attempts[0].clone() };
    events.operations[2].attempts.push(Attempt { answer: Some(Err(failure)), ..again });
}

#[test]
fn a_cancel_of_two_outcomes_is_found_and_one_that_shares_its_place() {
    let of = |damage: fn(&mut Events)| {
        broken(|events, dumps| {
            events.operations[2].cancels = cancelled(3);
            events.operations[2].doubted = true;
            on_every_node(dumps, |log| {
                log.records.truncate(3);
                log.end = 3;
            });
            damage(events);
        })
    };
    assert_eq!(of(|_| ()), Vec::<&str>::new());
    assert_eq!(of(|events| refused_again(events, 3)), Vec::<&str>::new());
    assert_eq!(of(|events| refused_again(events, 4)), ["P3"], "the cancel was told another place");
    assert!(of(|events| events.operations[2].cancels = cancelled(2)).contains(&"P3"), "`b` has that one");
    let late = |events: &mut Events| events.operations[1].cancels = cancelled(2);
    assert_eq!(of(late), ["P3", "P10"], "it came too late, and was told that it was in time");
    let before = |events: &mut Events| {
        events.operations[2].cancels = cancelled(3);
        events.operations[2].cancels[0].at = at(12);
    };
    assert_eq!(of(before), ["P7"], "`b` was sent when that was told");
}

#[test]
fn a_record_far_behind_in_a_page_is_found() {
    let shown = |offset, id: &str, text: &str| {
        let record = RecordSeen { offset, id: id.into(), content: Content::of(text.as_bytes()) };
        Shown { node: 1, log: LOG.into(), at: at(90), records: vec![RecordShown::from(record)] }
    };
    let of = |shown: Vec<Shown>| broken(|events, _| events.shown = shown.into());
    let text = |id, index: usize| String::from_utf8(sample::payloads(id, index + 1, 1).pop().unwrap().into()).unwrap();
    assert_eq!(of(vec![shown(3, "c", &text("c", 0)), shown(0, "a", &text("a", 0))]), Vec::<&str>::new());
    assert_eq!(of(vec![shown(3, "c", "another")]), ["P11"]);
    assert_eq!(of(vec![shown(3, "a", &text("a", 0))]), ["P3", "P11"]);
    let gone = |more: Vec<Shown>| {
        broken(|events, dumps| {
            on_every_node(dumps, |log| {
                log.records.truncate(0);
                (log.start, log.end) = (4, 4);
            });
            events.shown = more.into();
        })
    };
    let trimmed = gone(vec![]);
    assert!(!trimmed.contains(&"P10") && !trimmed.contains(&"P11"), "{trimmed:?}");
    assert!(gone(vec![shown(2, "d", "d")]).contains(&"P10"), "`d` has failed, and was trimmed away since");
    let changed = gone(vec![shown(2, "b", &text("b", 1)), shown(2, "b", "another")]);
    assert!(changed.contains(&"P11"), "{changed:?}");
}

#[test]
fn an_error_without_a_cause_is_found() {
    let read = |reason: &str, code: &str, ms: u64| {
        let failure = Failure { reason: reason.to_owned(), code: code.to_owned(), ..failure(Effect::None) };
        let failed = ReadFailed { node: 1, at: at(ms), what: "a page of a log".to_owned(), failure };
        broken(|events, _| {
            let disk = Fault {
                kind: "disk-full".to_owned(),
                begun: at(1_000),
                healed: Some(at(2_000)),
                ..events.faults[0].clone()
            };
            events.faults.push(disk);
            events.failed.push(failed);
        })
    };
    assert_eq!(read("INTERNAL", "Internal", 900), ["P26"]);
    assert_eq!(read("INTERNAL", "Internal", 1_500), Vec::<&str>::new(), "its disk was full");
    assert_eq!(read("INTERNAL", "Internal", 9_000), ["P26"], "it was not any more");
    assert_eq!(read("MALFORMED", "InvalidArgument", 1_500), ["P26"]);
    assert_eq!(read("NO_LEADER", "Unavailable", 900), Vec::<&str>::new());
    assert_eq!(read("NO_LEADER", "Internal", 900), ["P26"], "that is another code");
    let told = |effect| {
        broken(|events, _| {
            let lost = Failure { reason: "OUTCOME_UNKNOWN".to_owned(), effect, ..failure(effect) };
            events.operations[3].attempts[0].answer = Some(Err(lost));
        })
    };
    assert_eq!(told(Effect::None), ["P26"], "what was lost on its way may have been done");
    assert_eq!(told(Effect::Unknown), Vec::<&str>::new());
}

#[test]
fn an_answer_as_of_an_earlier_entry_is_found() {
    let looks = |node, linearizable, ms, applied| Asked {
        node,
        linearizable,
        invoked: at(ms),
        completed: at(ms + 1),
        applied,
        question: Question::Fate(Identity { text: "nobody's".into(), birth_ms: None }),
        answer: Answer::Unknown,
        ..in_vain(Wanted::LockFree { lock: "l".into() }, linearizable)
    };
    let of = |all: Vec<Asked>| broken(|events, _| events.asked.extend(all));
    assert_eq!(of(vec![looks(1, true, 70, 4), looks(2, true, 80, 4), looks(2, true, 90, 9)]), Vec::<&str>::new());
    assert_eq!(of(vec![looks(1, true, 70, 3)]), ["P8"], "some node said at 60 ms that it had applied 4");
    assert_eq!(of(vec![looks(1, false, 70, 8), looks(2, true, 80, 7)]), ["P8"]);
    assert_eq!(of(vec![looks(1, false, 70, 8), looks(2, false, 80, 7)]), Vec::<&str>::new(), "it may lag behind");
    assert_eq!(of(vec![looks(2, false, 70, 8), looks(2, false, 80, 7)]), ["P9"], "not behind itself");
    assert_eq!(of(vec![looks(2, false, 70, 8), looks(2, true, 80, 0)]), Vec::<&str>::new(), "it does not say");
}
