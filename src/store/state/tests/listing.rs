//! What a space holds, looked at and listed.

use super::*;
use crate::types::{CellValue, Guard, Position, Version};

fn key(text: &str) -> CellKey {
    CellKey::new(text).unwrap()
}

fn reader(text: &str) -> ReaderName {
    ReaderName::new(text).unwrap()
}

fn nowhere() -> SpaceName {
    SpaceName::new("nowhere").unwrap()
}

/// All pages of a list, `limit` long.
fn pages<T, A>(limit: usize, page: impl Fn(Option<&A>, usize) -> (Vec<T>, bool), after: impl Fn(&T) -> A) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let (found, more) = page(all.last().map(&after).as_ref(), limit);
        assert!(found.len() == limit || !more, "a page is full unless it is the last");
        all.extend(found);
        if !more {
            return all;
        }
    }
}

#[test]
fn cells_are_listed_by_key_and_prefix_in_pages_and_of_one_space_only() {
    let (_directory, state) = fresh();
    let names = ["a", "a/1", "a/2", "ab", "Z", "\u{e9}"];
    let puts = names.iter().map(|name| integer(name, 7)).collect();
    let elsewhere = command_in(&finite_space(), born("e", 1_000), vec![integer("a/0", 8)]);
    state.apply(vec![batch(0, vec![make_finite_space(), command("puts", puts), elsewhere])]).unwrap();
    let view = state.view();
    for limit in 1..8 {
        let list = |prefix: &'static str| {
            let page = |after: Option<&CellKey>, limit| view.cells(&main_space(), after, prefix, limit).unwrap();
            let cells = pages(limit, page, |cell| cell.key.clone());
            cells.iter().map(|cell| cell.key.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(list(""), ["Z", "a", "a/1", "a/2", "ab", "\u{e9}"]);
        assert_eq!(list("a"), ["a", "a/1", "a/2", "ab"]);
        assert_eq!(list("a/"), ["a/1", "a/2"]);
        assert_eq!(list("b"), [""; 0]);
    }
    let from = |after: &str| view.cells(&main_space(), Some(&key(after)), "a/", 9).unwrap().0.len();
    assert_eq!((from("Z"), from("a/1"), from("b")), (2, 1, 0), "after what is before or behind the prefix");
    let cell = view.cell(&main_space(), &key("ab")).unwrap().unwrap();
    assert_eq!((cell.value, cell.version, cell.time), (CellValue::Integer(7), Version(1), ms(1_000)));
    assert_eq!(view.cell(&main_space(), &key("a/0")).unwrap(), None);
    assert_eq!(view.cell(&nowhere(), &key("a")).unwrap(), None);
    assert_eq!(view.cells(&nowhere(), None, "", 9).unwrap(), (vec![], false));
}

#[test]
fn a_page_of_long_cells_ends_before_it_is_too_long() {
    let (_directory, state) = fresh();
    let long = Bytes::from(vec![0; crate::types::limits::PAGE_BYTES_MAX]);
    let put = |name: &str| Action::Put { key: key(name), value: CellValue::Bytes(long.clone()) };
    state.apply(vec![batch(0, vec![command("puts", vec![put("a"), put("b"), put("c")])])]).unwrap();
    let (cells, more) = state.view().cells(&main_space(), None, "", 9).unwrap();
    assert_eq!((cells.len(), more), (1, true));
    let (cells, more) = state.view().cells(&main_space(), Some(&key("b")), "", 9).unwrap();
    assert_eq!((cells.len(), more), (1, false));
}

#[test]
fn positions_are_listed_by_reader_and_log_with_the_ends_of_the_logs() {
    let (_directory, state) = fresh();
    let places = [("r", "b"), ("r ", "a"), ("r ", "c"), ("r", "a"), ("rr", "a"), ("q", "c")];
    let moves = places.map(|(name, of)| Action::Move { reader: reader(name), log: log(of), to: Offset(1) });
    let appends = ["a", "b", "c"].map(|name| append(name, name, &["1", "2"]));
    let all = [command("all", moves.into())];
    state.apply(vec![batch(0, appends.into_iter().chain(all).collect())]).unwrap();
    let view = state.view();
    for limit in 1..8 {
        let list = |only: Option<&str>| {
            let only = only.map(reader);
            let page = |after: Option<&(ReaderName, LogName)>, limit| {
                let after = after.map(|(reader, log)| (reader, log));
                view.positions(&main_space(), after, only.as_ref(), limit).unwrap()
            };
            let found = pages(limit, page, |row| (row.reader.clone(), row.log.clone()));
            assert!(found.iter().all(|row| row.end == Offset(2) && row.position.offset == Offset(1)));
            found.iter().map(|row| (row.reader.as_str().to_owned(), row.log.as_str().to_owned())).collect::<Vec<_>>()
        };
        let owned =
            |all: &[(&str, &str)]| all.iter().map(|(one, other)| ((*one).into(), (*other).into())).collect::<Vec<_>>();
        assert_eq!(list(None), owned(&[("q", "c"), ("r", "a"), ("r", "b"), ("r ", "a"), ("r ", "c"), ("rr", "a")]));
        assert_eq!(list(Some("r")), owned(&[("r", "a"), ("r", "b")]));
        assert_eq!(list(Some("r ")), owned(&[("r ", "a"), ("r ", "c")]));
        assert_eq!(list(Some("nobody")), owned(&[]));
    }
    let position = view.position(&main_space(), &reader("q"), &log("c")).unwrap();
    assert_eq!(position, Position { offset: Offset(1), version: Version(4), time: ms(1_000) });
    assert_eq!(view.position(&main_space(), &reader("q"), &log("a")).unwrap(), Position::default());
    assert_eq!(view.position(&nowhere(), &reader("q"), &log("c")).unwrap(), Position::default());
    assert_eq!(view.positions(&nowhere(), None, None, 9).unwrap(), (vec![], false));
}

#[test]
fn locks_are_listed_as_long_as_they_are_held_though_their_rows_may_last() {
    let (_directory, state) = fresh();
    // More than one entry lets go, every third for longer.
    let length = |number: u64| if number.is_multiple_of(3) { 100 } else { 1 };
    let actions = (0..200).map(|number| acquire(lock_name(number), length(number))).collect();
    state.apply(vec![batch_at(0, 1_000, vec![command("take", actions)])]).unwrap();
    let list = |limit| {
        let view = state.view();
        let page = |after: Option<&LockName>, limit| view.locks(&main_space(), after, "lock 000", limit).unwrap();
        pages(limit, page, |lock| lock.name.clone()).len()
    };
    assert_eq!((list(7), list(1_000)), (100, 100), "by prefix");
    state.apply(vec![batch_at(1, 2_000, vec![])]).unwrap();
    let left =
        (0..200).filter(|&number| state.view().lock(&main_space(), &lock_name(number)).unwrap().is_some()).count();
    assert_eq!(left, 200 - 64, "rows that the entry had no room for");
    for limit in [1, 5, 34, 1_000] {
        assert_eq!(list(limit), 34, "pages of {limit}");
    }
    assert_eq!(state.view().locks(&main_space(), None, "", 0).unwrap(), (vec![], true));
    assert_eq!(state.view().locks(&nowhere(), None, "", 9).unwrap(), (vec![], false));
}

#[test]
fn spaces_are_described_and_listed_without_the_reserved_one() {
    let (_directory, state) = fresh();
    let appended = command_in(&finite_space(), born("b", 900), vec![records(log("l"), &["x"])]);
    state.apply(vec![batch(0, vec![make_finite_space(), appended])]).unwrap();
    let view = state.view();
    let finite = view.space_description(&finite_space()).unwrap().unwrap();
    assert_eq!((finite.ids, finite.last_sequence.0, finite.floor, finite.clock), (1, 1, ms(0), ms(1_000)));
    assert_eq!(finite.policy.memory, Memory::For(Duration::from_mins(1)));
    assert_eq!(view.space_description(&nowhere()).unwrap(), None);
    for limit in 1..4 {
        let page = |after: Option<&SpaceName>, limit| view.spaces(after, limit).unwrap();
        let names: Vec<_> = pages(limit, page, |space| space.name.clone());
        assert_eq!(names.iter().map(|space| space.name.as_str()).collect::<Vec<_>>(), ["finite", "main"]);
        assert_eq!(names[0], finite);
    }
    assert_eq!(view.spaces(Some(&main_space()), 5).unwrap(), (vec![], false));
}

#[test]
fn what_was_undone_says_by_whom_after_a_restart_too() {
    let (directory, state) = fresh();
    let undo = Proposal::Command(Command {
        space: main_space(),
        id: id("undo"),
        guards: vec![Guard::LogEnd { log: log("l"), end: Offset(1) }],
        actions: vec![Action::Compensate { target: id("a") }, integer("done", 1)],
    });
    // In one write: what was remembered, and that it was undone.
    state.apply(vec![batch(0, vec![append("a", "l", &["x"]), undo])]).unwrap();
    state.flush().unwrap();
    drop(state);
    let state = open(&directory.path().join("0"));
    let known = |text: &str| state.view().remembered(&main_space(), &id(text)).unwrap().unwrap();
    assert_eq!((known("a").compensated_by, known("undo").compensated_by), (Some(id("undo")), None));
}
