//! Lists of spaces, positions and locks that can't be, cells that are not there, and records of a command that is for two
//! logs. Nobody asked for any of it before.

use bytes::Bytes;

use super::commands::{appended, command as told};
use super::model::Story;
use super::state::{asked, lock_story, wrong};
use super::*;
use crate::command::{
    SYSTEM, appends, command, command_in, create_space_with, delete_cell, delete_reader, delete_space, id, move_reader,
    put, record, set_space_with,
};
use crate::history::{Answer, Command, Job, LockSeen, Packed, PositionSeen, Question, SpaceSeen, Verdict};
use crate::proto::action_result::Result as Got;
use crate::proto::{
    Action, CellDeleted, CellPut, LogCreation, ReaderDeleted, ReaderMoved, SpaceCreated, SpaceDeleted, SpaceSet,
};

/// What P24 says of a look that was asked for when all of a story was known.
fn untrue(story: &Story, linearizable: bool, question: Question, answer: Answer) -> Vec<String> {
    let looks = [(linearizable, question, answer)];
    story.found("P24", Events { asked: asked(&looks).into(), ..Events::default() }, &[])
}

fn one(name: &str, action: Action) -> crate::proto::SubmitRequest {
    command_in(SYSTEM, id(name), vec![], vec![action])
}

/// A space that forgets, whose memory was changed; one that never forgets; and one that is gone.
fn spaces() -> Story {
    let mut story = Story::at(1_000);
    let by_append = LogCreation::ByAppend;
    story.done(
        &one("a", create_space_with("a", Some(60_000), LogCreation::Explicit)),
        &[Got::SpaceCreated(SpaceCreated {})],
    );
    story.done(&one("set", set_space_with("a", Some(90_000), by_append)), &[Got::SpaceSet(SpaceSet {})]);
    story.done(&one("b", create_space_with("b", None, by_append)), &[Got::SpaceCreated(SpaceCreated {})]);
    story.done(&one("c", create_space_with("c", None, by_append)), &[Got::SpaceCreated(SpaceCreated {})]);
    story.done(&one("gone", delete_space("c")), &[Got::SpaceDeleted(SpaceDeleted {})]);
    story
}

#[test]
fn a_list_of_spaces_has_each_that_is_there_as_it_was_set_last() {
    let space = |name: &str, memory_ms, explicit| SpaceSeen { name: name.into(), memory_ms, explicit };
    let (a, b, main) = (space("a", Some(90_000), false), space("b", None, false), space("main", None, false));
    let story = spaces();
    let list = |linearizable, spaces: &[SpaceSeen], more| {
        let question = Question::Spaces { after: String::new(), limit: 3 };
        untrue(&story, linearizable, question, Answer::Spaces { spaces: spaces.to_vec(), more })
    };
    assert_eq!(list(true, &[a, b, main], false), Vec::<String>::new());
    assert_eq!(list(true, &[a], true), Vec::<String>::new(), "others come on the next page");
    assert!(list(true, &[a, main], false)[0].contains("left space b out"));
    assert_eq!(list(false, &[main], false), Vec::<String>::new(), "a local list may be behind");
    assert!(list(true, &[a, b, space("c", None, false)], false)[0].contains("c, which is not there"));
    assert_eq!(list(false, &[a, b, space("c", None, false)], false), Vec::<String>::new());
    assert!(list(false, &[space("d", None, false)], false)[0].contains("d, which is not there"));
    assert!(list(true, &[b, a], true)[0].contains("does not go up"));
    assert!(list(true, &[], true)[0].contains("says that more come"));
    for old in [space("a", Some(60_000), false), space("a", Some(90_000), true)] {
        assert!(list(true, &[old, b, main], false)[0].contains("not as the last"), "{old:?}");
        assert_eq!(list(false, &[old, b, main], false), Vec::<String>::new());
    }
    assert!(list(false, &[space("a", None, false), b], false)[0].contains("nobody has made it so"));
}

#[test]
fn a_list_of_positions_has_each_reader_that_was_not_deleted() {
    let mut story = Story::at(1_000);
    let main = |name: &str, action| command(name, vec![], vec![action]);
    story.done(&main("a", move_reader("r", "l", 4)), &[Got::Moved(ReaderMoved { version: 1 })]);
    story.done(&main("b", move_reader("s", "l", 5)), &[Got::Moved(ReaderMoved { version: 2 })]);
    story.done(&main("c", delete_reader("s", "l")), &[Got::ReaderDeleted(ReaderDeleted { version: 3 })]);
    let position =
        |reader: &str, offset, version| PositionSeen { reader: reader.into(), log: "l".into(), offset, version };
    let question =
        |reader: &str| Question::Positions { reader: reader.to_owned(), after: Default::default(), limit: 2 };
    let list = |reader, positions: &[PositionSeen], more| {
        untrue(&story, true, question(reader), Answer::Positions { positions: positions.to_vec(), more })
    };
    let (r, s) = (position("r", 4, 1), position("s", 5, 2));
    assert_eq!(list("", &[r], false), Vec::<String>::new());
    assert!(list("", &[], false)[0].contains("left reader r of l out"));
    assert_eq!(list("s", &[], false), Vec::<String>::new());
    assert!(list("s", &[r], false)[0].contains("not all are of that reader"));
    assert!(list("", &[r, s], false)[0].contains("which is not there"));
    assert!(list("", &[r, r], false)[0].contains("does not go up"));
    let elsewhere = Answer::Positions { positions: vec![position("r", 5, 1)], more: false };
    assert!(wrong(&story, &[(true, question(""), elsewhere)])[0].contains("version 1 has r at l/4"));
}

#[test]
fn a_list_of_locks_has_each_that_is_held() {
    let question = || Question::Locks { after: String::new(), prefix: "l".to_owned(), limit: 2 };
    let answer = |held: bool, clock_ms, more| {
        let lock = LockSeen { token: (7, 1), expires_ms: 2_000 };
        let locks = if held { vec![("l".into(), lock)] } else { vec![] };
        (true, question(), Answer::Locks { locks, more, clock_ms })
    };
    let list = |is_given_back, held, clock_ms| wrong(&lock_story(is_given_back), &[answer(held, clock_ms, false)]);
    assert_eq!(list(false, true, 1_400), Vec::<String>::new());
    assert!(list(false, false, 1_400)[0].contains("holds it until 2000"));
    assert_eq!(list(false, false, 1_500), Vec::<String>::new(), "the clock of the list may be a little ahead");
    assert_eq!(list(true, false, 1_400), Vec::<String>::new());
    assert!(list(true, true, 1_400)[0].contains("it was given back"));
    let (linearizable, question, nothing) = answer(false, 2_000, true);
    assert!(untrue(&lock_story(false), linearizable, question, nothing)[0].contains("says that more come"));
}

#[test]
fn a_cell_is_only_said_to_be_absent_when_it_may_be() {
    let mut story = Story::at(1_000);
    let main = |name: &str, action| command(name, vec![], vec![action]);
    story.done(&main("a", put("k", 1)), &[Got::Put(CellPut { version: 1 })]);
    story.done(&main("b", put("x", 1)), &[Got::Put(CellPut { version: 2 })]);
    story.done(&main("c", delete_cell("x")), &[Got::Deleted(CellDeleted { version: 3 })]);
    let absent =
        |key: &str, linearizable| untrue(&story, linearizable, Question::Cell { key: key.into() }, Answer::Cell(None));
    assert!(absent("k", true)[0].contains("had no cell k"));
    assert_eq!(absent("k", false), Vec::<String>::new());
    assert_eq!(absent("x", true), Vec::<String>::new());
}

/// A command that has a record in each of two logs, which begin with it on all replicas.
fn in_two_logs() -> (Events, Vec<Dump>) {
    let (mut events, mut dumps) = sound();
    let text = |log: &str| Bytes::from(format!("both, in {log}"));
    let request = command("both", vec![], ["left", "right"].map(|log| record(log, text(log))).into());
    let mut parts = appends(&request).into_iter().map(|(log, contents)| (Name::from(log), contents));
    let (log, contents) = parts.next().unwrap();
    let verdict = Verdict::Applied(vec![appended(0, 1), appended(0, 1)]);
    let both = told("both", Job::Prepare, 10, 10, verdict);
    let both: Command = Command { request: Packed::of(&request), log, contents, further: parts.collect(), ..both };
    events.commands = vec![both].into();
    for dump in &mut dumps {
        for log in ["left", "right"] {
            let records = vec![extra(0, "both", Content::of(&text(log)))];
            dump.logs.insert(log.to_owned(), LogDump { start: 0, end: 1, records }.into());
        }
    }
    (events, dumps)
}

#[test]
fn a_command_for_two_logs_has_its_records_in_both_and_nowhere_else() {
    let with = |damage: &dyn Fn(&mut Dump)| {
        let (events, mut dumps) = in_two_logs();
        dumps.iter_mut().for_each(damage);
        judge(&events, &dumps).into_iter().map(|violation| violation.property).collect::<BTreeSet<_>>()
    };
    let on = |log: &'static str, damage: &dyn Fn(&mut LogDump)| {
        with(&|dump| damage(Arc::make_mut(dump.logs.get_mut(log).unwrap())))
    };
    assert_eq!(with(&|_| ()), BTreeSet::new());
    assert!(on("right", &|log| *log = LogDump::default()).contains("P1"));
    let other = |log: &mut LogDump| log.records[0].content = Content::of(b"both, in left");
    assert!(on("right", &other).is_superset(&BTreeSet::from(["P1", "P2"])), "each log has its own");
    let twice = |log: &mut LogDump| {
        log.records.push(extra(1, "both", log.records[0].content));
        log.end = 2;
    };
    assert!(on("left", &twice).contains("P2"));
    let third = |dump: &mut Dump| drop(dump.logs.insert("third".to_owned(), dump.logs["left"].clone()));
    assert!(with(&third).contains("P2"));
    assert!(on("right", &|log| log.records[0].content = Content::of(b"what nobody sent")).contains("P6"));
}

/// Only the first append of a command was known as told.
#[test]
fn a_record_of_the_second_log_that_is_shown_where_it_was_not_told_to_be_is_found() {
    let shows = |offset| {
        let (mut events, dumps) = in_two_logs();
        let record = RecordSeen { offset, id: "both".into(), content: Content::of(b"both, in right") };
        let all = AllSeen::of([record]);
        let (invoked, completed) = (at(500), at(501));
        events.locals = vec![LocalSeen {
            node: 1,
            log: "right".into(),
            invoked,
            completed,
            start: 0,
            end: offset + 1,
            records: vec![record],
            all,
        }]
        .into();
        judge(&events, &dumps).iter().any(|violation| violation.property == "P3")
    };
    assert!(!shows(0) && shows(1));
}
