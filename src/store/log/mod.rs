//! The Raft log: vote, entries, committed and purged log id of one group, durably.
//!
//! - A change can be read as soon as the call that makes it returns; it is on disk when its completion is called or its
//!   future is ready. Changes reach the disk in the order in which they were made, through one queue and one thread.
//! - One sync serves everything that waits at that moment.
//! - `purged <= first - 1 < first <= last`; entries are dense between `first` and `last`.
//! - Whatever was acknowledged is there at the next [`Log::open`], or that says why not and refuses ([`Error::Damaged`]).
//! - The first failure of the disk is the last word: nothing is retried, and every later call fails with it.
//!
//! | file | its one idea |
//! |---|---|
//! | `keys`, `record` | what lies where, and the chain that links entries |
//! | `database` | the database's settings; reads and writes in the log's own words |
//! | `watermark` | what was once on disk, told beside the database |
//! | `wal` | whether anything follows a damage |
//! | `recovery` | opening, and proving that nothing is lost |
//! | `tail_cache`, `shared` | what callers see at once |
//! | `writer` | the thread that writes |
//! | `gate` | who waits until something is on this disk |

mod database;
mod error;
mod gate;
mod keys;
mod record;
mod recovery;
mod shared;
mod tail_cache;
#[cfg(test)]
mod tests;
mod wal;
mod watermark;
mod writer;

use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

pub use error::Error;
pub use gate::DurableGate;
pub use watermark::BootId;

use crate::store::files;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LogEntry, LogId, LogIndex, Vote};
use shared::{Readable, Shared};
use writer::{Change, End, Writer};

/// Called once with what became of a change, on the thread that writes: it must neither block nor panic.
pub type Completion = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Raft group whose log this is.
    pub group: u32,
    /// About how many bytes of the newest entries stay in memory; what is not yet on disk stays anyway.
    pub tail_cache_bytes: usize,
    /// Whether there has to be a log: one that a member of a cluster does not have is lost, never new.
    pub must_exist: bool,
    /// The boot that this process runs in. Tests pretend another to play a power cut.
    pub boot: BootId,
}

impl Default for Options {
    fn default() -> Self {
        Self { group: 0, tail_cache_bytes: 64 << 20, must_exist: false, boot: BootId::current() }
    }
}

/// What a log has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// How often it synced the database.
    pub syncs: u64,
    /// How many entries it wrote.
    pub entries: u64,
    /// How many bytes these had.
    pub bytes: u64,
}

/// The log of one Raft group. Clones are the same log.
///
/// When the last clone is dropped, what is queued is written and the directory can be opened again.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// None once the log is being dropped.
    changes: Option<Sender<Change>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log in this directory, or makes it; reads and verifies everything that is retained.
    #[expect(clippy::needless_pass_by_value, reason = "options are made for one log")]
    pub fn open(directory: &Path, options: Options) -> Result<Self, Error> {
        let opened = recovery::open(directory, &options)?;
        let content = opened.content;
        let end = End {
            vote: content.vote,
            purged: content.purged,
            first: content.first,
            last: content.last,
            link: content.link,
            cuts: 0,
        };
        let readable = Readable {
            vote: content.vote,
            committed: content.committed,
            committed_is_news: false,
            purged: content.purged.map(|(purged, _)| purged),
            first: content.first,
            last: content.last,
            cache: content.cache,
            durable: content.last.map(|last| last.index),
            cuts: 0,
            removals: 0,
            closing: false,
            failure: None,
        };
        let shared = Arc::new(Shared::new(directory.to_owned(), opened.database, readable, options.tail_cache_bytes));
        let (changes, receiver) = mpsc::channel();
        let writer = Writer::new(shared.clone(), receiver, opened.watermark, end);
        let thread = thread::Builder::new().name(format!("raft-log-{}", options.group));
        let thread = thread.spawn(move || writer.run()).map_err(Error::io("start the thread of"))?;
        let inner = Inner { shared, changes: Some(changes), thread: Mutex::new(Some(thread)) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The newest vote on disk.
    pub fn vote(&self) -> Option<Vote> {
        self.inner.shared.readable().vote
    }

    /// The newest committed log id that was saved, at most the log's end: an end that a crash took back is not committed
    /// for this node until it gets it again.
    pub fn committed(&self) -> Option<LogId> {
        let readable = self.inner.shared.readable();
        match (readable.committed, readable.last) {
            (Some(committed), Some(last)) if committed.index > last.index => Some(last),
            (committed, Some(_)) => committed,
            (_, None) => None,
        }
    }

    /// The last entry's log id, or what was purged last.
    pub fn last(&self) -> Option<LogId> {
        self.inner.shared.readable().last
    }

    /// Through where entries were removed.
    pub fn purged(&self) -> Option<LogId> {
        self.inner.shared.readable().purged
    }

    /// Saves the vote, and everything that was appended before; returns when it is on disk.
    pub async fn save_vote(&self, vote: Vote) -> Result<(), Error> {
        if seeded(Bug::VoteNotSynced) {
            // After a crash this node votes again in a term in which it has voted.
            return Ok(());
        }
        let (done, answer) = completion();
        {
            let readable = self.inner.shared.readable();
            self.submit(&readable, Change::Vote { vote, done })?;
        }
        self.wait(answer).await
    }

    /// Saves the committed log id some time soon; nobody waits for it.
    pub fn save_committed(&self, committed: Option<LogId>) -> Result<(), Error> {
        let mut readable = self.inner.shared.readable();
        readable.check()?;
        readable.committed = committed;
        // One note is enough: the thread takes the newest when it gets there.
        if !std::mem::replace(&mut readable.committed_is_news, true) {
            self.submit(&readable, Change::Committed)?;
        }
        Ok(())
    }

    /// Appends entries. They can be read when this returns; `done` is called when they are on disk.
    ///
    /// If this fails, `done` is dropped without being called.
    pub fn append(&self, entries: Vec<LogEntry>, done: Completion) -> Result<(), Error> {
        let mut readable = self.inner.shared.readable();
        readable.check()?;
        check_order(readable.last, &entries)?;
        if let Some(first) = entries.first() {
            readable.first.get_or_insert(first.id.index);
        }
        for entry in &entries {
            readable.last = Some(entry.id);
            readable.cache.push(entry.clone());
        }
        self.submit(&readable, Change::Append { entries, done })
    }

    /// Removes the entries behind `last`, all of them if it is none; returns when that is on disk.
    ///
    /// A log that ends before `last` stays as it is.
    pub async fn truncate_after(&self, last: Option<LogId>) -> Result<(), Error> {
        let answer = {
            let mut readable = self.inner.shared.readable();
            readable.check()?;
            if last.map(|last| last.index) >= readable.last.map(|last| last.index) {
                return Ok(());
            }
            match last {
                Some(last) if self.inner.shared.id_at(&readable, last.index)? != Some(last) => {
                    return Err(Error::NotContained(last));
                }
                None if readable.purged.is_some() => return Err(Error::BelowPurged(readable.purged)),
                _ => {}
            }
            let (done, answer) = completion();
            readable.cut(last);
            self.inner.shared.withdraw(last);
            self.submit(&readable, Change::Truncate { last, done })?;
            answer
        };
        self.wait(answer).await
    }

    /// Removes the entries through `through`; nobody waits for the disk.
    ///
    /// If the log does not hold `through` and it is not behind, everything goes: an installed snapshot is ahead of the
    /// log, which goes on behind it as a new chain.
    #[expect(clippy::unused_async, reason = "a caller need not know that it waits for nothing")]
    pub async fn purge(&self, through: LogId) -> Result<(), Error> {
        self.purge_with(through, Box::new(|_| {})).map(drop)
    }

    /// Ends the installation of a snapshot that a crash interrupted between the state's switch and the log's purge: where
    /// the state has applied more than the log holds, the log goes on behind it. Returns when that is on disk.
    pub async fn complete_purge(&self, applied: LogId) -> Result<(), Error> {
        {
            let readable = self.inner.shared.readable();
            readable.check()?;
            if self.inner.shared.id_at(&readable, applied.index)? == Some(applied) {
                return Ok(());
            }
        }
        let (done, answer) = completion();
        if self.purge_with(applied, done)? { self.wait(answer).await } else { Ok(()) }
    }

    /// Purges; tells whether `done` will be called, which it is only when everything goes.
    fn purge_with(&self, through: LogId, done: Completion) -> Result<bool, Error> {
        let shared = &self.inner.shared;
        let mut readable = shared.readable();
        readable.check()?;
        if readable.purged.is_some_and(|purged| purged.index >= through.index) {
            return Ok(false);
        }
        let follows = readable.purged.is_none() && readable.first == Some(through.index.next());
        if follows || shared.id_at(&readable, through.index)? == Some(through) {
            readable.removals += 1;
            readable.cache.drop_through(through.index);
            readable.purged = Some(through);
            readable.first = (readable.last > Some(through)).then(|| through.index.next());
            self.submit(&readable, Change::Purge { through })?;
            return Ok(false);
        }
        let purged = readable.purged;
        readable.cut(purged);
        readable.purged = Some(through);
        readable.last = Some(through);
        self.submit(&readable, Change::Restart { purged: through, done })?;
        Ok(true)
    }

    /// Every entry of the range that the log holds.
    pub fn entries(&self, range: Range<LogIndex>) -> Result<Vec<LogEntry>, Error> {
        self.inner.shared.entries(range.start, range.end, usize::MAX)
    }

    /// The entries of the range that the log holds, as many as fit in so many bytes; one at least, if there is any.
    pub fn entries_limited(&self, range: Range<LogIndex>, bytes_max: usize) -> Result<Vec<LogEntry>, Error> {
        self.inner.shared.entries(range.start, range.end, bytes_max)
    }

    /// What to wait at until an entry is on this node's disk.
    pub fn durable(&self) -> DurableGate {
        DurableGate::watching(self.inner.shared.durability.subscribe())
    }

    /// What the log has done since it was opened.
    pub fn counters(&self) -> Counters {
        self.inner.shared.counted.read()
    }

    /// How many bytes its files have.
    pub fn size_on_disk(&self) -> u64 {
        files::size_of_directory(&self.inner.shared.directory)
    }

    /// Writes what is queued and ends. Later calls fail.
    pub async fn close(&self) -> Result<(), Error> {
        let (done, answer) = completion();
        {
            let mut readable = self.inner.shared.readable();
            match self.submit(&readable, Change::Close { done }) {
                Err(Error::Closed) => return Ok(()),
                result => result?,
            }
            readable.closing = true;
        }
        self.wait(answer).await
    }

    /// Hands a change to the thread. Whoever calls holds the lock, so that the queue has the order of the changes.
    fn submit(&self, readable: &Readable, change: Change) -> Result<(), Error> {
        readable.check()?;
        let sent = self.inner.changes.as_ref().map(|changes| changes.send(change));
        if matches!(sent, Some(Ok(()))) { Ok(()) } else { Err(Error::Closed) }
    }

    async fn wait(&self, answer: oneshot::Receiver<Result<(), Error>>) -> Result<(), Error> {
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(self.inner.shared.fail(Error::Closed)),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.changes.take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A completion may hold the last clone: the thread can't wait for itself, and ends anyway.
        if let Some(thread) = thread.filter(|handle| handle.thread().id() != thread::current().id()) {
            // Whoever waited for something has been told of a panic; nobody is left here.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Log").field("directory", &self.inner.shared.directory).finish_non_exhaustive()
    }
}

fn completion() -> (Completion, oneshot::Receiver<Result<(), Error>>) {
    let (sender, receiver) = oneshot::channel();
    // Whoever asked may have given up; the change is made all the same.
    let done = move |result| drop(sender.send(result));
    (Box::new(done), receiver)
}

/// Entries follow the log's end and each other: by one in the index, upwards in the order of log ids.
fn check_order(last: Option<LogId>, entries: &[LogEntry]) -> Result<(), Error> {
    let mut last = last;
    for entry in entries {
        if last.is_some_and(|last| entry.id.index != last.index.next() || entry.id <= last) {
            return Err(Error::OutOfOrder { last, found: entry.id });
        }
        last = Some(entry.id);
    }
    Ok(())
}
