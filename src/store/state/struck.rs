//! What seeded bugs do to the applying of marked entries; in other builds nothing is.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::done::{Done, Torn};
use super::error::Error;
use super::generation::Generation;
use crate::types::seeded_bug::{Bug, is_marked, seeded};
use crate::types::{EntryKind, LogEntry};

/// How long a replica is behind the others, for bugs that show what is old.
const BEHIND: Duration = Duration::from_secs(3);
/// From one time to the next, or a replica under a load would never come up with the others.
const BETWEEN: Duration = Duration::from_secs(10);

/// The bug that strikes at one of these entries, if there is one.
pub(super) fn struck(entries: &[LogEntry]) -> Option<Bug> {
    let bugs =
        [Bug::IndexApartFromEffects, Bug::IdsWithoutIndex, Bug::ReadsWithoutReadIndex, Bug::LocalReadsWhileRecovering];
    let bug = bugs.into_iter().find(|bug| seeded(*bug))?;
    let is_marked = |entry: &LogEntry| matches!(&entry.kind, EntryKind::Batch(bytes) if is_marked(bytes));
    entries.iter().any(is_marked).then_some(bug)
}

/// Does to the coming write what the bug does.
pub(super) fn strike(bug: Bug, generation: &Generation, done: &Done) -> Result<(), Error> {
    match bug {
        // A crash between the two leaves a replica that takes the entry for done and lacks what it does.
        Bug::IndexApartFromEffects => crash_after(generation, done, Torn::Index),
        // A crash between the two leaves a replica that takes the commands for done when it applies the entry again.
        Bug::IdsWithoutIndex if done.ids.is_empty() => Ok(()),
        Bug::IdsWithoutIndex => crash_after(generation, done, Torn::Ids),
        _ => {
            fall_behind();
            Ok(())
        }
    }
}

fn fall_behind() {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| last.elapsed() >= BETWEEN) {
        std::thread::sleep(BEHIND);
        *last = Some(Instant::now());
    }
}

fn crash_after(generation: &Generation, done: &Done, part: Torn) -> Result<(), Error> {
    generation.write(done.torn_batch(generation, part))?;
    generation.flush()?;
    std::process::abort();
}
