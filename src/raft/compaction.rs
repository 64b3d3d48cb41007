//! Snapshots by how much was written: openraft makes one after a number of entries, and entries differ in size by a factor
//! of ten thousand. Without this a busy node's log would grow to hundreds of gigabytes before it is cut.

use std::time::Duration;

use super::handle::Raft;

/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks for a snapshot whenever so many bytes of entries were written since the last was asked for. The log is purged
/// behind it as behind any other.
pub(super) fn keep_log_short(raft: &Raft, snapshot_bytes: u64) {
    let weak = raft.downgrade();
    // What an earlier life of this node has left in the log counts, too.
    let left = raft.log().size_on_disk();
    let task = async move {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut due = Due { snapshot_bytes, asked_at: 0 };
        loop {
            ticks.tick().await;
            let Some(raft) = weak.upgrade() else { return };
            if due.is_now(left.saturating_add(raft.log().counters().bytes))
                && raft.core().trigger().snapshot().await.is_err()
            {
                // Raft has stopped.
                return;
            }
        }
    };
    raft.inner().background.lock().expect("no holder of the tasks panics").spawn(task);
}

/// When the next snapshot is due.
struct Due {
    snapshot_bytes: u64,
    /// How much had been written when the last was asked for.
    asked_at: u64,
}

impl Due {
    fn is_now(&mut self, written: u64) -> bool {
        let is_due = written.saturating_sub(self.asked_at) >= self.snapshot_bytes;
        if is_due {
            self.asked_at = written;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_due_once_for_every_so_many_bytes() {
        let mut due = Due { snapshot_bytes: 100, asked_at: 0 };
        let asked: Vec<_> = [99, 100, 150, 199, 230, 231].map(|written| due.is_now(written)).into();
        assert_eq!(asked, [false, true, false, false, true, false]);
    }
}
