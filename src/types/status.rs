//! How a node is, and what `init` made.

use super::identity::{ClusterId, Incarnation, NodeId};
use super::number::{History, LogIndex, MachineVersion};
use super::time::LogTime;

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStatus {
    /// Its number.
    pub node: NodeId,
    /// Its cluster; none before `init`.
    pub cluster: Option<ClusterId>,
    /// The life of its data directory.
    pub incarnation: Incarnation,
    /// Of the program.
    pub version: String,
    /// The rules by which entries are decided.
    pub machine_version: MachineVersion,
    /// The newest rules that the program knows.
    pub machine_version_known: MachineVersion,
    /// What it is in its cluster.
    pub role: Role,
    /// Its term.
    pub term: u64,
    /// The leader that it knows.
    pub leader: Option<NodeId>,
    /// Where clients reach that leader.
    pub leader_address: Option<String>,
    /// The last entry in the Raft log.
    pub last: LogIndex,
    /// The last entry known to be committed.
    pub committed: LogIndex,
    /// The last entry applied.
    pub applied: LogIndex,
    /// The last entry that a snapshot holds.
    pub snapshot: LogIndex,
    /// The last entry purged from the log.
    pub purged: LogIndex,
    /// The digest at `applied`, as text.
    pub digest: String,
    /// Digests that were remembered.
    pub digests: Vec<DigestAt>,
    /// The cluster's history.
    pub history: History,
    /// The greatest stamp applied.
    pub clock: LogTime,
    /// Who belongs to the cluster.
    pub members: Vec<MemberStatus>,
    /// What it has on disk.
    pub sizes: Sizes,
    /// What it has done since it started.
    pub counters: Counters,
    /// Whether it serves clients: it knows a leader and has caught up.
    pub serving: bool,
    /// What is wrong, in a sentence.
    pub problem: Option<String>,
}

/// What a node is in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Not in a cluster yet: `init` has not been run.
    Empty,
    /// It follows without a vote.
    Learner,
    /// It follows.
    Follower,
    /// It stands for election.
    Candidate,
    /// It leads.
    Leader,
    /// Set aside: its data is damaged or it disagrees with the majority.
    Aside,
}

impl Role {
    /// The word for people and scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Learner => "learner",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
            Self::Aside => "aside",
        }
    }
}

/// A digest that was remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DigestAt {
    /// The entry.
    pub index: LogIndex,
    /// The digest after it, as text.
    pub digest: String,
}

/// A member as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberStatus {
    /// Its number.
    pub node: NodeId,
    /// Where other nodes reach it.
    pub peer_address: String,
    /// Where clients reach it.
    pub client_address: String,
    /// The life of its data directory.
    pub incarnation: Incarnation,
    /// Whether it votes.
    pub voter: bool,
}

/// Bytes on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// The Raft log.
    pub raft_bytes: u64,
    /// The state.
    pub state_bytes: u64,
    /// The snapshots.
    pub snapshot_bytes: u64,
}

/// What a node has done since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Syncs of the Raft log.
    pub log_syncs: u64,
    /// Entries written to it.
    pub log_entries: u64,
    /// Bytes written to it.
    pub log_bytes: u64,
    /// Commands that got an outcome.
    pub decided: u64,
    /// Commands that had one.
    pub replayed: u64,
    /// Commands turned away.
    pub rejected: u64,
    /// Processor time of the node's process, in milliseconds.
    pub cpu_ms: u64,
    /// Bytes that the node's process had written to disks, compactions included.
    pub written_bytes: u64,
}

/// What `init` made, or had made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Founded {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its history.
    pub history: History,
    /// Its members.
    pub members: Vec<MemberStatus>,
    /// Whether it was there already.
    pub already: bool,
}

/// What a forced snapshot did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshotted {
    /// The last entry that the snapshot holds.
    pub snapshot: LogIndex,
    /// The last entry purged from the log.
    pub purged: LogIndex,
}
