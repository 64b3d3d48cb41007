//! Corrupt is not absent.

use std::fs;

use rocksdb::WriteBatch;

use super::super::snapshot::is_table;
use super::super::{Error, directory, keys};
use super::*;
use crate::types::{LogNumber, Offset, SpaceNumber};

fn spoil(state: &State, change: impl FnOnce(&Generation, &mut WriteBatch)) {
    let generation = state.current().generation.clone();
    let mut batch = WriteBatch::default();
    change(&generation, &mut batch);
    generation.write(batch).unwrap();
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, Error>, where_expected: &str) {
    match result {
        Err(Error::Corrupt { place, .. }) => assert!(place.contains(where_expected), "{place} not {where_expected}"),
        other => panic!("{where_expected}: not told as corrupt but {other:?}"),
    }
}

#[test]
fn a_value_that_cannot_be_read_is_an_error_that_says_where() {
    let (_directory, state) = fresh();
    state.apply(story(10)).unwrap();
    let number = SpaceNumber(1);
    let head = state.view().log(&main_space(), &log("log-1")).unwrap().unwrap();
    spoil(&state, |generation, batch| {
        batch.put_cf(generation.ids(), keys::id(number, &id("id-1")), b"\x01\x07");
        batch.put_cf(generation.records(), keys::record(number, head.number, Offset(1)), b"\x02");
        batch.put_cf(generation.small(), keys::log(number, &log("log-2")), b"");
    });
    let view = state.view();
    assert_corrupt(view.remembered(&main_space(), &id("id-1")), "id-1");
    assert_corrupt(view.remembered_many(&[(main_space(), id("id-1"))]), "id-1");
    assert_corrupt(view.records(&main_space(), &log("log-1"), Offset(0), 5, 100), "record 1 of log log-1");
    assert_corrupt(view.log(&main_space(), &log("log-2")), "log-2");
    assert_corrupt(view.logs(&main_space(), None, 5), "log-2");
    spoil(&state, |generation, batch| {
        batch.put_cf(generation.small(), keys::space(&main_space()), b"\x01\x01\x05");
    });
    assert_corrupt(view.space(&main_space()), "main");
}

#[test]
fn a_missing_record_is_an_error_in_the_middle_and_at_the_end() {
    let (_directory, state) = fresh();
    state.apply(vec![batch(0, vec![append("a", "l", &["1", "2", "3"])])]).unwrap();
    let view = state.view();
    let read = |from| view.records(&main_space(), &log("l"), Offset(from), 10, 100);
    let remove = |offset| {
        spoil(&state, |generation, batch| {
            batch.delete_cf(generation.records(), keys::record(SpaceNumber(1), LogNumber(1), Offset(offset)));
        });
    };
    assert_eq!(read(0).unwrap().unwrap().records.len(), 3);
    remove(2);
    assert_corrupt(read(0), "record 2");
    remove(0);
    assert_corrupt(read(0), "record 0");
}

#[test]
fn a_corrupt_row_stops_the_entry_that_needs_it_and_everything_after() {
    let (_directory, state) = fresh();
    state.apply(story(10)).unwrap();
    let before = standing(&state);
    spoil(&state, |generation, batch| {
        batch.put_cf(generation.ids(), keys::id(SpaceNumber(1), &id("id-1")), b"\x01");
    });
    assert_corrupt(state.apply(vec![batch(10, vec![append("id-1", "log-1", &["x"])])]), "id-1");
    assert_eq!(standing(&state), before);
    assert!(matches!(state.apply(vec![blank(10)]), Err(Error::Stopped(_))));
}

#[test]
fn a_state_whose_first_rows_are_missing_or_whose_digests_run_ahead_does_not_open() {
    for (key, expected) in [
        (keys::GLOBALS, "globals"),
        (keys::APPLIED, "applied"),
        (keys::MEMBERSHIP, "membership"),
        (keys::DIGEST, "digest"),
    ] {
        let (directory, state) = fresh();
        state.apply(story(10)).unwrap();
        spoil(&state, |generation, batch| batch.delete_cf(generation.small(), key));
        drop(state);
        assert_corrupt(State::open(&directory.path().join("0"), options()), expected);
    }
    let (directory, state) = fresh();
    state.apply(story(10)).unwrap();
    spoil(&state, |generation, batch| {
        let value = super::super::rows::digest(Digest::default());
        batch.put_cf(generation.small(), keys::remembered_digest(LogIndex(1024)), value);
    });
    drop(state);
    assert_corrupt(State::open(&directory.path().join("0"), options()), "remembered digests");
}

#[test]
fn a_lost_or_damaged_switch_is_an_error_and_not_an_empty_state() {
    let (directory, state) = fresh();
    state.apply(story(10)).unwrap();
    state.flush().unwrap();
    drop(state);
    let path = directory.path().join("0");
    let switch = fs::read(path.join("current")).unwrap();

    fs::write(path.join("current"), &switch[..12]).unwrap();
    assert_corrupt(State::open(&path, options()), "current");
    fs::remove_file(path.join("current")).unwrap();
    assert_corrupt(State::open(&path, options()), "0");
    fs::write(path.join("current"), switch).unwrap();
    assert_eq!(standing(&open(&path)).0, Some(log_id(9)));

    fs::remove_dir_all(path.join("1")).unwrap();
    assert!(State::open(&path, options()).is_err(), "a generation that is gone is no new beginning");
}

#[test]
fn damaged_tables_are_never_taken_for_absent_ids() {
    let (directory, state) = fresh();
    state.apply(story(60)).unwrap();
    state.flush().unwrap();
    drop(state);
    let path = directory.path().join("0");
    let tables: Vec<_> = directory::list(&path.join("1")).unwrap().into_iter().filter(|name| is_table(name)).collect();
    assert!(!tables.is_empty());
    let mut found_damage = 0;
    for table in tables {
        let table = path.join("1").join(table);
        let whole = fs::read(&table).unwrap();
        for at in [whole.len() / 8, whole.len() / 3, whole.len() / 2] {
            let mut damaged = whole.clone();
            damaged[at..at + 16].iter_mut().for_each(|byte| *byte ^= 0x5a);
            fs::write(&table, damaged).unwrap();
            match State::open(&path, options()) {
                Err(_) => found_damage += 1,
                Ok(state) => {
                    let view = state.view();
                    for index in (1..60).filter(|index| index % 7 != 3) {
                        let wanted = id(format!("id-{index}"));
                        match view.remembered(&main_space(), &wanted) {
                            Ok(remembered) => assert!(remembered.is_some(), "{wanted} is taken for absent"),
                            Err(_) => found_damage += 1,
                        }
                    }
                }
            }
        }
        fs::write(&table, whole).unwrap();
    }
    assert!(found_damage > 0);
}
