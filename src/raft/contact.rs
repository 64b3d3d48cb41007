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
    /// The earliest entry that was asked for. A leader that searches asks for an earlier one each time; one that does not asks
    /// here for this, there for one a little later: its heartbeats and its replication each go by what they know.
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

    /// Takes in an answer of this node. Returns true once its log must be an older copy: for five seconds every answer was a
    /// conflict, at one entry or later ones.
    pub(super) fn has_lost_entries(&self, answer: &StreamAppendResult<TypeConfig>) -> bool {
        let mut conflicts = self.conflicts.lock().expect("nobody panics while it is held");
        let Err(StreamAppendError::Conflict(at)) = answer else {
            *conflicts = None;
            return false;
        };
        if conflicts.as_ref().is_none_or(|row| *at < row.at) {
            *conflicts = Some(Conflicts { at: *at, since: Instant::now(), count: 0 });
        }
        let Some(row) = conflicts.as_mut() else { return false };
        row.count += 1;
        row.count >= CONFLICTS_PROVING_LOSS_MIN && row.since.elapsed() >= CONFLICTS_PROVING_LOSS_LAST
    }
}

#[cfg(test)]
mod tests {
    use super::super::type_config::raft_log_id;
    use super::*;
    use crate::types::{LogId, LogIndex, NodeId};

    fn conflict(index: u64) -> StreamAppendResult<TypeConfig> {
        let id = LogId { term: 1, node: NodeId(1), index: LogIndex(index) };
        Err(StreamAppendError::Conflict(raft_log_id(id)))
    }

    /// Answers one conflict after the other in so long a time, and says whether the last proves a loss.
    fn after(conflicts: &[u64], lasted: Duration) -> bool {
        let contact = Contact::default();
        let mut lost = false;
        for (position, index) in conflicts.iter().enumerate() {
            lost = contact.has_lost_entries(&conflict(*index));
            if position == 0 {
                let mut row = contact.conflicts.lock().unwrap();
                let row = row.as_mut().unwrap();
                row.since -= lasted;
            }
        }
        lost
    }

    #[test]
    fn conflicts_at_one_entry_and_later_ones_prove_a_loss_in_time() {
        let last = CONFLICTS_PROVING_LOSS_LAST;
        let (same, apart): (Vec<u64>, Vec<u64>) =
            ((0..20).map(|_| 9).collect(), (0..20).map(|step| 9 + step % 2).collect());
        assert!(after(&same, last));
        assert!(after(&apart, last), "heartbeats ask for another entry than replication does");
        assert!(!after(&same, last / 2), "too soon");
        assert!(!after(&same[..5], last), "too few");
        let searching: Vec<u64> = (0..20).map(|step| 100 - step).collect();
        assert!(!after(&searching, last), "a leader that searches");
    }

    #[test]
    fn an_entry_that_is_taken_begins_anew() {
        let contact = Contact::default();
        for _ in 0..20 {
            contact.has_lost_entries(&conflict(9));
        }
        assert!(contact.conflicts.lock().unwrap().is_some());
        contact.has_lost_entries(&Ok(None));
        assert!(contact.conflicts.lock().unwrap().is_none());
    }
}
