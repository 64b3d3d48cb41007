//! How a state comes back, and how the first generation is made.
//!
//! - The switch is written last: what it names is whole. Without it there can be nothing but an unfinished beginning.
//! - Rows that a generation has from its beginning are never missing; if one is, that is corruption.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::directory::{self, Directory};
use super::due::DueFirst;
use super::error::Error;
use super::fetch::Hot;
use super::generation::{self, Generation};
use super::health::Health;
use super::settings::{self, Options};
use super::snapshot::{Checksums, Snapshot};
use super::staging::Turn;
use super::{Counts, Current, Inner, State};
use crate::store::crash_point::{point, reached};
use crate::store::files;
use crate::types::LogIndex;

const FIRST_GENERATION: u64 = 1;

impl State {
    /// Opens the state in a directory, making it if there is none, and removes what a crash may have left behind.
    pub fn open(directory: &Path, options: Options) -> Result<Self, Error> {
        let directory = Directory::open(directory)?;
        let direct_io = options.direct_io && settings::direct_io_works(&directory.probe());
        let number = match directory.current()? {
            Some(number) => number,
            None if options.must_exist => {
                let place = directory.root().display().to_string();
                let what = "it is gone, but this node belongs to a cluster, so it had one. Replace the node: start one with a \
                            new id and an empty data directory";
                return Err(Error::corrupt(place, what));
            }
            None => create(&directory, direct_io)?,
        };
        // Opening takes RocksDB's lock: nothing is swept away under another process.
        let generation = Arc::new(Generation::open(directory.generation(number), number, direct_io)?);
        let published = directory.sweep(number)?;
        let applied = Arc::new(generation.applied()?);
        let digests = generation.remembered_digests()?;
        check_digests(&digests, applied.log_id.map(|log_id| log_id.index))?;

        let checksums = Arc::new(Checksums::default());
        let published = match published {
            None => None,
            Some(name) => Some(Snapshot::reopen(&directory.snapshot(name), name, checksums.clone())?),
        };
        if let Some(snapshot) = published.as_ref().filter(|snapshot| snapshot.last() > applied.log_id) {
            // The log may be gone up to the snapshot, and then nothing brings the state there.
            let place = snapshot.directory().display().to_string();
            return Err(Error::corrupt(place, "the published snapshot is ahead of the state"));
        }
        let index = applied.log_id.map(|log_id| log_id.index);
        let hot = Hot::new(DueFirst::read(&generation)?);
        let current = Current { generation, applied, digests, next_due: hot.next_due(), published };
        let inner = Inner {
            directory,
            options,
            direct_io,
            hot: Mutex::new(hot),
            building: Mutex::new(()),
            publishing: Mutex::new(()),
            turn: Turn::default(),
            current: Mutex::new(current),
            applied_index: watch::Sender::new(index),
            row_changes: Arc::default(),
            id_changes: Arc::default(),
            recent: Arc::default(),
            health: Arc::new(Health::default()),
            checksums,
            counts: Counts::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

fn create(directory: &Directory, direct_io: bool) -> Result<u64, Error> {
    let path = directory.generation(FIRST_GENERATION);
    let begun = |number: &u64| *number != FIRST_GENERATION;
    let other = directory.generations()?.into_iter().any(|number| begun(&number));
    // What is there may be an unfinished beginning. It is one only if it has applied nothing.
    let applied = path.exists() && generation::glance(&path).is_ok_and(|applied| applied.log_id.is_some());
    if other || applied || !directory.snapshots()?.is_empty() {
        let place = directory.root().display().to_string();
        return Err(Error::corrupt(place, "a state is there, but not the file that says which is current"));
    }
    directory::remove(&path)?;
    Generation::create(path.clone(), FIRST_GENERATION, direct_io)?;
    reached(directory.root(), point::CREATE_GENERATION_FLUSHED);
    files::sync_directory(&path)?;
    files::sync_directory(directory.root())?;
    reached(directory.root(), point::CREATE_GENERATION_SYNCED);
    directory.switch(FIRST_GENERATION)?;
    reached(directory.root(), point::CREATE_SWITCHED);
    Ok(FIRST_GENERATION)
}

/// Digests lie at increasing indexes up to what is applied.
pub(super) fn check_digests(
    digests: &VecDeque<(LogIndex, crate::machine::Digest)>,
    applied: Option<LogIndex>,
) -> Result<(), Error> {
    match digests.back() {
        Some(&(last, _)) if Some(last) > applied => {
            Err(Error::corrupt("remembered digests", format!("one is of index {last}, which is not applied")))
        }
        _ => Ok(()),
    }
}
