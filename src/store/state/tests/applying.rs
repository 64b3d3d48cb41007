//! Entries in, answers out, and what is there after the process has gone.

use std::time::{Duration, Instant};

use super::super::Error;
use super::model::Model;
use super::*;
use crate::store::crash_point::{Hook, image};
use crate::types::limits::{DIGEST_INTERVAL, DIGESTS_KEPT};
use crate::types::{ActionResult, Offset, Rejection, Verdict};

#[test]
fn what_was_flushed_is_there_after_reopening_in_every_family() {
    let (directory, state) = fresh();
    state.apply(story(40)).unwrap();
    assert_eq!(state.flush().unwrap(), Some(log_id(39)));
    let expected = rows(&state);
    assert_eq!(expected, Model::after(&story(40)).rows());

    // What a killed process leaves: closing the state would flush it once more.
    image(&directory.path().join("0"), &directory.path().join("image"));
    let left = open(&directory.path().join("image"));
    assert_eq!(rows(&left), expected);
    assert_eq!(left.applied(), state.applied());

    drop(state);
    let reopened = open(&directory.path().join("0"));
    assert_eq!(rows(&reopened), expected);
}

#[test]
fn what_was_not_flushed_is_lost_from_the_end_and_the_log_brings_it_back() {
    let (directory, state) = fresh();
    let entries = story(40);
    state.apply(entries[..20].to_vec()).unwrap();
    state.flush().unwrap();
    state.apply(entries[20..].to_vec()).unwrap();

    image(&directory.path().join("0"), &directory.path().join("image"));
    let left = open(&directory.path().join("image"));
    let index = left.applied().log_id.map_or(0, |last| last.index.0 + 1);
    assert_eq!(index, 20);
    assert_eq!(rows(&left), Model::after(&entries[..20]).rows());

    left.apply(entries[20..].to_vec()).unwrap();
    assert_eq!(standing(&left), standing(&state));
    assert_eq!(rows(&left), rows(&state));
}

#[test]
fn a_flush_that_one_full_family_causes_takes_all_families_with_it() {
    let (directory, state) = fresh();
    let payload = "x".repeat(1 << 20);
    let entries: Vec<_> =
        (0..90).map(|index| batch(index, vec![append(&format!("id-{index}"), "l", &[&payload])])).collect();
    for chunk in entries.chunks(5) {
        state.apply(chunk.to_vec()).unwrap();
    }
    let generation = state.current().generation.clone();
    let deadline = Instant::now() + Duration::from_mins(1);
    let tables = || {
        let found = generation.database().property_int_value_cf(generation.records(), "rocksdb.num-files-at-level0");
        found.unwrap().unwrap()
    };
    while tables() == 0 {
        assert!(Instant::now() < deadline, "a full memtable is flushed by itself");
        std::thread::yield_now();
    }
    image(&directory.path().join("0"), &directory.path().join("image"));
    let left = open(&directory.path().join("image"));
    let applied = left.applied().log_id.expect("entries were flushed").index.0 + 1;
    assert!(rows(&left) == Model::after(&entries[..usize::try_from(applied).unwrap()]).rows());
}

#[test]
fn a_duplicate_is_answered_with_the_first_outcome_in_the_same_chunk_and_after_it() {
    let (_directory, state) = fresh();
    let first = append("order-1", "orders", &["one"]);
    let answers = state
        .apply(vec![
            membership(0, 5),
            batch(1, vec![first.clone(), first.clone()]),
            batch(2, vec![append("order-1", "orders", &["other content"]), first.clone()]),
        ])
        .unwrap();
    let later = state.apply(vec![blank(3), batch(4, vec![first])]).unwrap();

    assert!(answers[0].is_empty() && later[0].is_empty());
    let (decided, replayed) = outcome(&answers[1][0]);
    assert!(!replayed);
    let appended = ActionResult::Appended { first: Offset(0), count: 1 };
    assert_eq!(decided.verdict, Verdict::Applied(vec![appended]));
    for again in [&answers[1][1], &answers[2][1], &later[1][0]] {
        assert_eq!(outcome(again), (decided, true));
    }
    assert_eq!(answers[2][0], Answer::Rejected(Rejection::Reused));
    let counters = state.counters();
    assert_eq!((counters.decided, counters.replayed, counters.rejected), (1, 3, 1));
    assert_eq!(state.applied().globals.history, History(5));
    assert_eq!(state.applied().membership.log_id, Some(log_id(0)));
}

#[test]
fn entries_that_do_not_follow_are_refused_and_nothing_is_applied() {
    let (_directory, state) = fresh();
    assert!(matches!(state.apply(vec![blank(1)]), Err(Error::NotNext { applied: None, .. })));
    state.apply(story(5)).unwrap();
    let before = standing(&state);
    let mut older = blank(5);
    older.id.term = 0;
    for entries in [vec![blank(6)], vec![blank(4)], vec![blank(5), blank(7)], vec![older]] {
        assert!(matches!(state.apply(entries), Err(Error::NotNext { .. })));
        assert_eq!(standing(&state), before);
    }
    assert!(state.apply(vec![]).unwrap().is_empty());
    state.apply(vec![blank(5)]).unwrap();
}

#[test]
fn an_entry_of_an_unknown_machine_version_stops_before_it_and_after_those_before_it() {
    let (_directory, state) = fresh();
    let unknown = MachineVersion(MachineVersion::CURRENT.0 + 1);
    let bytes = Batch::assemble(unknown, LogTime::ZERO, &[]);
    let newer = LogEntry { id: log_id(3), kind: EntryKind::Batch(bytes) };
    let entries = [story(3), vec![newer.clone(), blank(4)]].concat();

    let error = state.apply(entries).unwrap_err();
    assert!(matches!(error, Error::UnknownVersion { entry, version } if entry == log_id(3) && version == unknown));
    assert_eq!(rows(&state), Model::after(&story(3)).rows());
    assert!(matches!(state.apply(vec![newer]), Err(Error::UnknownVersion { .. })));
    state.apply(vec![blank(3)]).unwrap();
}

#[test]
fn an_entry_that_is_not_a_batch_is_corrupt_and_not_applied() {
    let (_directory, state) = fresh();
    let nonsense = LogEntry { id: log_id(1), kind: EntryKind::Batch(Bytes::from_static(b"\x01\x01nonsense")) };
    assert!(matches!(state.apply(vec![blank(0), nonsense]), Err(Error::Corrupt { .. })));
    assert_eq!(state.applied().log_id, Some(log_id(0)));
}

#[test]
fn watchers_are_told_after_the_write() {
    let (_directory, state) = fresh();
    let mut watcher = state.watch_applied();
    assert_eq!(*watcher.borrow_and_update(), None);
    let seen = {
        let root = state.inner.directory.root().to_owned();
        let (watcher, seen) = (state.watch_applied(), std::sync::Arc::new(std::sync::Mutex::new(None)));
        let hook = Hook::install(&root, {
            let seen = seen.clone();
            move |point| {
                if point == "apply.written" {
                    *seen.lock().unwrap() = Some(*watcher.borrow());
                }
            }
        });
        state.apply(story(3)).unwrap();
        drop(hook);
        seen.lock().unwrap().take()
    };
    assert_eq!(seen, Some(None), "not before");
    assert!(watcher.has_changed().unwrap());
    assert_eq!(*watcher.borrow(), Some(LogIndex(2)));
    assert_eq!(state.view().applied_index(), Some(LogIndex(2)));
}

#[test]
fn after_a_failed_write_nothing_is_done_or_answered_until_the_state_is_opened_again() {
    for (point, entries) in [("apply.write", 6), ("flush.write", 5), ("checkpoint.build", 5)] {
        let (directory, state) = fresh();
        state.apply(story(5)).unwrap();
        let path = directory.path().join("0");
        let hook = Hook::fail(&path, point);
        let failed = if entries == 6 {
            state.apply(vec![blank(5)]).map(drop)
        } else if point == "flush.write" {
            state.flush().map(drop)
        } else {
            state.checkpoint().map(drop)
        };
        assert!(matches!(failed, Err(Error::File(_))), "{point}");
        drop(hook);

        let stopped = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Stopped(_))), "{point}");
        stopped(state.apply(vec![blank(5)]).map(drop));
        stopped(state.flush().map(drop));
        stopped(state.checkpoint().map(drop));
        stopped(state.view().space(&main_space()).map(drop));
        stopped(state.view().remembered_many(&[]).map(drop));

        drop(state);
        let reopened = open(&path);
        let index = reopened.applied().log_id.map_or(0, |last| last.index.0 + 1);
        assert_eq!(rows(&reopened), Model::after(&story(index)).rows());
    }
}

#[test]
fn digests_are_remembered_at_every_interval_and_only_the_last_are_kept() {
    let (directory, state) = fresh();
    let kept = DIGESTS_KEPT as u64;
    let mut model = Model::new();
    let mut next = 0;
    while next <= (kept + 3) * DIGEST_INTERVAL {
        let chunk: Vec<_> = (next..next + 1_500).map(blank).collect();
        for entry in &chunk {
            model.apply(entry);
        }
        state.apply(chunk).unwrap();
        next += 1_500;
    }
    let remembered = state.last_remembered_digests();
    assert_eq!(remembered, model.remembered);
    assert_eq!(remembered.len(), DIGESTS_KEPT);
    assert!(remembered.iter().all(|(index, _)| index.0 % DIGEST_INTERVAL == 0));
    assert_eq!(rows(&state), model.rows());
    drop(state);
    assert_eq!(open(&directory.path().join("0")).last_remembered_digests(), remembered);
}

#[test]
fn direct_io_makes_no_difference_to_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let direct = Options { direct_io: true, ..options() };
    let state = State::open(directory.path(), direct).unwrap();
    state.apply(story(20)).unwrap();
    state.flush().unwrap();
    drop(state);
    let reopened = State::open(directory.path(), direct).unwrap();
    assert_eq!(rows(&reopened), Model::after(&story(20)).rows());
    assert!(reopened.size_on_disk() > 0);
}
