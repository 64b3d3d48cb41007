//! What callers see of the log at once, before the disk has it; shared by them and the thread that writes.
//!
//! - The order in which changes are made here is the order in which the thread gets them: both happen under one lock.
//! - `purged <= first - 1`, and what lies from `first` to `last` can be read: newest entries from memory, others from
//!   the database. What is not yet durable is always in memory.
//! - The first failure stays; every later call fails with it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Counters;
use super::database::Database;
use super::error::Error;
use super::gate::Durability;
use super::record::{Link, StoredEntry};
use super::tail_cache::TailCache;
use crate::store::crash_point::{self, point};
use crate::store::entry;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LogEntry, LogId, LogIndex, Vote};

pub(super) struct Shared {
    pub(super) directory: PathBuf,
    pub(super) database: Database,
    pub(super) durability: watch::Sender<Durability>,
    pub(super) counted: Counted,
    pub(super) tail_cache_bytes: usize,
    readable: Mutex<Readable>,
}

/// Running totals.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) syncs: AtomicU64,
    pub(super) entries: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Counted {
    pub(super) fn read(&self) -> Counters {
        Counters {
            syncs: self.syncs.load(Ordering::Relaxed),
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// The log as callers see it.
pub(super) struct Readable {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    /// Whether the thread has yet to write `committed`.
    pub(super) committed_is_news: bool,
    pub(super) purged: Option<LogId>,
    pub(super) first: Option<LogIndex>,
    /// The last entry's, or `purged`.
    pub(super) last: Option<LogId>,
    pub(super) cache: TailCache,
    /// The index through which entries are on disk.
    pub(super) durable: Option<LogIndex>,
    /// Counts the times that the end was cut off; what the thread made durable before a cut does not count after it.
    pub(super) cuts: u64,
    /// Counts the times that entries were removed, at either end.
    pub(super) removals: u64,
    /// Whether the thread was told to end: what would come behind that would never be answered.
    pub(super) closing: bool,
    pub(super) failure: Option<Error>,
}

impl Readable {
    /// The part of the range that the log holds.
    fn clip(&self, first: LogIndex, end: LogIndex) -> Option<(LogIndex, LogIndex)> {
        let (held_first, held_last) = (self.first?, self.last?.index);
        let (first, end) = (first.max(held_first), end.min(held_last.next()));
        (first < end).then_some((first, end))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None if self.closing => Err(Error::Closed),
            None => Ok(()),
        }
    }

    /// Forgets the entries behind `last`.
    pub(super) fn cut(&mut self, last: Option<LogId>) {
        self.cuts += 1;
        self.removals += 1;
        self.cache.drop_after(last.map(|last| last.index));
        self.last = last;
        self.durable = self.durable.min(last.map(|last| last.index));
        if last == self.purged {
            self.first = None;
        }
    }
}

impl Shared {
    pub(super) fn new(directory: PathBuf, database: Database, readable: Readable, tail_cache_bytes: usize) -> Self {
        let (durability, _) = watch::channel(Durability { last: readable.last, failure: None });
        Self {
            directory,
            database,
            durability,
            counted: Counted::default(),
            tail_cache_bytes,
            readable: Mutex::new(readable),
        }
    }

    pub(super) fn readable(&self) -> MutexGuard<'_, Readable> {
        self.readable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody what is on disk, unless a cut that the thread has not reached has taken it back.
    pub(super) fn publish(&self, cuts: u64, last: Option<LogId>, vote: Option<Vote>) {
        let mut readable = self.readable();
        readable.vote = vote;
        if readable.cuts == cuts {
            readable.durable = last.map(|last| last.index);
            let durable = readable.durable;
            readable.cache.shrink(self.tail_cache_bytes, durable);
            self.durability.send_modify(|durability| {
                // By its index alone, what was cut off still counts as being there.
                let stays = seeded(Bug::GateByIndex) && index_of(durability.last) > index_of(last);
                if !stays {
                    durability.last = last;
                }
            });
        }
    }

    /// Lowers what everybody was told, before the end is cut off.
    pub(super) fn withdraw(&self, last: Option<LogId>) {
        self.durability.send_if_modified(|durability| {
            let lower = durability.last > last && !seeded(Bug::GateByIndex);
            if lower {
                durability.last = last;
            }
            lower
        });
    }

    /// Remembers the first failure and tells everybody; returns the first.
    pub(super) fn fail(&self, error: Error) -> Error {
        let mut readable = self.readable();
        let first = readable.failure.get_or_insert(error).clone();
        self.durability.send_if_modified(|durability| {
            let news = durability.failure.is_none();
            durability.failure.get_or_insert_with(|| first.clone());
            news
        });
        first
    }

    /// The log id at an index that the log holds.
    pub(super) fn id_at(&self, readable: &Readable, index: LogIndex) -> Result<Option<LogId>, Error> {
        if let Some(purged) = readable.purged
            && purged.index == index
        {
            return Ok(Some(purged));
        }
        if readable.clip(index, index.next()).is_none() {
            return Ok(None);
        }
        if let Some(entry) = readable.cache.get(index) {
            return Ok(Some(entry.id));
        }
        let stored = self.database.entries_from(index).next().transpose()?;
        let (found, value) = stored.ok_or(Error::Hole(index))?;
        let entry = StoredEntry::decode(value).and_then(|stored| stored.entry()).map_err(|_| Error::Hole(index))?;
        if found == index { Ok(Some(entry.id)) } else { Err(Error::Hole(index)) }
    }

    /// The entries of a range as far as the log holds them, until they have this many bytes; one at least.
    pub(super) fn entries(&self, first: LogIndex, end: LogIndex, bytes_max: usize) -> Result<Vec<LogEntry>, Error> {
        loop {
            let mut page = Page { entries: Vec::new(), bytes: 0, bytes_max, full: false };
            let removals = self.readable().removals;
            if self.fill(&mut page, first, end, removals)? {
                return Ok(page.entries);
            }
        }
    }

    /// Fills the page; false if entries were removed meanwhile, for then what was read may be old or missing.
    fn fill(&self, page: &mut Page, first: LogIndex, end: LogIndex, removals: u64) -> Result<bool, Error> {
        let mut next = first;
        loop {
            let (from, to) = {
                let readable = self.readable();
                readable.check()?;
                if readable.removals != removals {
                    return Ok(false);
                }
                let Some((from, to)) = readable.clip(next, end) else {
                    return Ok(true);
                };
                let cached = readable.cache.first().unwrap_or(to);
                if cached <= from {
                    let mut index = from;
                    while index < to && !page.full {
                        page.add(readable.cache.get(index).ok_or(Error::Hole(index))?.clone());
                        index = index.next();
                    }
                    return Ok(true);
                }
                (from, to.min(cached))
            };
            let read = self.read(page, from, to);
            crash_point::reached(&self.directory, point::ENTRIES_READ);
            match read {
                Ok(()) if page.full => return Ok(self.readable().removals == removals),
                Ok(()) => next = to,
                Err(_) if self.readable().removals != removals => return Ok(false),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Reads from the database. Everything in the range must be there, and in its chain.
    fn read(&self, page: &mut Page, from: LogIndex, to: LogIndex) -> Result<(), Error> {
        let mut link = None;
        let mut stored = self.database.entries_from(from);
        let mut index = from;
        while index < to && !page.full {
            let (found, value) = stored.next().transpose()?.ok_or(Error::Hole(index))?;
            let stored = StoredEntry::decode(value).map_err(|_| Error::Hole(index))?;
            let chained = link.is_none_or(|link: Link| link.next(&stored.bytes) == stored.link);
            if found != index || !chained {
                return Err(Error::Hole(index));
            }
            link = Some(stored.link);
            page.add(stored.entry().map_err(|_| Error::Hole(index))?);
            index = index.next();
        }
        Ok(())
    }
}

fn index_of(log_id: Option<LogId>) -> Option<LogIndex> {
    log_id.map(|log_id| log_id.index)
}

/// Entries that are gathered until there are enough.
struct Page {
    entries: Vec<LogEntry>,
    bytes: usize,
    bytes_max: usize,
    full: bool,
}

impl Page {
    /// Adds an entry unless it would be too much; the first never is.
    fn add(&mut self, entry: LogEntry) {
        self.bytes = self.bytes.saturating_add(entry::encoded_len_max(&entry));
        self.full = self.bytes > self.bytes_max;
        if !self.full || self.entries.is_empty() {
            self.entries.push(entry);
        }
    }
}
