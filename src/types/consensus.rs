//! The words of consensus as this project stores and sends them, apart from any library's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;

use super::identity::{Incarnation, NodeId};
use super::number::{History, LogIndex};

/// The name of an entry: who led, in which term, and its index. Ordered as Raft orders entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    pub node: NodeId,
    /// The place in the log.
    pub index: LogIndex,
}

impl fmt::Display for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "T{}-N{}.{}", self.term, self.node, self.index)
    }
}

/// A vote: for whom, in which term, and whether a majority gave the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vote {
    /// The term.
    pub term: u64,
    /// The candidate.
    pub node: NodeId,
    /// Whether the candidate became the leader.
    pub committed: bool,
}

/// An entry of the Raft log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its name.
    pub id: LogId,
    /// What it holds.
    pub kind: EntryKind,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// Nothing; a new leader's first entry.
    Blank,
    /// Commands, as `machine::Batch` encodes them.
    Batch(Bytes),
    /// Who belongs to the cluster from here on.
    Membership(Membership),
}

/// Who belongs to the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The voters: one set, or two while a change is under way.
    pub configs: Vec<BTreeSet<NodeId>>,
    /// Every member, voter or learner.
    pub members: BTreeMap<NodeId, Member>,
}

/// One member of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Where other nodes reach it.
    pub peer_address: String,
    /// Where clients reach it.
    pub client_address: String,
    /// The life of its data directory.
    pub incarnation: Incarnation,
    /// The cluster's history when it was admitted; the greatest of all is the cluster's.
    pub history: History,
}

/// A membership and the entry that it came with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredMembership {
    /// The entry; none before `init`.
    pub log_id: Option<LogId>,
    /// The membership.
    pub membership: Membership,
}
