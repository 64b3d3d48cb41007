//! What operators ask of a node: how it is, a cluster, a snapshot.

use std::collections::BTreeMap;

use crate::raft::{self, InitError, Raft, SnapshotError};
use crate::types::{
    Counters, DigestAt, Founded, MachineVersion, Member, MemberStatus, Membership, NodeId, NodeStatus, Role, Sizes,
    Snapshotted,
};

use super::Engine;
use super::process;

impl Engine {
    /// How this node is.
    pub fn status(&self) -> NodeStatus {
        let raft = self.raft();
        let status = raft.status();
        let applied = raft.state().applied();
        let (log, state) = (raft.log().counters(), raft.state().counters());
        let leader_address = status.leader.and_then(|id| status.membership.members.get(&id));
        NodeStatus {
            node: raft.local().node_id(),
            cluster: raft.local().cluster_id(),
            incarnation: raft.local().incarnation(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine_version: applied.globals.version,
            machine_version_known: MachineVersion::CURRENT,
            role: role(status.role),
            term: status.term,
            leader: status.leader,
            leader_address: leader_address.map(|member| member.client_address.clone()),
            last: status.last,
            committed: status.committed,
            applied: applied.log_id.map(|id| id.index).unwrap_or_default(),
            snapshot: status.snapshot,
            purged: status.purged,
            digest: applied.digest.to_string(),
            digests: digests(raft),
            history: applied.globals.history,
            clock: applied.globals.clock,
            members: members(&status.membership.members, &status.membership),
            sizes: Sizes {
                raft_bytes: raft.log().size_on_disk(),
                state_bytes: raft.state().size_on_disk(),
                snapshot_bytes: raft.state().snapshot_size(),
            },
            counters: Counters {
                log_syncs: log.syncs,
                log_entries: log.entries,
                log_bytes: log.bytes,
                decided: state.decided,
                replayed: state.replayed,
                rejected: state.rejected,
                cpu_ms: process::cpu_ms(),
                written_bytes: process::written_bytes(),
            },
            serving: status.serving,
            problem: status.problem,
        }
    }

    /// Where clients reach the leader, if another node leads.
    pub fn leader_elsewhere(&self) -> Option<String> {
        let leader = self.raft().leader().filter(|leader| *leader != self.raft().local().node_id())?;
        self.raft().member(leader).map(|member| member.client_address)
    }

    /// Whether this node belongs to a cluster.
    pub fn is_initialised(&self) -> bool {
        self.raft().local().cluster_id().is_some()
    }

    /// What is wrong with this node, if anything is.
    pub fn problem(&self) -> Option<String> {
        self.raft().problem()
    }

    /// Makes a cluster of this node and its empty peers, once.
    pub async fn init(&self, peers: &[String]) -> Result<Founded, InitError> {
        let made = raft::init(self.raft(), peers).await?;
        Ok(Founded {
            cluster: made.cluster,
            history: made.history,
            members: members(&made.members, &Membership::default()),
            already: made.already,
        })
    }

    /// Makes a snapshot and purges the log behind it.
    pub async fn snapshot(&self) -> Result<Snapshotted, SnapshotError> {
        let (snapshot, purged) = self.raft().snapshot().await?;
        Ok(Snapshotted { snapshot, purged })
    }
}

fn digests(raft: &Raft) -> Vec<DigestAt> {
    let remembered = raft.state().last_remembered_digests();
    remembered.into_iter().map(|(index, digest)| DigestAt { index, digest: digest.to_string() }).collect()
}

fn role(role: raft::Role) -> Role {
    match role {
        raft::Role::Empty => Role::Empty,
        raft::Role::Learner => Role::Learner,
        raft::Role::Follower => Role::Follower,
        raft::Role::Candidate => Role::Candidate,
        raft::Role::Leader => Role::Leader,
    }
}

fn members(members: &BTreeMap<NodeId, Member>, membership: &Membership) -> Vec<MemberStatus> {
    let votes =
        |id: &NodeId| membership.configs.is_empty() || membership.configs.iter().any(|voters| voters.contains(id));
    let status = |(id, member): (&NodeId, &Member)| MemberStatus {
        node: *id,
        peer_address: member.peer_address.clone(),
        client_address: member.client_address.clone(),
        incarnation: member.incarnation,
        voter: votes(id),
    };
    members.iter().map(status).collect()
}
