//! The log under every fault that one machine can play in a test.

mod crash;
mod damage;
mod failure;
mod model;
mod use_cases;

use std::path::Path;
use std::sync::mpsc;

use bytes::Bytes;

use super::{BootId, Completion, DurableGate, Error, Log, Options};
use crate::types::{EntryKind, LogEntry, LogId, LogIndex, NodeId, Vote};

const BOOT: BootId = BootId::from_bytes([1; 16]);
const NEXT_BOOT: BootId = BootId::from_bytes([2; 16]);

fn options() -> Options {
    Options { group: 3, tail_cache_bytes: 1 << 20, must_exist: false, boot: BOOT }
}

/// A log that keeps nothing in memory that is on disk, so that reads go to the database.
fn without_cache() -> Options {
    Options { tail_cache_bytes: 0, ..options() }
}

fn after_power_cut() -> Options {
    Options { boot: NEXT_BOOT, ..options() }
}

fn id(term: u64, index: u64) -> LogId {
    LogId { term, node: NodeId(1), index: LogIndex(index) }
}

fn vote(term: u64) -> Vote {
    Vote { term, node: NodeId(1), committed: false }
}

/// An entry whose content tells its term and index, and has this many bytes more.
fn entry_of(term: u64, index: u64, bytes: usize) -> LogEntry {
    let mut payload = format!("{term}.{index} ").into_bytes();
    payload.resize(payload.len() + bytes, b'x');
    LogEntry { id: id(term, index), kind: EntryKind::Batch(Bytes::from(payload)) }
}

fn entries_of(term: u64, indexes: std::ops::Range<u64>) -> Vec<LogEntry> {
    indexes.map(|index| entry_of(term, index, 20)).collect()
}

fn all(log: &Log) -> Vec<LogEntry> {
    log.entries(LogIndex(0)..LogIndex(u64::MAX)).unwrap()
}

/// Appends and waits until the disk has it.
fn append(log: &Log, entries: Vec<LogEntry>) -> Result<(), Error> {
    let (done, answer) = completion();
    log.append(entries, done)?;
    answer.recv().expect("a completion is called")
}

fn completion() -> (Completion, mpsc::Receiver<Result<(), Error>>) {
    let (sender, receiver) = mpsc::channel();
    (Box::new(move |result| drop(sender.send(result))), receiver)
}

/// Appends, and makes the thread stand still in the answer until what is returned is dropped: whatever comes meanwhile
/// waits in the queue.
fn hold_thread(log: &Log, entries: Vec<LogEntry>) -> mpsc::Sender<()> {
    let (hold, released) = mpsc::channel::<()>();
    let (arrive, arrived) = mpsc::channel();
    let holding: Completion = Box::new(move |result| {
        arrive.send(result).unwrap();
        let _ = released.recv();
    });
    log.append(entries, holding).unwrap();
    arrived.recv().unwrap().unwrap();
    hold
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Opens, expecting damage, and returns the whole message.
fn damage(directory: &Path, options: Options) -> String {
    match Log::open(directory, options) {
        Err(error @ Error::Damaged { .. }) => error.to_string(),
        Err(error) => panic!("not told as damage: {error}"),
        Ok(log) => panic!("opened, up to {:?} with vote {:?}", log.last(), log.vote()),
    }
}
