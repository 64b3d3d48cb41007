//! Logs, readers and spaces that were deleted: nothing of them is left on disk but what has to be remembered of them.

use std::pin::pin;

use super::super::{keys, rows as values};
use super::model::Model;
use super::*;
use crate::machine::DeletedLog;
use crate::types::{Found, Guard, LogNumber, Position, Rejection, SpaceNumber, Verdict, Version};

fn reader() -> ReaderName {
    ReaderName::new("billing").unwrap()
}

fn move_to(to: u64) -> Action {
    Action::Move { reader: reader(), log: log("l"), to: Offset(to) }
}

fn delete_log() -> Action {
    Action::DeleteLog { log: log("l") }
}

fn delete_reader() -> Action {
    Action::DeleteReader { reader: reader(), log: log("l") }
}

fn in_system(text: &str, action: Action) -> Proposal {
    command_in(&SpaceName::system(), id(text), vec![action])
}

fn delete_finite() -> Proposal {
    in_system("delete it", Action::DeleteSpace { name: finite_space() })
}

fn refused_with(answer: &Answer) -> Found {
    match &outcome(answer).0.verdict {
        Verdict::Refused(refusal) => refusal.found.clone(),
        other => panic!("it was not refused: {other:?}"),
    }
}

fn payloads(state: &State, from: u64) -> Option<(u64, Vec<Bytes>)> {
    let page = state.view().records(&main_space(), &log("l"), Offset(from), 99, 9_999).unwrap()?;
    Some((page.start.0, page.records.into_iter().map(|record| record.payload).collect()))
}

/// Of everything that a space can hold.
fn some_of_everything() -> Vec<Action> {
    vec![
        records(log("l"), &["x", "y"]),
        records(log("m"), &["x"]),
        acquire(lock_name(1), 9),
        integer("c", 1),
        move_to(1),
    ]
}

/// Entries that use the finite space, delete a log and a reader in it, and then the space itself.
fn life_of_a_space() -> Vec<LogEntry> {
    let in_finite = |text: &str, actions| command_in(&finite_space(), born(text, 100_000), actions);
    vec![
        batch_at(0, 100_000, vec![make_finite_space(), in_finite("use", some_of_everything())]),
        batch_at(1, 100_000, vec![in_finite("delete in it", vec![delete_reader(), delete_log()])]),
        batch_at(2, 101_000, vec![in_finite("late", vec![integer("d", 1)]), delete_finite()]),
    ]
}

#[test]
fn a_deleted_log_is_gone_but_for_where_it_ended_and_goes_on_there() {
    let (directory, state) = fresh();
    let many: Vec<_> = (0..300).map(|number| format!("{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    state.apply(vec![batch(0, vec![append("a", "l", &many), append("b", "kept", &["x"])])]).unwrap();
    state.apply(vec![batch(1, vec![command("c", vec![move_to(7)])])]).unwrap();
    state.apply(vec![batch(2, vec![command("d", vec![delete_log()])])]).unwrap();
    let check = |state: &State| {
        assert_eq!(payloads(state, 0), None);
        let view = state.view();
        assert_eq!(view.log(&main_space(), &log("l")).unwrap(), None);
        let mark = DeletedLog { number: LogNumber(1), end: Offset(300), at: ms(1_002) };
        assert_eq!(view.deleted_log(&main_space(), &log("l")).unwrap(), Some(mark));
        assert_eq!(view.log_end(&main_space(), &log("l")).unwrap(), Offset(300));
        let names: Vec<_> = view.logs(&main_space(), None, 9).unwrap().0.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [log("kept")]);
        let (positions, _) = view.positions(&main_space(), None, None, 9).unwrap();
        assert_eq!((positions[0].position.offset, positions[0].end), (Offset(7), Offset(300)));
        assert!(view.remembered(&main_space(), &id("a")).unwrap().is_some(), "its ids stay known");
        let left = rows(state).keys().filter(|(family, _)| *family == settings::RECORDS).count();
        assert_eq!(left, 1, "of the other log");
    };
    check(&state);
    state.flush().unwrap();
    drop(state);
    let state = open(&directory.path().join("0"));
    check(&state);

    let answers = state.apply(vec![batch(3, vec![append("a", "l", &many), append("e", "l", &["new"])])]).unwrap();
    assert!(outcome(&answers[0][0]).1, "it is a replay");
    assert_eq!(payloads(&state, 300), Some((300, vec![Bytes::from_static(b"new")])));
    assert_eq!(state.view().log_end(&main_space(), &log("l")).unwrap(), Offset(301));
}

#[test]
fn a_deleted_reader_is_at_the_beginning_with_a_version_of_its_own_and_is_not_listed() {
    let (directory, state) = fresh();
    state.apply(vec![batch(0, vec![append("a", "l", &["x", "y"]), command("b", vec![move_to(2)])])]).unwrap();
    state.apply(vec![batch(1, vec![command("c", vec![delete_reader()])])]).unwrap();
    state.flush().unwrap();
    drop(state);
    let state = open(&directory.path().join("0"));

    let position = state.view().position(&main_space(), &reader(), &log("l")).unwrap();
    assert_eq!(position, Position::deleted(Version(3)));
    assert!(!position.was_moved());
    assert_eq!(state.view().positions(&main_space(), None, None, 9).unwrap(), (vec![], false));

    let guarded = |text: &str, version| {
        let guard = Guard::Position { reader: reader(), log: log("l"), offset: Offset(0), version: Version(version) };
        let command = Command { space: main_space(), id: id(text), guards: vec![guard], actions: vec![move_to(1)] };
        Proposal::Command(command)
    };
    let answers = state.apply(vec![batch(2, vec![guarded("d", 0), guarded("e", 3)])]).unwrap();
    assert_eq!(refused_with(&answers[0][0]), Found::Position { offset: Offset(0), version: Version(3) });
    assert!(matches!(outcome(&answers[0][1]).0.verdict, Verdict::Applied(_)));
    let position = state.view().position(&main_space(), &reader(), &log("l")).unwrap();
    assert_eq!((position.offset, position.version, position.was_moved()), (Offset(1), Version(5), true));
}

#[test]
fn nothing_of_a_deleted_space_is_left_on_disk_but_its_name_and_what_is_due_until_its_time() {
    let entries = life_of_a_space();
    for cut in 0..entries.len() {
        let (directory, state) = fresh();
        state.apply(entries[..cut].to_vec()).unwrap();
        state.apply(entries[cut..].to_vec()).unwrap();
        assert_eq!(rows(&state), Model::after(&entries).rows());
        state.flush().unwrap();
        drop(state);
        let state = open(&directory.path().join("0"));

        let number = SpaceNumber(2);
        let small = keys::small_of(number);
        for (family, key) in rows(&state).into_keys() {
            let is_of_the_space = match family {
                settings::SMALL => small.iter().any(|range| range.contains(&first_five(&key))),
                _ => key.starts_with(&number.0.to_be_bytes()),
            };
            assert!(!is_of_the_space, "{family} {}", key.escape_ascii());
        }
        let view = state.view();
        assert_eq!(view.space(&finite_space()).unwrap(), None);
        assert_eq!(view.deleted_space(&finite_space()).unwrap(), Some(ms(101_000)));
        let names: Vec<_> = view.spaces(None, 9).unwrap().0.into_iter().map(|space| space.name).collect();
        assert_eq!(names, [main_space()]);
        assert_eq!(view.next_due().unwrap(), Some(ms(109_000)), "the lock");

        let create = in_system(
            "create again",
            match make_finite_space() {
                Proposal::Command(command) => command.actions[0].clone(),
                Proposal::Cancel(_) => unreachable!("it is a command"),
            },
        );
        let mine = command_in(&finite_space(), born("use", 100_000), some_of_everything());
        let answers = state.apply(vec![batch_at(3, 120_000, vec![create, mine])]).unwrap();
        let at = ms(101_000);
        assert_eq!(refused_with(&answers[0][0]), Found::SpaceDeleted { at });
        assert_eq!(answers[0][1], Answer::Rejected(Rejection::SpaceDeleted { at }));
        assert_eq!(state.view().next_due().unwrap(), None);
    }
}

fn first_five(key: &[u8]) -> [u8; 5] {
    let mut first = [0; 5];
    first.iter_mut().zip(key).for_each(|(byte, of_key)| *byte = *of_key);
    first
}

#[test]
fn a_crash_leaves_a_space_whole_or_takes_all_of_it() {
    let entries = life_of_a_space();
    let (directory, state) = fresh();
    state.apply(entries[..2].to_vec()).unwrap();
    state.flush().unwrap();
    state.apply(entries[2..].to_vec()).unwrap();
    for flushed in [false, true] {
        if flushed {
            state.flush().unwrap();
        }
        let image = directory.path().join(format!("image {flushed}"));
        crate::store::crash_point::image(&directory.path().join("0"), &image);
        let left = open(&image);
        let applied = if flushed { 3 } else { 2 };
        assert_eq!(rows(&left), Model::after(&entries[..applied]).rows());
        left.apply(entries[applied..].to_vec()).unwrap();
        assert_eq!(rows(&left), rows(&state));
        assert_eq!(standing(&left), standing(&state));
    }
}

#[test]
fn what_was_deleted_stays_deleted_in_a_snapshot() {
    let (_directory, state) = fresh();
    let entries = life_of_a_space();
    state.apply(entries).unwrap();
    state.apply(vec![batch_at(3, 101_000, vec![append("a", "l", &["x"]), command("b", vec![delete_log()])])]).unwrap();
    let snapshot = state.checkpoint().unwrap();
    let (_other_directory, other) = fresh();
    other.install_copy(&snapshot).unwrap();

    assert_eq!(rows(&other), rows(&state));
    let next = vec![append("a", "l", &["x"]), append("c", "l", &["y"]), delete_finite()];
    let answers = other.apply(vec![batch_at(4, 101_000, next)]).unwrap();
    assert!(outcome(&answers[0][0]).1 && outcome(&answers[0][2]).1, "both are replays");
    assert_eq!(payloads(&other, 1), Some((1, vec![Bytes::from_static(b"y")])));
}

#[test]
fn rows_that_were_deleted_and_made_again_in_one_write_are_those_of_many_writes() {
    let mut entries = vec![batch(0, vec![append("a", "l", &["x", "y"]), command("b", vec![move_to(2)])])];
    entries.push(batch(1, vec![command("c", vec![delete_log(), delete_reader()])]));
    entries.push(batch(2, vec![append("d", "l", &["z"]), command("e", vec![move_to(3)])]));
    let (_whole_directory, whole) = fresh();
    let (_single_directory, single) = fresh();
    whole.apply(entries.clone()).unwrap();
    for entry in entries {
        single.apply(vec![entry]).unwrap();
    }
    assert_eq!(rows(&whole), rows(&single));
    let key = (settings::SMALL, keys::deleted_log(SpaceNumber(1), &log("l")));
    let mark = DeletedLog { number: LogNumber(1), end: Offset(2), at: ms(1_001) };
    assert_eq!(rows(&whole)[&key], values::deleted_log(&mark), "it stays, and says nothing while the log is there");
    assert_eq!(whole.view().log_end(&main_space(), &log("l")).unwrap(), Offset(3));
}

#[tokio::test]
async fn who_waits_for_what_is_deleted_hears_of_it() {
    let (_directory, state) = fresh();
    let entries = life_of_a_space();
    state.apply(entries[..1].to_vec()).unwrap();
    let finite = SpaceNumber(2);
    let mut end = state.watch_log(finite, &log("l"));
    let mut position = state.watch_position(finite, &reader(), &log("l"));
    let mut never = state.watch_log(finite, &log("never-made"));
    let mut cell = state.watch_cell(finite, &CellKey::new("never put").unwrap());
    let mut lock = state.watch_lock(finite, &lock_name(1));
    let mut unsent = state.watch_id(finite, &born("never sent", 100_000));
    let mut elsewhere = state.watch_log(SpaceNumber(1), &log("l"));
    let mut heard = async || {
        let mut all = [&mut end, &mut position, &mut never, &mut cell, &mut lock, &mut unsent, &mut elsewhere];
        let mut heard = Vec::new();
        for watch in &mut all {
            heard.push(!futures::poll!(pin!(watch.changed())).is_pending());
        }
        heard
    };
    assert_eq!(heard().await, [false; 7]);
    state.apply(entries[1..2].to_vec()).unwrap();
    assert_eq!(heard().await, [true, true, false, false, false, false, false]);
    state.apply(entries[2..].to_vec()).unwrap();
    assert_eq!(heard().await, [true, true, true, true, true, true, false]);
}

#[test]
fn who_follows_a_log_is_not_served_what_was_deleted_from_memory() {
    let (_directory, state) = fresh();
    let entries = life_of_a_space();
    state.apply(vec![batch_at(0, 100_000, vec![make_finite_space()])]).unwrap();
    let followed = state.follow(SpaceNumber(2), LogNumber(1));
    let mut entries = entries.into_iter().zip(1..).map(|(entry, index)| LogEntry { id: log_id(index), ..entry });
    state.apply(vec![entries.next().unwrap()]).unwrap();
    assert_eq!(followed.records(Offset(0), 99).unwrap().map(|(records, _)| records.len()), Some(2));
    state.apply(vec![entries.next().unwrap()]).unwrap();
    assert_eq!(followed.records(Offset(0), 99).unwrap(), None);
    state.apply(entries.collect()).unwrap();
    assert_eq!(followed.records(Offset(0), 99).unwrap(), None);
}
