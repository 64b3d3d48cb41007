//! The types that openraft is put together with, and their translation from and to our own words.
//!
//! Leader ids are of the kind that carries the node beside the term, so that a log id names who wrote it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::impls::leader_id_adv::LeaderId;
use tokio::sync::SetOnce;

use crate::types::{Answer, EntryKind, LogEntry, LogId, LogIndex, Member, Membership, NodeId, StoredMembership, Vote};

openraft::declare_raft_types!(
    /// oncelog's choice of types.
    pub(super) TypeConfig:
        D = EncodedBatch,
        R = Vec<Answer>,
        NodeId = NodeId,
        Node = Member,
        Term = u64,
        LeaderId = LeaderId<u64, NodeId>,
        AsyncRuntime = openraft_rt_tokio::TokioRuntime,
);

pub(super) type RaftLogId = openraft::alias::LogIdOf<TypeConfig>;
pub(super) type RaftVote = openraft::alias::VoteOf<TypeConfig>;
pub(super) type RaftEntry = openraft::alias::EntryOf<TypeConfig>;
pub(super) type RaftMembership = openraft::Membership<NodeId, Member>;
pub(super) type RaftStoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(super) type RaftSnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;

/// A batch as the machine encodes it: encoded once, and shared from then on.
#[derive(Clone)]
pub(super) struct EncodedBatch {
    bytes: Bytes,
    /// What the one who proposed it waits for. What came from another node, or from the disk, was proposed by nobody here.
    taken: Option<Taken>,
}

impl EncodedBatch {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, taken: None }
    }

    /// One to be proposed here, and what tells when the log takes it.
    pub(super) fn proposed(bytes: Bytes) -> (Self, Taken) {
        let taken = Taken::default();
        (Self { bytes, taken: Some(taken.clone()) }, taken)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whom to tell when the log has taken it.
    pub(super) fn taken(&self) -> Option<Taken> {
        self.taken.clone()
    }
}

/// Equal batches have equal bytes.
impl PartialEq for EncodedBatch {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for EncodedBatch {}

/// Tells once that a batch has its place in the log, or never will have one.
#[derive(Clone, Default)]
pub struct Taken(Arc<SetOnce<()>>);

impl Taken {
    /// It has, or never will.
    pub fn tell(&self) {
        let _told_before = self.0.set(());
    }

    /// Waits for it.
    pub async fn wait(&self) {
        self.0.wait().await;
    }
}

impl fmt::Debug for EncodedBatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "batch of {} bytes", self.bytes.len())
    }
}

impl fmt::Display for EncodedBatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

pub(super) fn log_id(id: &RaftLogId) -> LogId {
    LogId { term: id.leader_id.term, node: id.leader_id.node_id, index: LogIndex(id.index) }
}

pub(super) fn raft_log_id(id: LogId) -> RaftLogId {
    RaftLogId::new(LeaderId { term: id.term, node_id: id.node }, id.index.0)
}

pub(super) fn vote(vote: &RaftVote) -> Vote {
    Vote { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
}

pub(super) fn raft_vote(vote: Vote) -> RaftVote {
    RaftVote { leader_id: LeaderId { term: vote.term, node_id: vote.node }, committed: vote.committed }
}

pub(super) fn membership(membership: &RaftMembership) -> Membership {
    Membership {
        configs: membership.get_joint_config().clone(),
        members: membership.nodes().map(|(id, member)| (*id, member.clone())).collect(),
    }
}

/// Panics on a membership that openraft itself would not have made; such a one never passes a checksum.
pub(super) fn raft_membership(membership: Membership) -> RaftMembership {
    let members: BTreeMap<NodeId, Member> = membership.members;
    if membership.configs.is_empty() && members.is_empty() {
        return RaftMembership::default();
    }
    RaftMembership::new(membership.configs, members).expect("a stored membership names every voter")
}

pub(super) fn raft_stored_membership(stored: StoredMembership) -> RaftStoredMembership {
    RaftStoredMembership::new(stored.log_id.map(raft_log_id), raft_membership(stored.membership))
}

pub(super) fn entry(entry: RaftEntry) -> LogEntry {
    let kind = match entry.payload {
        EntryPayload::Blank => EntryKind::Blank,
        EntryPayload::Normal(batch) => EntryKind::Batch(batch.bytes),
        EntryPayload::Membership(raft) => EntryKind::Membership(membership(&raft)),
    };
    LogEntry { id: log_id(&entry.log_id), kind }
}

pub(super) fn raft_entry(entry: LogEntry) -> RaftEntry {
    let payload = match entry.kind {
        EntryKind::Blank => EntryPayload::Blank,
        EntryKind::Batch(bytes) => EntryPayload::Normal(EncodedBatch::new(bytes)),
        EntryKind::Membership(membership) => EntryPayload::Membership(raft_membership(membership)),
    };
    RaftEntry { log_id: raft_log_id(entry.id), payload }
}
