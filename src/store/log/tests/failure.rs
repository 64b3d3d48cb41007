//! What a disk that refuses leads to: an end, at once and for everybody.

use std::time::Duration;

use super::*;
use crate::store::crash_point::Hook;

#[test]
fn a_failed_write_fails_the_gate_everything_that_waits_and_everything_after() {
    for fault in ["log.write", "watermark.write"] {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(directory.path(), options()).unwrap();
        append(&log, entries_of(1, 0..2)).unwrap();
        let gate = log.durable();
        let hook = Hook::fail(directory.path(), fault);
        wait(async {
            let (done, answer) = completion();
            let waiting = tokio::spawn({
                let gate = gate.clone();
                async move { gate.reached(id(1, 2)).await }
            });
            log.append(entries_of(1, 2..3), done).unwrap();
            let answer = answer.recv().unwrap().unwrap_err();
            assert!(answer.to_string().contains(&format!("injected at {fault}")), "{answer}");
            let passed = tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("it does not hang");
            assert!(passed.unwrap().is_err());
        });
        // The disk is well again, but nobody may believe it.
        drop(hook);
        let same = |result: Result<(), Error>| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(&format!("injected at {fault}")), "{error}");
        };
        same(log.append(entries_of(1, 3..4), Box::new(|_| panic!("not accepted"))));
        same(log.save_committed(Some(id(1, 1))));
        same(wait(log.save_vote(vote(1))));
        same(wait(log.truncate_after(Some(id(1, 0)))));
        same(wait(log.purge(id(1, 0))));
        same(wait(log.complete_purge(id(7, 70))));
        same(log.entries(LogIndex(0)..LogIndex(9)).map(drop));
        same(wait(gate.reached(id(1, 0))));
        same(wait(log.close()));
        drop(log);

        let log = Log::open(directory.path(), options()).unwrap();
        assert!(all(&log).starts_with(&entries_of(1, 0..2)));
    }
}

#[test]
fn what_is_queued_behind_a_failed_write_is_answered_with_the_failure() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    let hold = hold_thread(&log, entries_of(1, 0..1));
    let _hook = Hook::fail(directory.path(), "log.write");
    let mut answers = Vec::new();
    for index in 1..4 {
        let (done, answer) = completion();
        log.append(entries_of(1, index..index + 1), done).unwrap();
        answers.push(answer);
    }
    drop(hold);
    for answer in answers {
        assert!(answer.recv().unwrap().is_err());
    }
}

#[test]
fn a_failed_truncation_or_restart_is_told_to_who_waits_for_it() {
    for fault in ["log.write", "watermark.write", "watermark.sync"] {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(directory.path(), options()).unwrap();
        append(&log, entries_of(1, 0..5)).unwrap();
        let hook = Hook::fail(directory.path(), fault);
        assert!(wait(log.truncate_after(Some(id(1, 2)))).is_err(), "{fault}");
        drop((log, hook));
        let log = Log::open(directory.path(), options()).unwrap();
        assert_eq!(all(&log), entries_of(1, 0..5), "a truncation that failed did not happen");
        let hook = Hook::fail(directory.path(), "log.write");
        assert!(wait(log.complete_purge(id(2, 9))).is_err());
        drop((log, hook));
        assert_eq!(Log::open(directory.path(), options()).unwrap().purged(), None);
    }
}

#[test]
fn a_thread_that_panics_leaves_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    let gate = log.durable();
    log.append(entries_of(1, 0..1), Box::new(|_| panic!("the layer above is broken"))).unwrap();
    wait(async {
        let reached = tokio::time::timeout(Duration::from_mins(1), gate.reached(id(1, 9))).await;
        assert!(matches!(reached.expect("it does not hang"), Err(Error::Closed)));
        assert!(log.save_vote(vote(1)).await.is_err());
    });
    assert!(append(&log, entries_of(1, 1..2)).is_err());
}

#[test]
fn a_closed_log_refuses_and_closing_again_is_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    append(&log, entries_of(1, 0..3)).unwrap();
    wait(log.close()).unwrap();
    wait(log.close()).unwrap();
    assert!(matches!(append(&log, entries_of(1, 3..4)), Err(Error::Closed)));
    assert!(matches!(log.entries(LogIndex(0)..LogIndex(3)), Err(Error::Closed)));
}

#[test]
fn two_logs_in_one_directory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _log = Log::open(directory.path(), options()).unwrap();
    assert!(matches!(Log::open(directory.path(), options()), Err(Error::Storage { corrupt: false, .. })));
}
