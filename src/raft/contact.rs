//! When this node last heard a leader, and whether what it hears makes sense.
//!
//! A leader that knows that this node acknowledged an entry keeps asking for what follows it. A node whose log lacks that
//! entry can only say *conflict*, again and again: its data directory is an older copy, and it must not vote, because
//! what it forgot may be committed.

use std::sync::Mutex;
use std::time::Duration;

use openraft::raft::{StreamAppendError, StreamAppendResult};
use tokio::time::Instant;

use crate::types::limits::{CONFLICTS_PROVING_LOSS_LAST, CONFLICTS_PROVING_LOSS_MIN};

use super::type_config::{RaftLogId, TypeConfig};

/// What was heard.
#[derive(Default)]
pub(super) struct Contact {
    heard: Mutex<Option<Instant>>,
    conflicts: Mutex<Option<Conflicts>>,
}

struct Conflicts {
    /// The entry that is asked for. A leader that searches asks for another each time.
    at: RaftLogId,
    since: Instant,
    count: u32,
}

impl Contact {
    /// A leader sent something.
    pub(super) fn leader_heard(&self) {
        *self.heard.lock().expect("nobody panics while it is held") = Some(Instant::now());
    }

    /// Whether a leader was heard within this time.
    pub(super) fn is_within(&self, limit: Duration) -> bool {
        self.heard.lock().expect("nobody panics while it is held").is_some_and(|at| at.elapsed() < limit)
    }

    /// Takes in what this node answered. `true`: it has answered nothing but conflicts at one entry for so long that its log must be an
    /// older copy.
    pub(super) fn has_lost_entries(&self, answer: &StreamAppendResult<TypeConfig>) -> bool {
        let mut conflicts = self.conflicts.lock().expect("nobody panics while it is held");
        let Err(StreamAppendError::Conflict(at)) = answer else {
            *conflicts = None;
            return false;
        };
        if conflicts.as_ref().is_none_or(|row| row.at != *at) {
            *conflicts = Some(Conflicts { at: *at, since: Instant::now(), count: 0 });
        }
        let Some(row) = conflicts.as_mut() else { return false };
        row.count += 1;
        row.count >= CONFLICTS_PROVING_LOSS_MIN && row.since.elapsed() >= CONFLICTS_PROVING_LOSS_LAST
    }
}
