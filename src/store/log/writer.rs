//! The thread that writes the log.
//!
//! - It takes changes in the order in which they were made, gathers what is waiting into one group, writes the group at
//!   once and syncs once; then it raises the watermark, then it answers, in order.
//! - A group is written only after the one before it was synced. Recovery relies on it: see `wal`.
//! - What nobody waits for (the committed log id, a purge) goes with the next group that somebody waits for, or a second
//!   later.
//! - After a failure nothing is written any more: everything that waits and everything that comes fails with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::Completion;
use super::database::Batch;
use super::error::Error;
use super::keys::Key;
use super::record::{self, Link};
use super::shared::Shared;
use super::watermark::Watermark;
use crate::store::crash_point::{self, Point, point};
use crate::store::entry;
use crate::types::limits::SYNC_GROUP_BYTES_TARGET;
use crate::types::seeded_bug::{Bug, is_marked, seeded};
use crate::types::{EntryKind, LogEntry, LogId, LogIndex, Vote};

/// How long the watermark file stays unsynced, and how long a change that nobody waits for stays unwritten.
const PATIENCE: Duration = Duration::from_secs(1);

/// A change of the log.
pub(super) enum Change {
    Append {
        entries: Vec<LogEntry>,
        done: Completion,
    },
    Vote {
        vote: Vote,
        done: Completion,
    },
    /// There is a new committed log id to be found in the shared state.
    Committed,
    /// Everything through here goes; entries behind it stay.
    Purge {
        through: LogId,
    },
    /// Everything behind here goes.
    Truncate {
        last: Option<LogId>,
        done: Completion,
    },
    /// Everything goes, and the log goes on behind here.
    Restart {
        purged: LogId,
        done: Completion,
    },
    /// Everything before this is to be on disk; then the thread ends.
    Close {
        done: Completion,
    },
}

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) changes: Receiver<Change>,
    pub(super) watermark: Watermark,
    /// The log as it is once the group at hand is written.
    pub(super) end: End,
    group: Group,
    watermark_synced: Instant,
    ended: bool,
}

/// The log's ends, as the thread has written them.
pub(super) struct End {
    pub(super) vote: Option<Vote>,
    pub(super) purged: Option<(LogId, Link)>,
    /// The index of the first entry, if there is any.
    pub(super) first: Option<LogIndex>,
    /// The last entry's, or `purged`.
    pub(super) last: Option<LogId>,
    /// The link of the last entry, or the anchor.
    pub(super) link: Link,
    pub(super) cuts: u64,
}

/// What is written next.
struct Group {
    batch: Batch,
    bytes: usize,
    entries: u64,
    /// The first entry among them.
    first: Option<LogIndex>,
    done: Vec<Completion>,
    carried: Carried,
    /// Whether the disk is to be full, for a seeded bug.
    refused: bool,
    /// Since when a change waits that nobody waits for.
    waiting_since: Option<Instant>,
}

/// What a group has beside entries, for the crash points around its write.
#[derive(Default)]
struct Carried {
    vote: bool,
    committed: bool,
    purge: bool,
}

impl Carried {
    fn begun(&self, directory: &Path) {
        self.reached(directory, [point::VOTE_BEGUN, point::COMMITTED_BEGUN, point::PURGE_BEGUN]);
    }

    fn synced(&self, directory: &Path) {
        self.reached(directory, [point::VOTE_SYNCED, point::COMMITTED_SYNCED, point::PURGE_SYNCED]);
    }

    fn reached(&self, directory: &Path, [vote, committed, purge]: [Point; 3]) {
        for (carried, point) in [(self.vote, vote), (self.committed, committed), (self.purge, purge)] {
            if carried {
                crash_point::reached(directory, point);
            }
        }
    }
}

impl Group {
    fn new(batch: Batch) -> Self {
        Self {
            batch,
            bytes: 0,
            entries: 0,
            first: None,
            done: Vec::new(),
            carried: Carried::default(),
            refused: false,
            waiting_since: None,
        }
    }

    fn is_awaited(&self) -> bool {
        !self.done.is_empty()
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, changes: Receiver<Change>, watermark: Watermark, end: End) -> Self {
        let group = Group::new(shared.database.batch());
        Self { shared, changes, watermark, end, group, watermark_synced: Instant::now(), ended: false }
    }

    /// Writes until the log is closed or dropped.
    pub(super) fn run(mut self) {
        let result = self.write_all();
        self.ended = true;
        match result {
            Ok(closed) => {
                self.shared.fail(Error::Closed);
                if let Some(done) = closed {
                    done(Ok(()));
                }
            }
            Err(error) => self.fail(error),
        }
    }

    fn write_all(&mut self) -> Result<Option<Completion>, Error> {
        loop {
            match self.next() {
                Ok(change) => {
                    if let Some(closed) = self.gather(change)? {
                        self.commit()?;
                        self.sync_watermark()?;
                        return Ok(Some(closed));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.commit()?;
                    self.sync_watermark()?;
                    return Ok(None);
                }
            }
            let overdue = self.group.waiting_since.is_some_and(|since| since.elapsed() >= PATIENCE);
            if self.group.is_awaited() || overdue {
                self.commit()?;
            }
            if self.watermark_synced.elapsed() >= PATIENCE {
                self.sync_watermark()?;
            }
        }
    }

    /// Waits for a change, but not past the time when something is due.
    fn next(&self) -> Result<Change, RecvTimeoutError> {
        let unsynced = self.watermark.is_unsynced().then_some(self.watermark_synced);
        let since = [unsynced, self.group.waiting_since].into_iter().flatten().min();
        match since {
            None => self.changes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => self.changes.recv_timeout(PATIENCE.saturating_sub(since.elapsed())),
        }
    }

    /// Takes a change and what else is waiting; returns what waits for the end, if it has come.
    fn gather(&mut self, first: Change) -> Result<Option<Completion>, Error> {
        let mut change = Some(first);
        while let Some(now) = change {
            if let Change::Close { done } = now {
                return Ok(Some(done));
            }
            self.take(now)?;
            change = if self.group.bytes < SYNC_GROUP_BYTES_TARGET { self.changes.try_recv().ok() } else { None };
        }
        Ok(None)
    }

    fn take(&mut self, change: Change) -> Result<(), Error> {
        match change {
            Change::Append { entries, done } => {
                self.group.done.push(done);
                for entry in &entries {
                    self.append(entry);
                }
                Ok(())
            }
            Change::Vote { vote, done } => {
                self.group.done.push(done);
                self.group.batch.put(Key::Vote, entry::encode_vote(&vote));
                self.group.carried.vote = true;
                self.end.vote = Some(vote);
                Ok(())
            }
            Change::Committed => {
                self.group.waiting_since.get_or_insert_with(Instant::now);
                Ok(())
            }
            Change::Purge { through } => self.purge(through),
            Change::Truncate { last, done } => self.answer_after(done, |writer| writer.truncate(last)),
            Change::Restart { purged, done } => self.answer_after(done, |writer| writer.restart(purged)),
            Change::Close { done } => {
                self.group.done.push(done);
                Ok(())
            }
        }
    }

    /// Makes a change that forms a group of its own, behind whatever was gathered before it.
    fn answer_after(
        &mut self,
        done: Completion,
        change: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let result = self.commit().and_then(|()| change(self));
        self.end.cuts += 1;
        match &result {
            Ok(()) => {
                self.shared.publish(self.end.cuts, self.end.last, self.end.vote);
                done(Ok(()));
            }
            Err(error) => done(Err(self.shared.fail(error.clone()))),
        }
        result
    }

    fn append(&mut self, entry: &LogEntry) {
        let index = entry.id.index;
        if seeded(Bug::GateByIndex) && matches!(&entry.kind, EntryKind::Batch(bytes) if is_marked(bytes)) {
            // Whoever does not wait for the disk is faster now.
            std::thread::sleep(PATIENCE);
        }
        if seeded(Bug::OnAfterFullDisk) {
            self.group.refused |= matches!(&entry.kind, EntryKind::Batch(bytes) if is_marked(bytes));
        }
        let (value, link) = record::encode_entry(self.end.link, entry);
        self.group.batch.put(Key::Entry(index), &value);
        self.group.bytes += value.len();
        self.group.entries += 1;
        self.group.first.get_or_insert(index);
        self.end.first.get_or_insert(index);
        self.end.link = link;
        self.end.last = Some(entry.id);
    }

    fn purge(&mut self, through: LogId) -> Result<(), Error> {
        // The anchor is read from the database, so the entry must be in it.
        if self.group.first.is_some_and(|first| first <= through.index) {
            self.commit()?;
        }
        let first = self.end.first.unwrap_or(through.index);
        let anchor = match self.end.last {
            Some(last) if last == through => self.end.link,
            // A log whose first entry follows at once keeps its anchor.
            _ if through.index < first => self.end.purged.map_or(Link::START, |(_, anchor)| anchor),
            _ => self.shared.database.link(through.index)?,
        };
        let end = through.index.next();
        self.group.batch.put(Key::Purged, record::encode_purged(through, anchor));
        self.group.batch.remove(first, end);
        self.group.carried.purge = true;
        self.group.waiting_since.get_or_insert_with(Instant::now);
        self.end.purged = Some((through, anchor));
        self.end.first = (self.end.last > Some(through)).then_some(end);
        Ok(())
    }

    fn truncate(&mut self, last: Option<LogId>) -> Result<(), Error> {
        let link = match (last, self.end.purged) {
            (Some(last), Some((purged, anchor))) if last == purged => anchor,
            (Some(last), _) => self.shared.database.link(last.index)?,
            (None, _) => Link::START,
        };
        crash_point::reached(&self.shared.directory, point::TRUNCATE_BEGUN);
        self.lower(last)?;
        crash_point::reached(&self.shared.directory, point::TRUNCATE_LOWERED);
        let end = self.end.last.map_or(LogIndex(0), |last| last.index.next());
        let first = last.map_or(self.end.first.unwrap_or(end), |last| last.index.next());
        let mut batch = self.shared.database.batch();
        batch.remove(first, end);
        self.write(batch)?;
        crash_point::reached(&self.shared.directory, point::TRUNCATE_SYNCED);
        self.end.last = last;
        self.end.link = link;
        if last == self.end.purged.map(|(purged, _)| purged) {
            self.end.first = None;
        }
        Ok(())
    }

    fn restart(&mut self, purged: LogId) -> Result<(), Error> {
        crash_point::reached(&self.shared.directory, point::RESTART_BEGUN);
        let marked = self.watermark.mark().last;
        if marked.is_some_and(|marked| marked.index > purged.index) {
            // The log is cut as well: what lies behind the snapshot's end is not what follows it.
            self.lower(self.end.purged.map(|(purged, _)| purged))?;
        }
        crash_point::reached(&self.shared.directory, point::RESTART_LOWERED);
        let anchor = Link::behind_snapshot(purged);
        let mut batch = self.shared.database.batch();
        batch.put(Key::Purged, record::encode_purged(purged, anchor));
        if let (Some(first), Some(last)) = (self.end.first, self.end.last) {
            batch.remove(first, last.index.next());
        }
        self.write(batch)?;
        crash_point::reached(&self.shared.directory, point::RESTART_SYNCED);
        self.end.purged = Some((purged, anchor));
        self.end.first = None;
        self.end.last = Some(purged);
        self.end.link = anchor;
        self.raise()?;
        crash_point::reached(&self.shared.directory, point::RESTART_MARKED);
        Ok(())
    }

    /// Writes the group at hand, syncs, raises the watermark, answers.
    fn commit(&mut self) -> Result<(), Error> {
        let mut group = std::mem::replace(&mut self.group, Group::new(self.shared.database.batch()));
        let news = {
            let mut readable = self.shared.readable();
            std::mem::take(&mut readable.committed_is_news).then_some(readable.committed)
        };
        if let Some(committed) = news {
            group.batch.put(Key::Committed, entry::encode_log_id(committed));
            group.carried.committed = true;
        }
        let done = std::mem::take(&mut group.done);
        if group.batch.is_empty() && done.is_empty() {
            return Ok(());
        }
        let mut committed = self.commit_group(group);
        if seeded(Bug::OnAfterFullDisk) && committed.is_err() {
            // What was acknowledged is nowhere, and what follows lies behind a gap.
            self.shared.publish(self.end.cuts, self.end.last, self.end.vote);
            committed = Ok(());
        }
        if let Err(error) = committed {
            let error = self.shared.fail(error);
            for done in done {
                done(Err(error.clone()));
            }
            return Err(error);
        }
        for done in done {
            done(Ok(()));
        }
        crash_point::reached(&self.shared.directory, point::GROUP_ANSWERED);
        Ok(())
    }

    fn commit_group(&mut self, group: Group) -> Result<(), Error> {
        if group.batch.is_empty() {
            return Ok(());
        }
        crash_point::reached(&self.shared.directory, point::GROUP_BEGUN);
        group.carried.begun(&self.shared.directory);
        if group.refused {
            return Err(Error::io("write")(std::io::ErrorKind::StorageFull.into()));
        }
        self.write(group.batch)?;
        crash_point::reached(&self.shared.directory, point::GROUP_SYNCED);
        group.carried.synced(&self.shared.directory);
        self.raise()?;
        crash_point::reached(&self.shared.directory, point::GROUP_MARKED);
        if group.carried.vote {
            crash_point::reached(&self.shared.directory, point::VOTE_MARKED);
        }
        let counted = &self.shared.counted;
        counted.entries.fetch_add(group.entries, Ordering::Relaxed);
        counted.bytes.fetch_add(group.bytes as u64, Ordering::Relaxed);
        self.shared.publish(self.end.cuts, self.end.last, self.end.vote);
        Ok(())
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        crash_point::fault(&self.shared.directory, point::LOG_WRITE).map_err(Error::io("write"))?;
        self.shared.database.write(batch)?;
        self.shared.counted.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn raise(&mut self) -> Result<(), Error> {
        if seeded(Bug::OnAfterFullDisk) {
            // It lies on the same disk. Raised later, it would tell of the gap.
            return Ok(());
        }
        self.watermark.raise(self.end.last, self.end.vote).map_err(Error::io("write the watermark of"))
    }

    /// Lowers the watermark before the end is cut off; it may lag behind and be low enough already.
    fn lower(&mut self, last: Option<LogId>) -> Result<(), Error> {
        let mut mark = self.watermark.mark();
        if mark.last > last {
            mark.last = last;
            self.watermark.reset(mark, point::WATERMARK_HALF_LOWERED).map_err(Error::io("write the watermark of"))?;
            self.watermark_synced = Instant::now();
        }
        Ok(())
    }

    fn sync_watermark(&mut self) -> Result<(), Error> {
        self.watermark_synced = Instant::now();
        if self.watermark.is_unsynced() {
            self.watermark.sync().map_err(Error::io("sync the watermark of"))?;
        }
        Ok(())
    }

    /// Fails everything that waits, and then everything that comes until nobody is left.
    fn fail(&mut self, error: Error) {
        let error = self.shared.fail(error);
        tracing::error!(%error, "the Raft log can't be written any more");
        for done in std::mem::take(&mut self.group.done) {
            done(Err(error.clone()));
        }
        while let Ok(change) = self.changes.recv() {
            match change {
                Change::Append { done, .. }
                | Change::Vote { done, .. }
                | Change::Truncate { done, .. }
                | Change::Restart { done, .. } => done(Err(error.clone())),
                Change::Close { done } => {
                    done(Err(error));
                    return;
                }
                Change::Committed | Change::Purge { .. } => {}
            }
        }
    }
}

impl Drop for Writer {
    /// A thread that panics must not leave anybody waiting.
    fn drop(&mut self) {
        if !self.ended {
            self.shared.fail(Error::Closed);
        }
    }
}
