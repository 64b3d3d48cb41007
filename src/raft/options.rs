//! How Raft is timed and when its log is cut.

use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, SnapshotPolicy};

use crate::types::LogTime;

/// Heartbeats and elections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How often a leader is heard.
    pub heartbeat: Duration,
    /// A follower campaigns after the longest election timeout plus one sampled between both.
    pub election_timeout_min: Duration,
    /// See `election_timeout_min`.
    pub election_timeout_max: Duration,
}

/// Where this node is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// By other nodes.
    pub peer: String,
    /// By clients.
    pub client: String,
}

/// Reads this machine's wall clock.
pub type WallClock = Arc<dyn Fn() -> LogTime + Send + Sync>;

/// What a node's Raft is started with.
#[derive(Clone)]
pub struct Options {
    /// Heartbeats and elections.
    pub timing: Timing,
    /// A snapshot is made after this many entries.
    pub snapshot_entries: u64,
    /// Or after this many bytes of them.
    pub snapshot_bytes: u64,
    /// This many entries stay in the log behind a snapshot, for followers that lag a little.
    pub keep_entries: u64,
    /// Where this node is reached.
    pub addresses: Addresses,
    /// The wall clock that other nodes are told.
    pub wall_clock: WallClock,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Options {
    pub(super) fn config(&self) -> Result<Config, openraft::ConfigError> {
        let Timing { heartbeat, election_timeout_min, election_timeout_max } = self.timing;
        let config = Config {
            cluster_name: "oncelog".to_owned(),
            heartbeat_interval: ms(heartbeat),
            election_timeout_min: ms(election_timeout_min),
            election_timeout_max: ms(election_timeout_max),
            // Without a quorum a leader must fall silent for longer than a lease, or it would keep a majority that it
            // can reach only one way from electing another.
            quorum_loss_probe_interval: Some(3 * ms(election_timeout_max)),
            enable_pre_vote: Some(true),
            // A restarted leader may have a state behind what it once answered: it has to win an election first.
            enable_leader_restore: Some(false),
            allow_log_reversion: Some(false),
            max_payload_entries: 256,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_entries),
            max_in_snapshot_log_to_keep: self.keep_entries,
            purge_batch_size: 1,
            // Entries are cheaper than a snapshot as long as the log still has them.
            replication_lag_threshold: u64::MAX,
            backoff: "50ms 100ms 200ms ...500ms".to_owned(),
            ..Config::default()
        };
        config.validate()
    }
}
