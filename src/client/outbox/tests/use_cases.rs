//! What programs do with an outbox.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::super::Outbox;
use super::super::frame::HEADER_BYTES;
use super::super::recovery::read_back;
use super::super::writer::{self, Request};
use super::*;
use crate::types::limits::{COMMAND_RECORDS_MAX, OUTBOX_KEEP_BYTES_MAX, RECORD_BYTES_MAX};

#[tokio::test]
async fn a_second_outbox_on_the_same_file_is_refused_while_the_first_lives() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let first = Outbox::open(&path).await.unwrap();
    let error = Outbox::open(&path).await.unwrap_err();
    assert!(error.to_string().ends_with("is in use by another process, or by another outbox of this one"), "{error}");
    first.keep(vec![command("a", "paid")]).await.unwrap();
    first.close().await.unwrap();
    assert_eq!(ids(&Outbox::open(&path).await.unwrap().waiting().await.unwrap()), ["a"]);
}

#[tokio::test]
async fn it_stays_in_use_through_a_compaction() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let first = Outbox::open_with(path.clone(), 1).await.unwrap();
    let kept = first.keep(vec![command("a", "paid")]).await.unwrap();
    first.confirm(kept[0].number).await.unwrap();
    first.waiting().await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), HEADER_BYTES as u64);
    assert!(matches!(Outbox::open(&path).await, Err(Error::InUse { .. })));
}

#[tokio::test]
async fn a_closed_outbox_says_so_to_its_other_clones() {
    let directory = TempDir::new().unwrap();
    let outbox = Outbox::open(path_in(&directory)).await.unwrap();
    let clone = outbox.clone();
    outbox.close().await.unwrap();
    assert!(matches!(clone.keep(vec![command("a", "paid")]).await, Err(Error::Closed { .. })));
    assert!(matches!(clone.close().await, Err(Error::Closed { .. })));
}

#[test]
fn those_who_keep_at_the_same_time_share_a_write_and_a_sync() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let ledger = open(&path);
    let (requests, received) = mpsc::channel();
    let mut answers = Vec::new();
    for number in 0..10 {
        let entries = vec![Packed::new(command(&format!("id-{number}"), "paid")).unwrap()];
        let (done, answer) = oneshot::channel();
        requests.send(Request::Keep { entries, done }).unwrap();
        answers.push(answer);
    }
    drop(requests);
    writer::run(ledger, &received);
    let numbers = answers.iter_mut().map(|answer| answer.try_recv().unwrap().unwrap()[0].number.0);
    assert_eq!(numbers.collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    let recovered = read_back(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((recovered.last, recovered.waiting.len()), (HEADER_BYTES, 10));
}

#[test]
fn what_nobody_waits_for_any_more_is_not_kept() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let ledger = open(&path);
    let (requests, received) = mpsc::channel();
    let (done, _) = oneshot::channel();
    requests.send(Request::Keep { entries: vec![Packed::new(command("a", "paid")).unwrap()], done }).unwrap();
    drop(requests);
    writer::run(ledger, &received);
    assert!(waiting(&open(&path)).is_empty());
}

#[tokio::test]
async fn many_tasks_keep_and_confirm_at_once() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let outbox = Outbox::open_with(path.clone(), 2_000).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let outbox = outbox.clone();
        tasks.spawn(async move {
            for round in 0..20 {
                let id = format!("{task}-{round}");
                let kept = outbox.keep(vec![command(&id, "paid")]).await.unwrap();
                assert_eq!(ids(&kept), [id.as_str()]);
                if round != 19 {
                    outbox.confirm(kept[0].number).await.unwrap();
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    outbox.close().await.unwrap();
    let left = Outbox::open(&path).await.unwrap().waiting().await.unwrap();
    let left: BTreeSet<_> = ids(&left).into_iter().map(str::to_owned).collect();
    assert_eq!(left, (0..8).map(|task| format!("{task}-19")).collect());
}

#[test]
fn a_long_row_of_confirmations_is_synced_now_and_then() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = open(&path);
    let all: Vec<String> = (0..3_000).map(|number| format!("id-{number}")).collect();
    keep(&mut ledger, &all.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let synced = ledger.file().end();
    for number in 1..3_000 {
        confirm(&mut ledger, &[number]).unwrap();
    }
    assert!(ledger.file().end() > synced);
    drop(ledger);
    assert_eq!(waiting(&open(&path)), ["id-2999"]);
}

#[tokio::test]
async fn what_no_node_would_take_is_not_kept() {
    let directory = TempDir::new().unwrap();
    let outbox = Outbox::open(path_in(&directory)).await.unwrap();
    let mut nothing = command("a", "");
    nothing.actions.clear();
    assert!(matches!(outbox.keep(vec![command("b", "paid"), nothing]).await, Err(Error::Malformed(_))));
    let large = command("a", &"x".repeat(RECORD_BYTES_MAX));
    let too_many = vec![large; OUTBOX_KEEP_BYTES_MAX / RECORD_BYTES_MAX];
    assert!(matches!(outbox.keep(too_many).await, Err(Error::TooLarge(_))));
    assert!(outbox.waiting().await.unwrap().is_empty());
    assert!(outbox.keep(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_largest_command_is_kept() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let outbox = Outbox::open(&path).await.unwrap();
    let mut large = command("a", "");
    let records = vec![NewRecord::new(vec![7; 1_000]); COMMAND_RECORDS_MAX];
    large.actions = vec![Action::append(&LogName::new("payments").unwrap(), records)];
    outbox.keep(vec![large.clone()]).await.unwrap();
    outbox.close().await.unwrap();
    let waiting = Outbox::open(&path).await.unwrap().waiting().await.unwrap();
    assert_eq!(waiting[0].command, large);
}

#[test]
fn an_entry_that_waits_is_nobody_elses_to_read_unless_somebody_says_so() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let mut ledger = Ledger::open(&path, 1).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    keep(&mut ledger, &["a", "b"]).unwrap();
    confirm(&mut ledger, &[1]).unwrap();
    let before = fs::metadata(&path).unwrap().len();
    ledger.compact_if_worth_it().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < before);
    assert_eq!(mode(), 0o640);
}
