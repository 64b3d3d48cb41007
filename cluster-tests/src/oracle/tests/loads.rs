//! Broken histories of what loads do beside plain appends: trims, retentions, rivals, believers, waits, lists and look-ups.

use bytes::Bytes;

use super::commands::{appended, command as told};
use super::*;
use crate::command::{append_records, command, compensate, create_log, delete_cell, put, records, set_retention, trim};
use crate::history::{
    Answer, Asked, CellSeen, Command, CommandAttempt, Fate, Got, Identity, Job, LogSeen, LookedUp, Packed, Question,
    Sealed, Verdict, Wanted,
};
use crate::proto::{Action, Header, NewRecord, Retention};

const PAGES: &str = "pages";
const KEPT: &str = "kept";

/// A command that did this, ten times its sequence after 100 ms, and was told so 5 ms later.
fn done(id: &str, action: Action, sequence: u64, got: Got) -> Command {
    asked_for(id, Job::Prepare, action, sequence, Verdict::Applied(vec![got]))
}

fn asked_for(id: &str, job: Job, action: Action, sequence: u64, verdict: Verdict) -> Command {
    let request = command(id, vec![], vec![action]);
    let (log, contents) = crate::command::appends(&request).pop().unwrap_or_default();
    let request = Packed::of(&request);
    Command { log: log.into(), contents, request, ..told(id, job, sequence, sequence, verdict) }
}

fn texts(id: &str, count: u64) -> Vec<Bytes> {
    (0..count).map(|number| Bytes::from(format!("{id}#{number}"))).collect()
}

/// A log of five records of which a trim has left two, one that keeps one record, a cell that was put, deleted and put
/// again, and a command that was undone.
fn story() -> (Events, Vec<Dump>) {
    let (mut events, mut dumps) = sound();
    let reused = Failure { outcome: None, ..refused("AlreadyExists", "ID_REUSED") };
    let rival = |text: &'static str, sequence| {
        let action = records(PAGES, vec![Bytes::from_static(text.as_bytes())]);
        asked_for("rival", Job::Rival, action, sequence, Verdict::Applied(vec![appended(5, 1)]))
    };
    let mut loser = rival("lost", 20);
    loser.attempts = vec![CommandAttempt { answer: Some(Err(reused)), ..loser.attempts[0].clone() }];
    events.commands.extend([
        done("grow", records(PAGES, texts("grow", 5)), 10, appended(0, 5)),
        done("trim", trim(PAGES, 3), 12, Got::Done),
        done("make", create_log(KEPT, Some(1)), 13, Got::Done),
        done("fill", records(KEPT, texts("fill", 3)), 14, appended(0, 3)),
        done("put", put("k", 1), 15, Got::Done),
        done("delete", delete_cell("k"), 16, Got::Done),
        done("put again", put("k", 2), 17, Got::Done),
        done("undo", compensate("grow"), 18, Got::Done),
        rival("won", 20),
        loser,
    ]);
    for dump in &mut dumps {
        let stored = |id: &str, offset, text: String| extra(offset, id, Content::of(text.as_bytes()));
        let mut pages: Vec<Stored> = (3..5).map(|at| stored("grow", at, format!("grow#{at}"))).collect();
        pages.push(stored("rival", 5, "won".to_owned()));
        let kept = vec![stored("fill", 2, "fill#2".to_owned())];
        dump.logs.insert(PAGES.to_owned(), LogDump { start: 3, end: 6, records: pages }.into());
        dump.logs.insert(KEPT.to_owned(), LogDump { start: 2, end: 3, records: kept }.into());
    }
    (events, dumps)
}

/// What the oracle says of the story when something in it is otherwise.
fn broken_story(damage: impl FnOnce(&mut Events, &mut Vec<Dump>)) -> Vec<&'static str> {
    let (mut events, mut dumps) = story();
    damage(&mut events, &mut dumps);
    let mut found: Vec<_> = judge(&events, &dumps).into_iter().map(|violation| violation.property).collect();
    found.dedup();
    found
}

fn on_all(dumps: &mut [Dump], name: &str, damage: impl Fn(&mut LogDump)) {
    for dump in dumps {
        damage(Arc::make_mut(dump.logs.get_mut(name).unwrap()));
    }
}

#[test]
fn a_trim_that_takes_a_record_too_many_is_found_and_one_that_leaves_one() {
    let nothing = Vec::<&str>::new();
    assert_eq!(broken_story(|_, _| ()), nothing);
    let start = |start: u64| {
        broken_story(|_, dumps| {
            on_all(dumps, PAGES, |log| {
                log.start = start;
                log.records.retain(|record| record.offset >= start);
            });
        })
    };
    assert_eq!(start(4), ["P4"], "the first record that was to stay is gone");
    assert_eq!(start(2), ["P1", "P4"], "it was to begin at 3");
    let refused = |events: &mut Events| {
        let verdict = Verdict::Refused { found: "Some(PastEnd(5))".to_owned(), number: None };
        events.commands[1] = asked_for("trim", Job::Prepare, trim(PAGES, 3), 12, verdict);
    };
    assert_eq!(broken_story(|events, _| refused(events)), ["P4"], "nobody has trimmed it");
    let open = |events: &mut Events| events.commands[1].attempts[0].answer = Some(Err(failure(Effect::Unknown)));
    assert_eq!(broken_story(|events, _| open(events)), nothing, "it may have been done");
}

#[test]
fn a_retention_that_takes_too_much_is_found() {
    let empty = |dumps: &mut Vec<Dump>| {
        on_all(dumps, KEPT, |log| {
            log.start = 3;
            log.records.clear();
        });
    };
    assert_eq!(broken_story(|_, dumps| empty(dumps)), ["P4"], "one record is kept");
    let by_age = Retention { age_ms: Some(1_000), ..Retention::default() };
    let changed = done("change", set_retention(KEPT, by_age), 19, Got::Done);
    let found = broken_story(|events, dumps| {
        events.commands.push(changed);
        empty(dumps);
    });
    assert_eq!(found, Vec::<&str>::new(), "all of it may have been old");
    let dropped = |events: &mut Events| events.commands[2] = done("make", create_log(KEPT, None), 13, Got::Done);
    assert_eq!(broken_story(|events, _| dropped(events)), ["P4"], "all of it is kept");
}

#[test]
fn one_id_with_two_contents_at_once_is_done_once() {
    let last = |events: &mut Events| events.commands.len() - 1;
    let both = |events: &mut Events| {
        let place = last(events);
        events.commands[place].attempts = events.commands[place - 1].attempts.clone();
    };
    assert!(broken_story(|events, _| both(events)).contains(&"P14"));
    let none = |events: &mut Events| {
        let place = last(events);
        events.commands[place - 1].attempts = events.commands[place].attempts.clone();
    };
    assert_eq!(broken_story(|events, _| none(events)), ["P14"], "each was refused for the other");
    let other = |dumps: &mut Vec<Dump>| {
        on_all(dumps, PAGES, |log| log.records[2].content = Content::of(b"lost"));
    };
    assert_eq!(broken_story(|_, dumps| other(dumps)), ["P1", "P14"]);
    let turned = |events: &mut Events| {
        let place = last(events);
        let cancelled = Err(refused("Aborted", "CANCELLED"));
        events.commands[place].attempts[0].answer = Some(cancelled);
    };
    assert_eq!(broken_story(|events, _| turned(events)), ["P14"]);
}

#[test]
fn what_a_client_believed_to_have_no_effect_is_nowhere() {
    let believed = |events: &mut Events| events.operations[3].believed = true;
    assert_eq!(broken_story(|events, _| believed(events)), Vec::<&str>::new());
    let seen = |events: &mut Events| {
        believed(events);
        events.locals[0].records[2].id = "d".into();
        let fate = Fate::Appended(acknowledgement(9, 1).place);
        let (invoked, completed) = (at(90), at(91));
        events.lookups.push(LookedUp { id: "d".into(), node: 1, linearizable: true, invoked, completed, fate });
    };
    assert!(broken_story(|events, _| seen(events)).contains(&"P10"));
    let open = |believes: bool| {
        let (mut events, dumps) = story();
        events.operations[3].believed = believes;
        events.rounds.push(Round { name: "healing".to_owned(), begun: at(1_000), ended: at(2_000) });
        judge(&events, &dumps).iter().any(|violation| violation.to_string().contains("d was sent again"))
    };
    assert!(open(false) && !open(true), "nobody sends again what is believed to have no effect");
}

#[test]
fn headers_are_content() {
    let with = |value: &'static [u8]| {
        let header = Header { key: "k".to_owned(), value: Bytes::from_static(value) };
        append_records(PAGES, vec![NewRecord { payload: Bytes::from_static(b"p"), headers: vec![header] }])
    };
    let content = |action| done("h", action, 30, appended(6, 1)).contents[0];
    assert_ne!(content(with(b"1")), content(with(b"2")));
}

/// An answer to a question that was asked at 400 ms, when all of the story was known, and took 300 ms.
fn asked(question: Question, answer: Answer) -> Asked {
    let (invoked, completed) = (at(400), at(700));
    Asked { node: 1, linearizable: true, space: "".into(), invoked, completed, applied: 4, question, answer }
}

/// What P24 says of an answer.
fn is_true(question: &Question, answer: Answer) -> bool {
    let question = question.clone();
    let found = broken_story(|events, _| events.asked.push(asked(question, answer)));
    // Cells and positions that are shown are P8's, too.
    assert!(found.iter().all(|property| ["P8", "P24"].contains(property)), "{found:?}");
    !found.contains(&"P24")
}

fn wait(wanted: Wanted) -> Question {
    Question::Wait { wanted, deadline: at(300) }
}

fn cell(version: u64) -> CellSeen {
    CellSeen { key: "k".into(), version, number: Some(2), content: None }
}

#[test]
fn a_wait_tells_what_is_so() {
    let end = wait(Wanted::LogEnd { log: PAGES.into(), end: 6 });
    assert!(is_true(&end, Answer::LogEnd(6)));
    assert!(!is_true(&end, Answer::LogEnd(5)), "that is not what was waited for");
    assert!(!is_true(&end, Answer::LogEnd(99)), "so much was never sent");
    assert!(!is_true(&end, Answer::LockFree), "nobody asked for a lock");
    assert!(!is_true(&end, Answer::Late), "it ended there before");
    let never = Wanted::LogEnd { log: PAGES.into(), end: 99 };
    assert!(is_true(&wait(never.clone()), Answer::Late));
    let hasty = Question::Wait { wanted: never, deadline: at(3_000) };
    assert!(!is_true(&hasty, Answer::Late), "it was to wait for ten times as long");

    let changed = |version| wait(Wanted::CellChanged { key: "k".into(), version });
    assert!(is_true(&changed(15), Answer::Cell(Some(cell(17)))));
    assert!(!is_true(&changed(17), Answer::Cell(Some(cell(17)))));
    assert!(!is_true(&changed(15), Answer::Cell(Some(cell(16)))), "that has deleted it");
    assert!(!is_true(&changed(15), Answer::Late), "it had changed before");
    assert!(is_true(&changed(17), Answer::Late));
    let number = wait(Wanted::CellAtLeast { key: "k".into(), least: 3 });
    assert!(!is_true(&number, Answer::Cell(Some(cell(17)))), "it holds 2");

    let id = Identity { text: "trim".into(), birth_ms: None };
    let decided = |sequence| {
        let verdict = Verdict::Applied(vec![Got::Done]);
        let outcome = Sealed { sequence, history: 7, time_ms: WALL_MS + 12, verdict, whole: None };
        Answer::Decided { outcome, compensated_by: None }
    };
    assert!(is_true(&wait(Wanted::Decided(id)), decided(12)));
    assert!(!is_true(&wait(Wanted::Decided(id)), decided(13)));
    assert!(!is_true(&wait(Wanted::Decided(id)), Answer::Late));
    let position = wait(Wanted::Position { reader: "r".into(), log: PAGES.into(), offset: 4 });
    assert!(!is_true(&position, Answer::Position { offset: 3, version: 1 }));
    assert!(is_true(&wait(Wanted::LockFree { lock: "l".into() }), Answer::LockFree));
}

#[test]
fn lists_leave_nothing_out_and_show_nothing_old() {
    let cells = Question::Cells { after: String::new(), prefix: "k".to_owned(), limit: 7 };
    let list = |cells, more| Answer::Cells { cells, more };
    assert!(is_true(&cells, list(vec![cell(17)], false)));
    assert!(!is_true(&cells, list(vec![cell(15)], false)), "it was put again");
    assert!(!is_true(&cells, list(vec![], false)), "it is there");
    assert!(!is_true(&cells, list(vec![], true)), "a page before the last has something");
    assert!(!is_true(&cells, list(vec![cell(17), cell(17)], false)));
    assert!(!is_true(&cells, list(vec![cell(99)], false)), "nobody has made it so");

    let logs = Question::Logs { after: String::new(), limit: 7 };
    let log = |name: &str, end| LogSeen { name: name.into(), start: 0, end };
    let all = |pages| vec![log(KEPT, 3), log(LOG, 4), log(PAGES, pages)];
    let list = |logs, more| Answer::Logs { logs, more };
    assert!(is_true(&logs, list(all(6), false)));
    assert!(is_true(&logs, list(vec![log(KEPT, 3)], true)));
    assert!(!is_true(&logs, list(vec![log(KEPT, 3), log(PAGES, 6)], false)), "a log is left out");
    assert!(!is_true(&logs, list(all(4), false)), "it was known to go on");
    assert!(!is_true(&logs, list(all(9), false)), "so much was never sent");
    assert!(!is_true(&logs, list(vec![log(PAGES, 6), log(KEPT, 3)], true)), "the order is that of names");
}

#[test]
fn a_page_begins_where_its_log_does() {
    let page = |from| Question::Records { log: PAGES.into(), from };
    let records = |start, first, next| {
        let seen = |offset| RecordSeen {
            offset,
            id: "grow".into(),
            content: Content::of(format!("grow#{offset}").as_bytes()),
        };
        Answer::Records { start, end: 6, next, records: (first..next).map(seen).collect() }
    };
    assert!(is_true(&page(None), records(3, 3, 5)));
    assert!(!is_true(&page(None), records(3, 4, 5)), "the first that is left is missing");
    assert!(!is_true(&page(Some(4)), records(4, 4, 5)), "nobody has trimmed up to there");
    assert!(!is_true(&page(Some(2)), records(2, 2, 5)), "it was trimmed before");
    assert!(is_true(&page(Some(2)), Answer::Trimmed(3)));
    assert!(!is_true(&page(Some(3)), Answer::Trimmed(3)), "that is left");
    assert!(!is_true(&page(Some(2)), Answer::Trimmed(4)));
}

#[test]
fn a_lookup_tells_the_outcome_and_who_has_undone_it() {
    let fate = |id: &str| Question::Fate(Identity { text: id.into(), birth_ms: None });
    let grown = |sequence, by: Option<&str>| {
        let verdict = Verdict::Applied(vec![appended(0, 5)]);
        let outcome = Sealed { sequence, history: 7, time_ms: WALL_MS + 10, verdict, whole: None };
        let compensated_by = by.map(|by| Identity { text: by.into(), birth_ms: None });
        Answer::Decided { outcome, compensated_by }
    };
    assert!(is_true(&fate("grow"), grown(10, Some("undo"))));
    assert!(!is_true(&fate("grow"), grown(11, Some("undo"))));
    assert!(!is_true(&fate("grow"), grown(10, None)), "it was undone");
    assert!(!is_true(&fate("grow"), grown(10, Some("trim"))));
    assert!(!is_true(&fate("grow"), Answer::Unknown));
    assert!(!is_true(&fate("grow"), Answer::TooOld), "this space never forgets");
    assert!(is_true(&fate("nobody's"), Answer::Unknown));
}

#[test]
fn a_load_that_did_not_work_is_found_after_a_minute_and_not_after_a_moment() {
    let minute = |seconds: u64, names: &[&str]| {
        let mut found = broken_story(|events, _| {
            // At full speed.
            let more = (0..seconds * 200).map(|number| {
                let told = Ok(acknowledgement(10 + number, 1));
                operation(&format!("m{number}"), 1, 5_000 + number * 5, told)
            });
            events.operations.extend(more);
            events.workloads = names.iter().map(|name| (*name).to_owned()).collect();
        });
        found.retain(|property| *property == "P17");
        found
    };
    assert_eq!(minute(1, &["looks at locks", "trims", "waits in vain"]), Vec::<&str>::new());
    assert_eq!(minute(90, &["looks at locks"]), ["P17"]);
    assert_eq!(minute(90, &["found: lock_held"]), ["P17"]);
    assert_eq!(minute(90, &["retentions"]), Vec::<&str>::new(), "so few are luck");
    let only_faults = ["none: NOT_SERVING", "snapshots installed", "unknown: no answer of a node"];
    assert_eq!(minute(90, &only_faults), Vec::<&str>::new(), "no fault of this run brings them");
}
