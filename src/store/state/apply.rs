//! Applies entries: fetch what they may read, decide in memory, write once.
//!
//! - Entries follow each other without a gap, from the one after the last applied on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::done::Done;
use super::error::Error;
use super::fetch::Hot;
use super::struck::{strike, struck};
use super::{State, keys, lock};
use crate::machine::{Batch, knows};
use crate::store::crash_point::{fault, point, reached};
use crate::types::seeded_bug::{Bug, is_marked, local_clock, seeded};
use crate::types::{Answer, EntryKind, LogEntry, LogId, LogIndex, Membership};

/// An entry that this build can apply.
pub(super) struct Step {
    pub(super) id: LogId,
    pub(super) work: Work,
}

/// What it asks for.
pub(super) enum Work {
    Nothing,
    Admit(Membership),
    Decide(Batch),
}

impl State {
    /// Applies entries that follow on what is applied, all in one write. Returns for each entry an answer to each of its
    /// proposals.
    ///
    /// An entry that this build can't read stops it: those before it are applied, and it and those after it are not.
    pub fn apply(&self, entries: Vec<LogEntry>) -> Result<Vec<Vec<Answer>>, Error> {
        let mut hot = lock(&self.inner.hot);
        self.inner.health.check()?;
        let (generation, before, digests) = {
            let current = self.current();
            (current.generation.clone(), current.applied.clone(), current.digests.clone())
        };
        if !self.inner.options.allow_gaps {
            check_dense(before.log_id, &entries)?;
        }
        let struck = struck(&entries);
        let (steps, unreadable) = read_all(entries);
        let answers = if steps.is_empty() {
            Vec::new()
        } else {
            let root = self.inner.directory.root();
            let done = self.inner.health.must(|| {
                let batches = steps.iter().filter_map(|step| match &step.work {
                    Work::Decide(batch) => Some(batch),
                    Work::Nothing | Work::Admit(_) => None,
                });
                let term = |log_id: LogId| log_id.term;
                if seeded(Bug::DedupOfOneLeader) && steps.last().map(|step| term(step.id)) != before.log_id.map(term) {
                    // A retry that comes to the next leader runs again.
                    generation.forget_ids()?;
                }
                let overlay = hot.fetch(&generation, before.globals, batches)?;
                let done = Done::decide(steps, overlay, (*before).clone(), digests);
                if let Some(bug) = struck {
                    strike(bug, &generation, &done)?;
                }
                let batch = done.batch(&generation);
                reached(root, point::APPLY_BEFORE);
                fault(root, point::APPLY_WRITE)?;
                generation.write(batch)?;
                reached(root, point::APPLY_WRITTEN);
                hot.take_due(&generation, &done.due)?;
                Ok(done)
            })?;
            self.publish(&mut hot, done)
        };
        match unreadable {
            None => Ok(answers),
            Some(error) => Err(error),
        }
    }

    fn publish(&self, hot: &mut Hot, mut done: Done) -> Vec<Vec<Answer>> {
        done.hand_over(&self.inner.recent);
        let counts = &self.inner.counts;
        for answer in done.answers.iter().flatten() {
            let count = match answer {
                Answer::Decided { replayed: false, .. } => &counts.decided,
                Answer::Decided { replayed: true, .. } => &counts.replayed,
                Answer::Rejected(_) => &counts.rejected,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        let index = done.applied.log_id.map(|log_id| log_id.index);
        {
            let mut current = self.current();
            current.applied = Arc::new(done.applied);
            current.digests = done.digests;
            current.next_due = hot.next_due();
        }
        self.inner.applied_index.send_replace(index);
        let logs = done.logs.keys().chain(done.deleted_logs.keys());
        self.inner.row_changes.tell(logs.map(|(space, name)| keys::log(*space, name)));
        self.inner.row_changes.tell(done.watched.keys());
        self.inner.id_changes.tell(done.ids.iter().map(|(key, _)| key));
        for (space, (from, below)) in done.forgotten {
            self.inner.id_changes.tell_range(&keys::ids_born(space, from, below));
        }
        for (number, _) in done.deleted_spaces.values() {
            self.inner.id_changes.tell_range(&keys::numbered(*number));
            for range in &keys::small_of(*number) {
                self.inner.row_changes.tell_range(range);
            }
        }
        for (space, name) in done.deleted_logs.into_keys() {
            hot.forget_log(space, name);
        }
        hot.remember(done.spaces, done.logs);
        for (name, (number, _)) in &done.deleted_spaces {
            hot.forget_space(name, *number);
        }
        done.answers
    }
}

fn check_dense(applied: Option<LogId>, entries: &[LogEntry]) -> Result<(), Error> {
    let mut last = applied;
    for entry in entries {
        let follows = match last {
            None => entry.id.index == LogIndex(0),
            Some(last) => entry.id.index == last.index.next() && entry.id > last,
        };
        if !follows {
            return Err(Error::NotNext { applied: last, found: entry.id });
        }
        last = Some(entry.id);
    }
    Ok(())
}

/// The entries up to the first that this build can't read, and why it can't.
fn read_all(entries: Vec<LogEntry>) -> (Vec<Step>, Option<Error>) {
    let mut steps = Vec::with_capacity(entries.len());
    for entry in entries {
        let work = match entry.kind {
            EntryKind::Blank => Work::Nothing,
            EntryKind::Membership(membership) => Work::Admit(membership),
            // One replica without it, and they are no replicas.
            EntryKind::Batch(bytes) if seeded(Bug::SkippedEntry) && is_marked(&bytes) => Work::Nothing,
            EntryKind::Batch(bytes) => {
                let place = || format!("entry {}", entry.id);
                let version = match Batch::peek_version(&bytes) {
                    Ok(version) => version,
                    Err(error) => return (steps, Some(Error::corrupt(place(), error.to_string()))),
                };
                if !knows(version) {
                    return (steps, Some(Error::UnknownVersion { entry: entry.id, version }));
                }
                match Batch::decode(bytes) {
                    // What expires here is still there elsewhere.
                    Ok(batch) if seeded(Bug::ExpiryByLocalClock) => {
                        Work::Decide(Batch { stamp: local_clock(), ..batch })
                    }
                    Ok(batch) => Work::Decide(batch),
                    Err(error) => return (steps, Some(Error::corrupt(place(), error.to_string()))),
                }
            }
        };
        steps.push(Step { id: entry.id, work });
    }
    (steps, None)
}
