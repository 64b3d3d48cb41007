//! What the layer above does with a log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::*;
use crate::store::crash_point::{self, Hook};
use crate::types::{History, Incarnation, Member, Membership};

#[test]
fn everything_is_there_again_after_a_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let member = Member {
        peer_address: "a:1".to_owned(),
        client_address: "a:2".to_owned(),
        incarnation: Incarnation::random(),
        history: History(3),
    };
    let membership = Membership { configs: vec![[NodeId(1)].into()], members: [(NodeId(1), member)].into() };
    let entries = vec![
        LogEntry { id: id(1, 0), kind: EntryKind::Membership(membership) },
        LogEntry { id: id(1, 1), kind: EntryKind::Blank },
        entry_of(2, 2, 100_000),
    ];
    let log = Log::open(directory.path(), options()).unwrap();
    assert_eq!((log.vote(), log.last(), log.purged(), log.committed()), (None, None, None, None));
    wait(log.save_vote(vote(2))).unwrap();
    append(&log, entries.clone()).unwrap();
    log.save_committed(Some(id(1, 1))).unwrap();
    wait(log.close()).unwrap();
    drop(log);

    for _ in 0..2 {
        let log = Log::open(directory.path(), options()).unwrap();
        assert_eq!(log.vote(), Some(vote(2)));
        assert_eq!((log.last(), log.purged(), log.committed()), (Some(id(2, 2)), None, Some(id(1, 1))));
        assert_eq!(all(&log), entries);
        assert!(log.size_on_disk() > 100_000);
    }
}

#[test]
fn dropping_the_last_clone_writes_what_is_queued() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    let clone = log.clone();
    let (done, answer) = completion();
    log.append(entries_of(1, 0..5), done).unwrap();
    log.save_committed(Some(id(1, 3))).unwrap();
    wait(log.purge(id(1, 1))).unwrap();
    drop((log, clone));
    answer.recv().unwrap().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    assert_eq!((log.purged(), log.last(), log.committed()), (Some(id(1, 1)), Some(id(1, 4)), Some(id(1, 3))));
}

#[test]
fn entries_are_readable_before_they_are_on_disk_and_answers_come_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), without_cache()).unwrap();
    let hold = hold_thread(&log, entries_of(1, 0..1));
    let answered = Arc::new(Mutex::new(Vec::new()));
    let mut last = None;
    for index in 1..9 {
        let (done, answer) = completion();
        let answered = answered.clone();
        let noting: Completion = Box::new(move |result| {
            answered.lock().unwrap().push(index);
            done(result);
        });
        log.append(entries_of(1, index..index + 1), noting).unwrap();
        last = Some(answer);
    }
    assert_eq!(all(&log), entries_of(1, 0..9));
    assert_eq!(*answered.lock().unwrap(), Vec::<u64>::new());
    drop(hold);
    last.unwrap().recv().unwrap().unwrap();
    assert_eq!(*answered.lock().unwrap(), (1..9).collect::<Vec<_>>());
    let counters = log.counters();
    assert_eq!((counters.syncs, counters.entries), (2, 9), "one sync serves all that waited");
    assert!(counters.bytes > 9 * 20);
    assert_eq!(all(&log), entries_of(1, 0..9));
}

#[test]
fn a_page_is_bounded_in_bytes_and_never_empty() {
    let directory = tempfile::tempdir().unwrap();
    for options in [options(), without_cache()] {
        let directory = directory.path().join(format!("{}", options.tail_cache_bytes));
        let log = Log::open(&directory, options).unwrap();
        append(&log, (0..10).map(|index| entry_of(1, index, 1_000)).collect()).unwrap();
        let page = |first, end, bytes| {
            let entries = log.entries_limited(LogIndex(first)..LogIndex(end), bytes).unwrap();
            entries.iter().map(|entry| entry.id.index.0).collect::<Vec<_>>()
        };
        assert_eq!(page(2, 9, 3_500), [2, 3, 4]);
        assert_eq!(page(2, 9, 1), [2]);
        assert_eq!(page(2, 4, 1 << 20), [2, 3]);
        assert_eq!(page(8, 99, 1 << 20), [8, 9]);
        assert_eq!(page(10, 99, 1 << 20), Vec::<u64>::new());
        wait(log.purge(id(1, 4))).unwrap();
        assert_eq!(page(0, 7, 1 << 20), [5, 6]);
        assert_eq!(page(0, 5, 1 << 20), Vec::<u64>::new());
    }
}

#[test]
fn entries_that_do_not_continue_the_log_are_refused_and_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    append(&log, entries_of(2, 0..3)).unwrap();
    for wrong in [entries_of(2, 4..5), entries_of(2, 2..3), entries_of(1, 3..4)] {
        assert!(matches!(append(&log, wrong), Err(Error::OutOfOrder { .. })));
    }
    let gap = vec![entry_of(2, 3, 0), entry_of(2, 5, 0)];
    assert!(matches!(append(&log, gap), Err(Error::OutOfOrder { .. })));
    assert!(matches!(wait(log.truncate_after(Some(id(1, 1)))), Err(Error::NotContained(_))));
    wait(log.truncate_after(Some(id(2, 9)))).unwrap();
    assert_eq!(all(&log), entries_of(2, 0..3));
    append(&log, entries_of(2, 3..4)).unwrap();
    append(&log, vec![]).unwrap();
    wait(log.purge(id(2, 1))).unwrap();
    assert!(matches!(wait(log.truncate_after(None)), Err(Error::BelowPurged(_))));
    assert!(matches!(wait(log.truncate_after(Some(id(2, 0)))), Err(Error::NotContained(_))));
}

#[test]
fn a_snapshot_ahead_of_the_log_starts_a_new_chain() {
    let directory = tempfile::tempdir().unwrap();
    for (name, snapshot) in [("ahead", id(3, 50)), ("conflicting", id(3, 2)), ("empty", id(3, 5))] {
        let directory = directory.path().join(name);
        let log = Log::open(&directory, options()).unwrap();
        if name != "empty" {
            append(&log, entries_of(1, 0..5)).unwrap();
        }
        wait(log.purge(snapshot)).unwrap();
        assert_eq!((log.last(), log.purged(), all(&log)), (Some(snapshot), Some(snapshot), vec![]));
        let next = snapshot.index.0 + 1;
        append(&log, entries_of(4, next..next + 3)).unwrap();
        drop(log);
        let log = Log::open(&directory, options()).unwrap();
        assert_eq!((log.purged(), log.last()), (Some(snapshot), Some(id(4, next + 2))));
        assert_eq!(all(&log), entries_of(4, next..next + 3));
    }
}

#[test]
fn a_purge_that_a_crash_interrupted_is_completed_only_where_the_state_is_ahead() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    append(&log, entries_of(1, 0..5)).unwrap();
    for held in [id(1, 0), id(1, 3), id(1, 4)] {
        wait(log.complete_purge(held)).unwrap();
        assert_eq!((log.purged(), all(&log).len()), (None, 5));
    }
    wait(log.complete_purge(id(2, 9))).unwrap();
    wait(log.complete_purge(id(2, 9))).unwrap();
    assert_eq!((log.purged(), log.last(), all(&log)), (Some(id(2, 9)), Some(id(2, 9)), vec![]));
    drop(log);
    let log = Log::open(directory.path(), options()).unwrap();
    assert_eq!((log.purged(), log.last()), (Some(id(2, 9)), Some(id(2, 9))));
}

#[test]
fn a_committed_log_id_is_at_most_the_end_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    log.save_committed(Some(id(1, 7))).unwrap();
    assert_eq!(log.committed(), None);
    append(&log, entries_of(1, 0..5)).unwrap();
    assert_eq!(log.committed(), Some(id(1, 4)));
    drop(log);
    let log = Log::open(directory.path(), options()).unwrap();
    assert_eq!(log.committed(), Some(id(1, 4)));
    append(&log, entries_of(1, 5..9)).unwrap();
    assert_eq!(log.committed(), Some(id(1, 7)));
}

#[test]
fn the_gate_goes_by_log_id_and_is_lowered_by_a_truncation() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    append(&log, entries_of(1, 0..5)).unwrap();
    let gate = log.durable();
    wait(async {
        gate.reached(id(1, 4)).await.unwrap();
        let closed = |log_id| {
            let gate = gate.clone();
            async move { tokio::time::timeout(Duration::from_millis(20), gate.reached(log_id)).await.is_err() }
        };
        assert!(closed(id(1, 5)).await);
        log.truncate_after(Some(id(1, 1))).await.unwrap();
        assert!(closed(id(1, 4)).await, "it was cut off");
        gate.reached(id(1, 1)).await.unwrap();
        // A higher index of a lower term does not open it for what is at that index now.
        let (done, _answer) = completion();
        let waiting = gate.reached(id(2, 3));
        log.append(entries_of(2, 2..4), done).unwrap();
        waiting.await.unwrap();
        DurableGate::open().reached(id(9, 9)).await.unwrap();
    });
    drop(log);
    assert!(matches!(wait(gate.reached(id(9, 9))), Err(Error::Closed)));
}

#[test]
fn reading_while_both_ends_move_returns_whole_runs_only() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), without_cache()).unwrap();
    append(&log, entries_of(1, 0..200)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = thread::spawn({
        let (log, done) = (log.clone(), done.clone());
        move || {
            while !done.load(Ordering::Relaxed) {
                let found = all(&log);
                let follows =
                    |pair: &[LogEntry]| pair[0].id < pair[1].id && pair[0].id.index.next() == pair[1].id.index;
                assert!(found.windows(2).all(follows));
                assert!(found.len() > 30);
            }
        }
    });
    for round in 0..40 {
        wait(log.purge(id(1, round * 2))).unwrap();
        let keep = 160 - round;
        wait(log.truncate_after(Some(id(1, keep)))).unwrap();
        append(&log, entries_of(round + 2, keep + 1..180)).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    reader.join().unwrap();
}

#[test]
fn what_was_written_before_a_cut_does_not_open_the_gate_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    let hold = hold_thread(&log, entries_of(1, 0..1));
    let (done, answer) = completion();
    log.append(entries_of(1, 1..5), done).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let _hook = Hook::install(directory.path(), {
        let (seen, durability) = (seen.clone(), log.inner.shared.durability.subscribe());
        move |point| seen.lock().unwrap().push((point, durability.borrow().last))
    });
    let truncating = thread::spawn({
        let log = log.clone();
        move || wait(log.truncate_after(Some(id(1, 0))))
    });
    while log.last() != Some(id(1, 0)) {
        thread::yield_now();
    }
    // Only now are entries 1 to 4 written, which nobody has any more.
    drop(hold);
    truncating.join().unwrap().unwrap();
    answer.recv().unwrap().unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|(point, _)| *point == "group.marked"), "they were written");
    assert!(seen.iter().all(|(_, durable)| *durable <= Some(id(1, 0))), "{seen:?}");
}

#[test]
fn what_nobody_waits_for_reaches_the_disk_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (live, image) = (directory.path().join("live"), directory.path().join("image"));
    let log = Log::open(&live, options()).unwrap();
    append(&log, entries_of(1, 0..5)).unwrap();
    let (tell, told) = mpsc::channel();
    let _hook = Hook::install(&live, {
        let (live, image) = (live.clone(), image.clone());
        move |point| {
            if point == "group.marked" {
                crash_point::image(&live, &image);
            }
            tell.send(point).unwrap();
        }
    });
    log.save_committed(Some(id(1, 3))).unwrap();
    wait(log.purge(id(1, 1))).unwrap();
    let mut missing = vec!["group.marked", "watermark.synced"];
    while !missing.is_empty() {
        let point = told.recv_timeout(Duration::from_mins(1)).expect("it is written without being asked");
        missing.retain(|missing| *missing != point);
    }
    let found = Log::open(&image, options()).unwrap();
    assert_eq!((found.committed(), found.purged(), found.last()), (Some(id(1, 3)), Some(id(1, 1)), Some(id(1, 4))));
}

#[test]
fn a_cut_lowers_the_gate_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    append(&log, entries_of(1, 0..5)).unwrap();
    let hold = hold_thread(&log, entries_of(1, 5..6));
    let truncating = thread::spawn({
        let log = log.clone();
        move || wait(log.truncate_after(Some(id(1, 2))))
    });
    while log.last() != Some(id(1, 2)) {
        thread::yield_now();
    }
    assert_eq!(log.inner.shared.durability.borrow().last, Some(id(1, 2)));
    drop(hold);
    truncating.join().unwrap().unwrap();
}

#[test]
fn a_read_that_a_cut_comes_into_returns_one_history_or_the_other() {
    for bytes_max in [usize::MAX, 300] {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(directory.path(), without_cache()).unwrap();
        append(&log, entries_of(1, 0..9)).unwrap();
        let once = AtomicBool::new(true);
        // Between the part from the database and the part from memory, the end becomes another.
        let _hook = Hook::install(directory.path(), {
            let log = log.clone();
            move |point| {
                if point == "entries.read" && once.swap(false, Ordering::Relaxed) {
                    wait(log.truncate_after(Some(id(1, 2)))).unwrap();
                    log.append(entries_of(2, 3..12), Box::new(|_| ())).unwrap();
                }
            }
        });
        let found = log.entries_limited(LogIndex(0)..LogIndex(99), bytes_max).unwrap();
        let expected = [entries_of(1, 0..3), entries_of(2, 3..12)].concat();
        assert_eq!(found, expected[..found.len()]);
        assert!(found.len() > 3);
    }
}
