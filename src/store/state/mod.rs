//! Everything that a Raft group has applied.
//!
//! - What a chunk of entries does lands in one write, together with the log id, the membership and the digest that it
//!   leads to. A crash may lose the last chunks, never a part of one: they are applied again from the log.
//! - Nothing is synced by [`State::apply`]. [`State::flush`] and [`State::checkpoint`] make durable what was applied
//!   before them, and `snapshot <= flushed <= applied` holds at any time.
//! - An installed snapshot is another generation beside the old one; one small file says which of them is the state.
//! - After a failed write the state has stopped, and says so for ever.
//!
//! `keys` and `rows` hold the byte layouts, `directory` says what lies where, `generation` is one `RocksDB`; `apply` has its
//! rows fetched (`fetch`, `due`) and writes what was `done`, [`View`] reads (`view`, `listing`); `snapshot`, `checkpoint`, `staging` and `install` let a state travel.

mod apply;
mod changes;
mod checkpoint;
mod directory;
mod done;
mod due;
mod error;
mod fetch;
mod generation;
mod health;
mod install;
mod keys;
mod lease;
mod listing;
mod open;
mod recent;
mod rows;
mod settings;
mod snapshot;
mod staging;
mod struck;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use self::changes::Changes;
pub use self::changes::Watch;
use self::directory::Directory;
pub use self::error::Error;
use self::fetch::Hot;
pub use self::generation::Applied;
use self::generation::Generation;
use self::health::Health;
pub use self::recent::Followed;
use self::recent::Recent;
pub use self::settings::Options;
use self::snapshot::Checksums;
pub use self::snapshot::{FilePart, Manifest, Snapshot};
pub use self::staging::Staging;
use self::staging::Turn;
pub use self::view::{Page, View};
use crate::machine::Digest;
use crate::store::crash_point::{fault, point, reached};
use crate::types::{CellKey, Id, LockName, LogId, LogIndex, LogName, LogNumber, LogTime, ReaderName, SpaceNumber};

/// What a Raft group has applied. Clones are the same state.
#[derive(Debug, Clone)]
pub struct State {
    inner: Arc<Inner>,
}

// Locks are taken in the order in which they stand here.
#[derive(Debug)]
struct Inner {
    directory: Directory,
    options: Options,
    direct_io: bool,
    /// Held by whoever changes the state: one chunk, or an installation.
    hot: Mutex<Hot>,
    /// Held while a checkpoint is built: there is one directory for it.
    building: Mutex<()>,
    /// Held while a published snapshot or the current generation gives way to another.
    publishing: Mutex<()>,
    turn: Turn,
    /// Never held while a disk is waited for.
    current: Mutex<Current>,
    applied_index: watch::Sender<Option<LogIndex>>,
    /// Who waits for a log's head or another small row to change, and who for an id.
    row_changes: Arc<Changes>,
    id_changes: Arc<Changes>,
    recent: Arc<Recent>,
    health: Arc<Health>,
    checksums: Arc<Checksums>,
    counts: Counts,
}

/// The state as it is at one moment.
#[derive(Debug)]
struct Current {
    generation: Arc<Generation>,
    applied: Arc<Applied>,
    digests: VecDeque<(LogIndex, Digest)>,
    next_due: Option<LogTime>,
    published: Option<Snapshot>,
}

#[derive(Debug, Default)]
struct Counts {
    decided: AtomicU64,
    replayed: AtomicU64,
    rejected: AtomicU64,
}

/// How many proposals were answered how since the state was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Decided now.
    pub decided: u64,
    /// Decided by an earlier arrival of their id.
    pub replayed: u64,
    /// Turned away without an outcome.
    pub rejected: u64,
}

impl State {
    /// What the state is the result of.
    pub fn applied(&self) -> Applied {
        (*self.current().applied).clone()
    }

    /// The index of the last applied entry, told after its write, and after another generation has become the state.
    pub fn watch_applied(&self) -> watch::Receiver<Option<LogIndex>> {
        self.inner.applied_index.subscribe()
    }

    /// Hears of changes of a log's head.
    pub fn watch_log(&self, space: SpaceNumber, log: &LogName) -> Watch {
        self.inner.row_changes.watch(keys::log(space, log))
    }

    /// Hears of changes of a cell.
    pub fn watch_cell(&self, space: SpaceNumber, key: &CellKey) -> Watch {
        self.inner.row_changes.watch(keys::cell(space, key))
    }

    /// Hears when a reader is moved in a log.
    pub fn watch_position(&self, space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Watch {
        self.inner.row_changes.watch(keys::position(space, reader, log))
    }

    /// Hears of changes of a lock, its expiry included.
    pub fn watch_lock(&self, space: SpaceNumber, name: &LockName) -> Watch {
        self.inner.row_changes.watch(keys::lock(space, name))
    }

    /// Hears when an id is decided, undone or forgotten.
    pub fn watch_id(&self, space: SpaceNumber, id: &Id) -> Watch {
        self.inner.id_changes.watch(keys::id(space, id))
    }

    /// Keeps the newest records of a log in memory as long as the answer lives.
    pub fn follow(&self, space: SpaceNumber, log: LogNumber) -> Followed {
        self.inner.recent.follow(space, log)
    }

    /// The state as it is now, for reading.
    pub fn view(&self) -> View {
        let current = self.current();
        View::new(current.generation.clone(), current.applied.clone(), current.next_due, self.inner.health.clone())
    }

    /// Makes everything durable that has been applied before the call. Returns the last entry of it.
    pub fn flush(&self) -> Result<Option<LogId>, Error> {
        let (generation, log_id) = {
            let current = self.current();
            (current.generation.clone(), current.applied.log_id)
        };
        let root = self.inner.directory.root();
        self.inner.health.must(|| {
            reached(root, point::FLUSH_BEFORE);
            fault(root, point::FLUSH_WRITE)?;
            generation.flush()?;
            reached(root, point::FLUSH_AFTER);
            Ok(())
        })?;
        Ok(log_id)
    }

    /// The last published snapshot.
    pub fn current_snapshot(&self) -> Option<Snapshot> {
        self.current().published.clone()
    }

    /// Takes the staging directory for a snapshot that another node offers, with those of its files that are here already.
    pub fn receive(&self, manifest: &Manifest) -> Result<Staging, Error> {
        self.inner.health.check()?;
        Staging::begin(self.inner.directory.staging(), &self.inner.turn, manifest)
    }

    /// The digests after the last entries whose index [`crate::types::limits::DIGEST_INTERVAL`] divides, oldest first.
    pub fn last_remembered_digests(&self) -> Vec<(LogIndex, Digest)> {
        self.current().digests.iter().copied().collect()
    }

    /// How many proposals were answered how since the state was opened.
    pub fn counters(&self) -> Counters {
        let counts = &self.inner.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters { decided: read(&counts.decided), replayed: read(&counts.replayed), rejected: read(&counts.rejected) }
    }

    /// How many bytes the state's files have, snapshots apart.
    pub fn size_on_disk(&self) -> u64 {
        let generation = self.current().generation.clone();
        generation.bytes()
    }

    /// How many bytes the files of the published snapshot have, most of them shared with the state; 0 if there is none.
    pub fn snapshot_size(&self) -> u64 {
        self.current_snapshot().map_or(0, |snapshot| snapshot.bytes())
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        lock(&self.inner.current)
    }
}

/// A panic elsewhere leaves nothing half done here: what these locks guard is replaced whole, or `Health` has stopped it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
