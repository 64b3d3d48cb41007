//! What is deleted leaves a mark, so that nothing that comes later is mistaken for it.

use super::system::act as act_in_system;
use super::*;
use crate::machine::{DeletedLog, Due};

fn delete(name: &str) -> Action {
    Action::DeleteLog { log: log(name) }
}

fn appended(first: u64, count: u32) -> ActionResult {
    ActionResult::Appended { first: Offset(first), count }
}

fn reader() -> ReaderName {
    ReaderName::new("billing").expect("valid")
}

fn move_to(to: u64) -> Action {
    Action::Move { reader: reader(), log: log("x"), to: Offset(to) }
}

fn delete_reader() -> Action {
    Action::DeleteReader { reader: reader(), log: log("x") }
}

fn at(offset: u64, version: u64) -> Guard {
    Guard::Position { reader: reader(), log: log("x"), offset: Offset(offset), version: Version(version) }
}

fn delete_space(name: SpaceName) -> Vec<Action> {
    vec![Action::DeleteSpace { name }]
}

#[test]
fn a_log_that_is_made_again_goes_on_where_it_ended() {
    let mut overlay = begin();
    let first = append("a", "x", &["one", "two"]);
    let before = decide(&mut overlay, first.clone());
    let deleted = propose(
        &mut overlay,
        vec![append("b", "x", &["three"]), {
            Proposal::Command(Command { actions: vec![delete("x")], ..command("c") })
        }],
    );

    assert_eq!(deleted.answers[1], decided(3, Verdict::Applied(vec![ActionResult::LogDeleted { end: Offset(3) }])));
    let mark = DeletedLog { number: LogNumber(1), end: Offset(3), at: time(CLOCK_MS) };
    assert!(deleted.effects.contains(&Effect::LogDeleted { space: SpaceNumber(1), name: log("x"), mark }));
    let trim = Effect::Trim { space: SpaceNumber(1), log: LogNumber(1), from: Offset(0), before: Offset(3) };
    assert_eq!(deleted.effects.last(), Some(&trim));
    assert_eq!(overlay.log(SpaceNumber(1), &log("x")), None);

    assert_eq!(decide(&mut overlay, first), replay_of(&before), "its ids stay known");
    for (text, action) in [
        ("again", delete("x")),
        ("trim", Action::Trim { log: log("x"), before: Offset(0) }),
        ("keep", Action::SetRetention { log: log("x"), retention: Retention::EVERYTHING }),
        ("move", move_to(0)),
    ] {
        assert_eq!(act(&mut overlay, text, vec![action]), refuses(Step::Action(0), Found::NoLog), "{text}");
    }
    assert_eq!(act(&mut overlay, "d", vec![action("x", &["four"])]), Verdict::Applied(vec![appended(3, 1)]));
    let (found, expected) = (head(&overlay, "x"), (LogNumber(1), Offset(3), Offset(4), 4));
    assert_eq!((found.number, found.start, found.end, found.bytes()), expected);
}

#[test]
fn a_log_that_is_deleted_can_be_made_again_with_another_retention() {
    let mut overlay = begin();
    let create = |records| Action::CreateLog {
        log: log("x"),
        retention: Retention { records, age: Some(Duration::from_secs(5)), bytes: None },
    };
    act(&mut overlay, "a", vec![create(Some(2)), action("x", &["one"])]);
    assert_eq!(overlay.next_due(), Some((time(CLOCK_MS + 5_000), &Due::Log(SpaceNumber(1), log("x")))));

    act(&mut overlay, "b", vec![delete("x")]);
    assert_eq!(overlay.next_due(), None);
    assert_eq!(act(&mut overlay, "c", vec![create(None)]), Verdict::Applied(vec![ActionResult::LogCreated]));

    let found = head(&overlay, "x");
    assert_eq!((found.start, found.end, found.retention.records), (Offset(1), Offset(1), None));
}

#[test]
fn a_guard_on_the_end_of_a_deleted_log_compares_where_it_ended() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![action("x", &["one", "two"]), delete("x")]);
    let ends_at = |end| vec![Guard::LogEnd { log: log("x"), end: Offset(end) }];

    let as_if_it_never_was = act_at(&mut overlay, CLOCK_MS, "b", ends_at(0), vec![action("x", &["three"])]);
    let as_it_was = act_at(&mut overlay, CLOCK_MS, "c", ends_at(2), vec![action("x", &["three"])]);

    assert_eq!(as_if_it_never_was, refuses(Step::Guard(0), Found::LogEnd(Offset(2))));
    assert_eq!(as_it_was, Verdict::Applied(vec![appended(2, 1)]));
}

#[test]
fn a_log_can_be_deleted_and_made_again_in_one_command_and_all_of_it_or_nothing() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![action("x", &["one"])]);
    let both = act(&mut overlay, "b", vec![delete("x"), action("x", &["two"]), delete("x"), action("x", &["three"])]);
    let deleted = |end| ActionResult::LogDeleted { end: Offset(end) };
    assert_eq!(both, Verdict::Applied(vec![deleted(1), appended(1, 1), deleted(2), appended(2, 1)]));

    let refused = act(&mut overlay, "c", vec![delete("x"), Action::Delete { key: key("none") }]);
    assert_eq!(refused, refuses(Step::Action(1), Found::NoCell));
    assert_eq!((head(&overlay, "x").start, head(&overlay, "x").end), (Offset(2), Offset(3)));
}

#[test]
fn readers_of_a_log_that_is_deleted_stay_where_they_were() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![action("x", &["one", "two"]), move_to(1)]);
    act(&mut overlay, "b", vec![delete("x")]);
    let position = Position { offset: Offset(1), version: Version(1), time: time(CLOCK_MS) };
    assert_eq!(overlay.position(SpaceNumber(1), &reader(), &log("x")), Some(&position));
    let gone = act(&mut overlay, "c", vec![delete_reader()]);
    assert_eq!(gone, Verdict::Applied(vec![ActionResult::ReaderDeleted { version: Version(3) }]));
}

#[test]
fn whoever_saw_a_reader_before_it_was_deleted_loses_at_the_guard() {
    let mut overlay = begin();
    act(&mut overlay, "records", vec![action("x", &["one", "two"])]);
    let never_moved = act(&mut overlay, "early", vec![delete_reader()]);
    act_at(&mut overlay, CLOCK_MS, "moves", vec![at(0, 0)], vec![move_to(2)]);
    let deleted = act_at(&mut overlay, CLOCK_MS, "deletes", vec![at(2, 3)], vec![delete_reader()]);
    let twice = act(&mut overlay, "twice", vec![delete_reader()]);

    assert_eq!(never_moved, refuses(Step::Action(0), Found::NoReader));
    assert_eq!(deleted, Verdict::Applied(vec![ActionResult::ReaderDeleted { version: Version(4) }]));
    assert_eq!(twice, refuses(Step::Action(0), Found::NoReader));
    let found = || refuses(Step::Guard(0), Found::Position { offset: Offset(0), version: Version(4) });
    for (text, guard) in [("saw it at 2", at(2, 3)), ("saw that it was never moved", at(0, 0))] {
        assert_eq!(act_at(&mut overlay, CLOCK_MS, text, vec![guard], vec![move_to(1)]), found(), "{text}");
    }
    let again = act_at(&mut overlay, CLOCK_MS, "again", vec![at(0, 4)], vec![move_to(1)]);
    assert_eq!(again, Verdict::Applied(vec![ActionResult::Moved { version: Version(8) }]));
    assert_eq!(overlay.deleted_position(SpaceNumber(1), &reader(), &log("x")), None);
}

#[test]
fn a_space_goes_with_everything_in_it_and_its_name_never_comes_back() {
    let mut overlay = begin();
    let mine = in_finite(born("a", CLOCK_MS), "one");
    let before = decide(&mut overlay, mine.clone());
    assert!(matches!(before, Answer::Decided { replayed: false, .. }));

    let gone = act_in_system(&mut overlay, "delete", delete_space(finite_name()));

    assert_eq!(gone, Verdict::Applied(vec![ActionResult::SpaceDeleted]));
    assert_eq!(overlay.next_due(), None, "there is nothing to forget any more");
    let rejected = Answer::Rejected(Rejection::SpaceDeleted { at: time(CLOCK_MS) });
    for proposal in [mine, cancel_in_finite(born("a", CLOCK_MS)), in_finite(born("b", CLOCK_MS), "two")] {
        let ran = propose(&mut overlay, vec![proposal]);
        assert_eq!((&ran.answers[..], &ran.effects[..]), (&[rejected.clone()][..], &[][..]));
    }
    let policy = SpacePolicy { memory: Memory::Forever, logs: LogCreation::ByAppend };
    for (text, action) in [
        ("make", Action::CreateSpace { name: finite_name(), policy }),
        ("set", Action::SetSpace { name: finite_name(), memory: Some(MEMORY), logs: None }),
        ("delete twice", Action::DeleteSpace { name: finite_name() }),
    ] {
        let found = Found::SpaceDeleted { at: time(CLOCK_MS) };
        assert_eq!(act_in_system(&mut overlay, text, vec![action]), refuses(Step::Action(0), found), "{text}");
    }
    let nowhere = SpaceName::new("nowhere").expect("valid");
    let unknown = act_in_system(&mut overlay, "unknown", delete_space(nowhere));
    assert_eq!(unknown, refuses(Step::Action(0), Found::NoSpace));
}

#[test]
fn commands_of_a_space_that_is_deleted_in_the_same_entry_are_decided_in_order() {
    let mut overlay = begin();
    let delete = Command { space: SpaceName::system(), actions: delete_space(finite_name()), ..command("delete") };
    let ran = propose(
        &mut overlay,
        vec![
            in_finite(born("a", CLOCK_MS), "before"),
            Proposal::Command(delete),
            in_finite(born("b", CLOCK_MS), "after"),
        ],
    );

    assert!(matches!(ran.answers[0], Answer::Decided { .. }));
    assert_eq!(ran.answers[2], Answer::Rejected(Rejection::SpaceDeleted { at: time(CLOCK_MS) }));
    let of_the_space = |effect: &&Effect| match effect {
        Effect::Records { space, .. } | Effect::Remember { space, .. } | Effect::Log { space, .. } => {
            *space == SpaceNumber(2)
        }
        Effect::Space { name, .. } => *name == finite_name(),
        _ => false,
    };
    assert_eq!(ran.effects.iter().filter(of_the_space).count(), 0, "{:#?}", ran.effects);
    let deletion = Effect::SpaceDeleted { name: finite_name(), number: SpaceNumber(2), at: time(CLOCK_MS) };
    assert_eq!(ran.effects.last(), Some(&deletion));
}

#[test]
fn a_space_can_be_made_and_deleted_in_one_command_and_is_gone() {
    let mut overlay = begin();
    let name = || SpaceName::new("brief").expect("valid");
    let policy = SpacePolicy { memory: Memory::Forever, logs: LogCreation::ByAppend };
    let create = || Action::CreateSpace { name: name(), policy };
    let delete = Action::DeleteSpace { name: name() };
    let both = act_in_system(&mut overlay, "a", vec![create(), delete.clone(), delete]);
    assert_eq!(both, refuses(Step::Action(2), Found::SpaceDeleted { at: time(CLOCK_MS) }));
    let delete = Action::DeleteSpace { name: name() };
    let back = act_in_system(&mut overlay, "b", vec![create(), delete, create()]);
    assert_eq!(back, refuses(Step::Action(2), Found::SpaceDeleted { at: time(CLOCK_MS) }));
    act_in_system(&mut overlay, "c", vec![create(), Action::DeleteSpace { name: name() }]);
    assert_eq!((overlay.space(&name()), overlay.deleted_space(&name())), (None, Some(time(CLOCK_MS))));
}

#[test]
fn the_spaces_that_every_cluster_has_are_never_deleted() {
    let mut overlay = begin();
    for name in [SpaceName::main(), SpaceName::system()] {
        let delete = Command { space: SpaceName::system(), actions: delete_space(name), ..command("a") };
        let ran = propose(&mut overlay, vec![Proposal::Command(delete)]);
        assert_eq!((&ran.answers[..], &ran.effects[..]), (&[Answer::Rejected(Rejection::Malformed)][..], &[][..]));
    }
}

#[test]
fn what_was_due_in_a_space_that_was_deleted_is_nothing_when_its_time_comes() {
    let mut overlay = begin();
    let holder = Holder::new("worker").expect("valid");
    let lock = || LockName::new("nightly").expect("valid");
    let retention = Retention { age: Some(Duration::from_secs(9)), ..Retention::EVERYTHING };
    let actions = vec![
        Action::Acquire { lock: lock(), holder, time: Duration::from_secs(5) },
        Action::CreateLog { log: log("x"), retention },
        action("x", &["one"]),
    ];
    let command = Command { space: finite_name(), id: born("a", CLOCK_MS), guards: Vec::new(), actions };
    assert!(matches!(decide(&mut overlay, Proposal::Command(command)), Answer::Decided { .. }));
    act_in_system(&mut overlay, "delete", delete_space(finite_name()));
    assert_eq!(overlay.next_due(), Some((time(CLOCK_MS + 5_000), &Due::Lock(SpaceNumber(2), lock()))));

    let ran = run_at(&mut overlay, CLOCK_MS + 60_000, Vec::new());

    let gone = |at: u64, due| Effect::Due { at: time(CLOCK_MS + at), due, is: false };
    let expected = [
        Effect::Globals(globals(CLOCK_MS + 60_000)),
        gone(5_000, Due::Lock(SpaceNumber(2), lock())),
        gone(9_000, Due::Log(SpaceNumber(2), log("x"))),
    ];
    assert_eq!(ran.effects, expected);
    assert_eq!(overlay.next_due(), None);
}
