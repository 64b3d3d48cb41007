//! Disks that refuse, and files that are taken away.

use std::fs::{self, File, OpenOptions};
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

use super::super::Outbox;
use super::super::writer::{self, Done, Request};
use super::*;

/// Opens an outbox whose ledger was tampered with.
fn serve(ledger: Ledger) -> mpsc::Sender<Request> {
    let (requests, received) = mpsc::channel();
    thread::spawn(move || writer::run(ledger, &received));
    requests
}

async fn ask<T>(requests: &mpsc::Sender<Request>, request: impl FnOnce(Done<T>) -> Request) -> Result<T, Error> {
    let (done, answer) = oneshot::channel();
    requests.send(request(done)).unwrap();
    answer.await.unwrap()
}

fn keep_request(id: &str) -> impl FnOnce(Done<Vec<Arc<Entry>>>) -> Request {
    let entries = vec![Packed::new(command(id, "paid")).unwrap()];
    |done| Request::Keep { entries, done }
}

/// Writes to it succeed, and syncs fail.
fn never_syncs() -> File {
    OpenOptions::new().write(true).open("/dev/null").unwrap()
}

#[tokio::test]
async fn after_a_failed_write_or_sync_it_says_so_for_ever_and_opening_shows_what_was_kept() {
    for doing in ["write", "sync"] {
        let directory = TempDir::new().unwrap();
        let path = path_in(&directory);
        let mut ledger = open(&path);
        keep(&mut ledger, &["a"]).unwrap();
        let failing = if doing == "write" { File::open(&path).unwrap() } else { never_syncs() };
        ledger.file().write_to(failing);
        let requests = serve(ledger);

        let expected = format!("the outbox takes nothing any more: cannot {doing} ");
        let error = ask(&requests, keep_request("b")).await.unwrap_err();
        assert!(error.to_string().starts_with(&expected), "{error}");
        for _ in 0..2 {
            let error = ask(&requests, keep_request("b")).await.unwrap_err();
            assert!(error.to_string().starts_with(&expected), "{error}");
            let confirm = |done| Request::Confirm { number: EntryNumber(1), done };
            assert!(matches!(ask(&requests, confirm).await, Err(Error::Poisoned { .. })));
            let list = |done| Request::List { done };
            assert!(matches!(ask(&requests, list).await, Err(Error::Poisoned { .. })));
        }
        assert_eq!(waiting(&open(&path)), ["a"]);
        assert!(matches!(ask(&requests, |done| Request::Close { done }).await, Err(Error::Poisoned { .. })));
    }
}

#[tokio::test]
async fn it_lets_go_of_the_file_when_it_fails_though_nobody_has_closed_it() {
    let directory = TempDir::new().unwrap();
    let (path, elsewhere) = (path_in(&directory), directory.path().join("elsewhere"));
    let outbox = Outbox::open(&path).await.unwrap();
    outbox.keep(vec![command("a", "paid")]).await.unwrap();
    fs::rename(&path, &elsewhere).unwrap();
    assert!(matches!(outbox.keep(vec![command("b", "paid")]).await, Err(Error::Poisoned { .. })));
    // The answer may come before the file is let go of; this one comes after it.
    assert!(matches!(outbox.waiting().await, Err(Error::Poisoned { .. })));
    assert_eq!(waiting(&open(&elsewhere))[0], "a");
}

#[test]
fn everybody_in_a_group_that_fails_is_told() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = open(&path);
    keep(&mut ledger, &["a"]).unwrap();
    ledger.file().write_to(never_syncs());
    let (requests, received) = mpsc::channel();
    let (done, mut keep_answer) = oneshot::channel();
    requests.send(keep_request("b")(done)).unwrap();
    let (done, mut confirm_answer) = oneshot::channel();
    requests.send(Request::Confirm { number: EntryNumber(1), done }).unwrap();
    let (done, mut list_answer) = oneshot::channel();
    requests.send(Request::List { done }).unwrap();
    drop(requests);
    writer::run(ledger, &received);
    assert!(matches!(keep_answer.try_recv().unwrap(), Err(Error::Poisoned { .. })));
    assert!(matches!(confirm_answer.try_recv().unwrap(), Err(Error::Poisoned { .. })));
    assert!(matches!(list_answer.try_recv().unwrap(), Err(Error::Poisoned { .. })));
}

#[test]
fn a_confirmation_waits_for_no_sync_and_the_next_entry_waits_for_one() {
    let directory = TempDir::new().unwrap();
    let mut ledger = open(&path_in(&directory));
    keep(&mut ledger, &["a"]).unwrap();
    ledger.file().write_to(never_syncs());
    confirm(&mut ledger, &[1]).unwrap();
    assert!(waiting(&ledger).is_empty());
    let error = keep(&mut ledger, &["b"]).unwrap_err();
    assert!(error.to_string().starts_with("cannot sync "), "{error}");
    assert!(waiting(&ledger).is_empty());
}

#[test]
fn a_compaction_that_cannot_be_written_leaves_the_outbox_as_it_was() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = Ledger::open(&path, 1).unwrap();
    keep(&mut ledger, &["a", "b"]).unwrap();
    confirm(&mut ledger, &[1]).unwrap();
    let before = fs::read(&path).unwrap();
    // A directory is where the new file should be.
    let beside = directory.path().join("outbox.rewrite");
    fs::create_dir(&beside).unwrap();
    ledger.compact_if_worth_it().unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    keep(&mut ledger, &["c"]).unwrap();
    fs::remove_dir(&beside).unwrap();

    ledger.compact_if_worth_it().unwrap();
    let grown = fs::metadata(&path).unwrap().len();
    assert!(grown > before.len() as u64, "it is tried again when the file has doubled");
    keep(&mut ledger, &["d", "e", "f", "g"]).unwrap();
    confirm(&mut ledger, &[2, 3, 4, 5, 6]).unwrap();
    ledger.compact_if_worth_it().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < before.len() as u64);
    assert_eq!(waiting(&ledger), ["g"]);
}

#[test]
fn a_compaction_whose_name_is_not_durable_is_an_error() {
    let directory = TempDir::new().unwrap();
    let mut ledger = Ledger::open(&path_in(&directory), 1).unwrap();
    keep(&mut ledger, &["a", "b"]).unwrap();
    confirm(&mut ledger, &[1]).unwrap();
    ledger.file().sync_names_in(never_syncs());
    let error = ledger.compact_if_worth_it().unwrap_err();
    assert!(error.to_string().starts_with("cannot sync the directory of "), "{error}");
}

#[test]
fn nothing_is_kept_in_a_file_that_nobody_would_find() {
    for replacing in [false, true] {
        let directory = TempDir::new().unwrap();
        let path = path_in(&directory);
        let mut ledger = open(&path);
        keep(&mut ledger, &["a"]).unwrap();
        fs::rename(&path, directory.path().join("elsewhere")).unwrap();
        if replacing {
            drop(open(&path));
        }
        assert!(matches!(keep(&mut ledger, &["b"]), Err(Error::Replaced { .. })));
        assert_eq!(fs::exists(&path).unwrap(), replacing);
    }
}

#[test]
fn a_compaction_takes_no_name_that_somebody_else_has() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = Ledger::open(&path, 1).unwrap();
    keep(&mut ledger, &["a", "b"]).unwrap();
    confirm(&mut ledger, &[1]).unwrap();
    fs::remove_file(&path).unwrap();
    let mut other = open(&path);
    keep(&mut other, &["x"]).unwrap();
    assert!(matches!(ledger.compact_if_worth_it(), Err(Error::Replaced { .. })));
    drop(other);
    assert_eq!(waiting(&open(&path)), ["x"]);
}
