//! What a replica's tables hold beside what clients can see, and the outcomes do not lead to: P22. All of this was accepted
//! before.

use super::model::Story;
use super::*;
use crate::command::{
    SYSTEM, acquire, append, born, command, command_in, create_log_with, create_space, delete_log, delete_reader,
    delete_space, id, move_reader, put, record, release, set_space,
};
use crate::proto::action_result::Result as Got;
use crate::proto::{
    Action, Appended, CellPut, LogCreated, LogDeleted, ReaderDeleted, ReaderMoved, Released, Retention, SpaceCreated,
    SpaceDeleted, SpaceSet, Token,
};
use crate::tables::{Cell, DeletedLog, Era, Globals, Head, Lock, Mark, Position, Small, Space, Span, Tables, Value};

const MAIN: u32 = 1;
const BRIEF: u32 = 2;
const MEMORY_MS: u64 = 60_000;

fn one(id: &str, action: Action) -> crate::proto::SubmitRequest {
    command(id, vec![], vec![action])
}

fn system(id_text: &str, action: Action) -> crate::proto::SubmitRequest {
    command_in(SYSTEM, id(id_text), vec![], vec![action])
}

fn at_first(first_offset: u64, count: u32) -> Got {
    Got::Appended(Appended { first_offset, count })
}

fn span(ms: u64) -> Span {
    Span { seconds: ms / 1_000, nanoseconds: u32::try_from(ms % 1_000).unwrap() * 1_000_000 }
}

fn space(number: u32, last_sequence: u64) -> Space {
    Space {
        number,
        memory: None,
        explicit: false,
        floor: 0,
        closed: 0,
        eras: Vec::new(),
        due: None,
        ids: 0,
        id_bytes: 0,
        last_sequence,
        next_log: 2,
    }
}

/// The tables of a replica in whose space `main` so many outcomes were decided up to a time.
fn small(clock: u64, outcomes: u64) -> Small {
    let spaces = [(SYSTEM, space(0, 0)), ("main", space(MAIN, outcomes))];
    Small {
        globals: Some(Globals { history: 7, clock, version: 1, next_space: 3 }),
        spaces: spaces.into_iter().map(|(name, space)| (name.to_owned(), space)).collect(),
        ..Small::default()
    }
}

fn main(name: &str) -> (u32, String) {
    (MAIN, name.to_owned())
}

/// A replica that holds this, and the logs of `main` that have heads.
fn dump(small: Small) -> Dump {
    let logs = small.logs.iter().filter(|((number, _), _)| *number == MAIN);
    let logs = logs.map(|((_, name), head)| {
        (name.clone(), Arc::new(LogDump { start: head.start, end: head.end, records: Vec::new() }))
    });
    Dump { logs: logs.collect(), ..Dump::default() }.with_tables(Tables::holding(small))
}

/// What P22 says of a replica that holds this.
fn wrong(story: &Story, rows: Small) -> Vec<String> {
    story.wrong_beside(Some(dump(rows)))
}

/// Only that is wrong of a replica if this is done to what it holds.
fn only_wrong_if<T>(story: &Story, rightly: &Small, spoil: impl FnOnce(&mut Small) -> T, sentence: &str) {
    assert_eq!(wrong(story, rightly.clone()), Vec::<String>::new());
    let mut wrongly = rightly.clone();
    spoil(&mut wrongly);
    let found = wrong(story, wrongly);
    assert!(found.len() == 1 && found[0].contains(sentence), "{sentence} in {found:?}");
}

/// Two records of 1,000, one of 2,000 and one of 3,000, of which none is kept for longer than 64 s.
fn aging() -> (Story, Head) {
    let mut story = Story::at(1_000);
    let kept = Retention { age_ms: Some(64_000), ..Retention::default() };
    story.done(&one("make", create_log_with("l", kept)), &[Got::LogCreated(LogCreated {})]);
    story.done(&one("a", append("l", &["x", "y"])), &[at_first(0, 2)]);
    story.later(1_000).done(&one("b", append("l", &["z"])), &[at_first(2, 1)]);
    story.later(1_000).done(&one("c", append("l", &["z"])), &[at_first(3, 1)]);
    let marks = [(0, 0, 1_000), (2, 2, 2_000), (3, 3, 3_000)];
    let marks = marks.map(|(first, bytes_before, opened)| Mark { first, bytes_before, opened });
    let head = Head {
        number: 1,
        start: 0,
        end: 4,
        bytes_ever: 4,
        created: 1_000,
        last: 3_000,
        age: Some(span(64_000)),
        bytes: None,
        records: None,
        due: Some(66_000),
        marks: marks.into(),
    };
    (story, head)
}

#[test]
fn records_that_are_kept_for_too_long_or_not_long_enough_are_found() {
    let (story, head) = aging();
    let of = |clock: u64, start: u64, due: Option<u64>| {
        let marks = head.marks.iter().filter(|mark| mark.first >= start).copied().collect();
        let head = Head { start, due, marks, ..head.clone() };
        Small { logs: [(main("l"), head)].into(), ..small(clock, 4) }
    };
    // The first piece is as young as the first record after it.
    assert_eq!(wrong(&story, of(65_999, 0, Some(66_000))), Vec::<String>::new());
    assert_eq!(wrong(&story, of(66_000, 2, Some(66_000))), Vec::<String>::new());
    assert_eq!(wrong(&story, of(66_000, 0, Some(66_000))), Vec::<String>::new(), "the next entry does it");
    let kept = wrong(&story, of(66_000, 0, Some(90_000)));
    assert!(kept[0].contains("begins at 0 at 66000, and may begin from 2 to 2"), "{kept:?}");
    let lost = wrong(&story, of(65_999, 2, Some(66_000)));
    assert!(lost[0].contains("begins at 2 at 65999, and may begin from 0 to 0"), "{lost:?}");
}

#[test]
fn what_a_log_keeps_and_consists_of_is_laid_beside_what_was_told() {
    let (story, head) = aging();
    let rows = Small { logs: [(main("l"), head)].into(), ..small(3_000, 4) };
    let spoilt = |spoil: fn(&mut Head), sentence: &str| {
        only_wrong_if(&story, &rows, |small| spoil(small.logs.get_mut(&main("l")).unwrap()), sentence);
    };
    spoilt(|head| head.age = Some(span(63_999)), "and was told to keep");
    spoilt(|head| head.records = Some(9), "and was told to keep");
    spoilt(|head| head.created = 999, "and was made at 1000");
    spoilt(|head| head.bytes_ever = 5, "has bytes and a last append of (5, 3000)");
    spoilt(|head| head.last = 3_001, "has bytes and a last append of (4, 3001)");
    spoilt(|head| head.marks[1].opened = 1_900, "has the pieces");
    spoilt(|head| head.marks.truncate(2), "has the pieces");
}

#[test]
fn a_lock_that_is_lost_before_its_time_is_found() {
    let token = Token { history: 7, sequence: 1 };
    let mut story = Story::at(1_000);
    let locked = crate::proto::Locked { token: Some(token), expires_ms: 2_000 };
    story.done(&one("a", acquire("k", "me", 1_000)), &[Got::Locked(locked)]);
    let lock = Lock { holder: "me".to_owned(), token: (7, 1), expires: 2_000 };
    let rows = Small { locks: [(main("k"), lock)].into(), ..small(1_999, 1) };
    only_wrong_if(&story, &rows, |small| small.locks.clear(), "the lock k is None");
    assert_eq!(wrong(&story, small(2_000, 1)), Vec::<String>::new(), "its time is over");
    let holder = |small: &mut Small| small.locks.get_mut(&main("k")).unwrap().holder = "you".to_owned();
    only_wrong_if(&story, &rows, holder, "is held by you, and me has taken it");
    story.done(&one("b", release("k", token)), &[Got::Released(Released {})]);
    assert_eq!(wrong(&story, small(1_999, 2)), Vec::<String>::new(), "it was given back");
}

#[test]
fn the_times_of_cells_and_positions_are_laid_beside_those_of_their_commands() {
    let mut story = Story::at(1_000);
    story.done(&one("a", append("l", &["x", "y"])), &[at_first(0, 2)]);
    story.later(5).done(&one("b", put("c", 7)), &[Got::Put(CellPut { version: 2 })]);
    story.done(&one("m", move_reader("r", "l", 1)), &[Got::Moved(ReaderMoved { version: 3 })]);
    let marks = vec![Mark { first: 0, bytes_before: 0, opened: 1_000 }];
    let (_, aging) = aging();
    let head = Head { end: 2, bytes_ever: 2, last: 1_000, age: None, due: None, marks, ..aging };
    let mut rows = Small { logs: [(main("l"), head)].into(), ..small(1_005, 3) };
    rows.cells.insert(main("c"), Cell { value: Value::Integer(7), version: 2, time: 1_005 });
    let reader = || (MAIN, "r".to_owned(), "l".to_owned());
    rows.positions.insert(reader(), Position { offset: 1, version: 3, time: 1_005 });
    only_wrong_if(
        &story,
        &rows,
        |small| small.cells.get_mut(&main("c")).unwrap().time = 1_004,
        "the cell c is of 1004",
    );
    let late = |small: &mut Small| small.positions.get_mut(&reader()).unwrap().time = 1_006;
    only_wrong_if(&story, &rows, late, "the position of r in l is of 1006");
    let left = |small: &mut Small| small.deleted_positions.insert(reader(), 2);
    assert_eq!(wrong(&story, rows.clone()), Vec::<String>::new());
    rows.deleted_positions.insert((MAIN, "other".to_owned(), "l".to_owned()), 2);
    assert!(wrong(&story, rows.clone())[0].contains("other in l was never there, and 2 stays of it"));
    rows.deleted_positions.clear();

    // What stays of it is the version of its deletion.
    story.done(&one("d", delete_reader("r", "l")), &[Got::ReaderDeleted(ReaderDeleted { version: 4 })]);
    rows.spaces.get_mut("main").unwrap().last_sequence = 4;
    rows.positions.clear();
    rows.deleted_positions.insert(reader(), 4);
    only_wrong_if(&story, &rows, left, "was deleted by 4, and Some(2) stays");
    only_wrong_if(&story, &rows, |small| small.deleted_positions.clear(), "was deleted by 4, and None stays");
}

#[test]
fn what_stays_of_a_log_is_laid_beside_its_deletion() {
    let mut story = Story::at(1_000);
    story.done(&one("a", append("l", &["x", "y"])), &[at_first(0, 2)]);
    story.later(5).done(&one("b", delete_log("l")), &[Got::LogDeleted(LogDeleted { end: 2 })]);
    let deleted = DeletedLog { number: 1, end: 2, at: 1_005 };
    let rows = Small { deleted_logs: [(main("l"), deleted)].into(), ..small(1_005, 2) };
    only_wrong_if(&story, &rows, |small| small.deleted_logs.clear(), "of the log l there stays None");
    let end = |small: &mut Small| small.deleted_logs.get_mut(&main("l")).unwrap().end = 1;
    only_wrong_if(&story, &rows, end, "of the log l there stays Some");
    let more = |small: &mut Small| small.deleted_logs.insert(main("m"), deleted);
    only_wrong_if(&story, &rows, more, "and nobody deleted it");
}

#[test]
fn outcomes_that_are_lost_or_that_nobody_was_given_are_found() {
    let mut story = Story::at(1_000);
    story.done(&one("a", put("c", 7)), &[Got::Put(CellPut { version: 1 })]);
    let cell = Cell { value: Value::Integer(7), version: 1, time: 1_000 };
    let rows = |outcomes| Small { cells: [(main("c"), cell.clone())].into(), ..small(1_000, outcomes) };
    let found = |outcomes| {
        let workloads = vec!["appends".to_owned()];
        let events = Events { workloads, meant: Some(Meant::default()), ..Events::default() };
        story.found("P22", events, &[dump(rows(outcomes))])
    };
    assert_eq!(found(1), Vec::<String>::new());
    assert!(found(0)[0].contains("the last outcome of the space main is 0, and 1 was told"), "{:?}", found(0));
    assert!(found(2)[0].contains("1 were given to nobody, and 0 commands may be theirs"), "{:?}", found(2));
}

/// A space that remembers for a minute is made at 1,000,500, and used.
fn brief() -> (Story, Small) {
    let mut story = Story::at(1_000_500);
    story.done(&system("make", create_space("brief", Some(MEMORY_MS))), &[Got::SpaceCreated(SpaceCreated {})]);
    let in_brief = command_in("brief", born("a", 1_000_000), vec![], vec![record("l", "x")]);
    story.done(&in_brief, &[at_first(0, 1)]);
    let of_brief = Space {
        memory: Some(span(MEMORY_MS)),
        floor: 940_000,
        eras: vec![Era { from: 0, width: span(1_000) }],
        due: Some(1_061_000),
        ..space(BRIEF, 1)
    };
    let marks = vec![Mark { first: 0, bytes_before: 0, opened: 1_000_500 }];
    let (_, aging) = aging();
    let times = Head { created: 1_000_500, last: 1_000_500, ..aging };
    let head = Head { end: 1, bytes_ever: 1, age: None, due: None, marks, ..times };
    let mut rows = small(1_000_500, 0);
    rows.spaces.get_mut(SYSTEM).unwrap().last_sequence = 1;
    rows.spaces.insert("brief".to_owned(), of_brief);
    rows.logs.insert((BRIEF, "l".to_owned()), head);
    (story, rows)
}

fn wrong_in_brief(story: &Story, rows: &Small, spoil: impl FnOnce(&mut Space)) -> Vec<String> {
    let mut rows = rows.clone();
    spoil(rows.spaces.get_mut("brief").unwrap());
    let logs = rows
        .logs
        .keys()
        .map(|(_, name)| (format!("brief/{name}"), Arc::new(LogDump { start: 0, end: 1, records: Vec::new() })));
    let logs = logs.collect();
    story.wrong_beside(Some(Dump { logs, ..Dump::default() }.with_tables(Tables::holding(rows))))
}

#[test]
fn a_space_that_has_forgotten_more_than_it_may_or_remembers_otherwise_is_found() {
    let (mut story, mut rows) = brief();
    let found = |story: &Story, rows: &Small, spoil: fn(&mut Space), sentence: &str| {
        assert_eq!(wrong_in_brief(story, rows, |_| ()), Vec::<String>::new());
        let found = wrong_in_brief(story, rows, spoil);
        assert!(found.len() == 1 && found[0].contains(sentence), "{sentence} in {found:?}");
    };
    found(&story, &rows, |space| space.floor = 941_000, "has forgotten below 941000, and may below 940000");
    found(&story, &rows, |space| space.closed = 1, "is closed below 1, and was told to be below 0");
    found(&story, &rows, |space| space.memory = Some(span(59_999)), "remembers for Some(59999) ms");
    found(&story, &rows, |space| space.memory = None, "remembers for None ms");
    found(&story, &rows, |space| space.explicit = true, "has logs made by their own commands: true");
    found(&story, &rows, |space| space.eras[0].width = span(2_000), "has the eras");
    // Another memory closes what was closed by then, and has other buckets from where nobody can be born yet.
    story.done(&system("set", set_space("brief", 640_000)), &[Got::SpaceSet(SpaceSet {})]);
    rows.spaces.get_mut(SYSTEM).unwrap().last_sequence = 2;
    let of_brief = rows.spaces.get_mut("brief").unwrap();
    let eras = [(0, 1_000), (1_601_000, 10_000)].map(|(from, width)| Era { from, width: span(width) });
    (of_brief.memory, of_brief.closed, of_brief.eras) = (Some(span(640_000)), 940_000, eras.into());
    found(&story, &rows, |space| space.closed = 0, "is closed below 0, and was told to be below 940000");
    found(&story, &rows, |space| space.eras[1].from = 1_600_000, "has the eras");
}

#[test]
fn what_stays_of_a_space_is_laid_beside_its_deletion() {
    let (mut story, _) = brief();
    story.later(5).done(&system("gone", delete_space("brief")), &[Got::SpaceDeleted(SpaceDeleted {})]);
    let mut rows = Small { deleted_spaces: [("brief".to_owned(), 1_000_505)].into(), ..small(1_000_505, 0) };
    rows.spaces.get_mut(SYSTEM).unwrap().last_sequence = 2;
    only_wrong_if(&story, &rows, |small| small.deleted_spaces.clear(), "the space brief was deleted at None");
    let early = |small: &mut Small| small.deleted_spaces.insert("brief".to_owned(), 1_000_504);
    only_wrong_if(&story, &rows, early, "the space brief was deleted at Some(1000504)");
    let other = |small: &mut Small| small.deleted_spaces.insert("other".to_owned(), 7);
    only_wrong_if(&story, &rows, other, "the space other was deleted, and nobody made it");
}
