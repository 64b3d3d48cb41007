//! What operators get ⇄ messages. None is 0 or empty there.

use crate::types::{
    ClusterId, Counters, DigestAt, Founded, History, Incarnation, LogIndex, MachineVersion, MemberStatus, NodeId,
    NodeStatus, Role, Sizes, Snapshotted,
};

use super::outcome::{Unreadable, time};
use super::v1;

/// How a node is, to be sent.
pub fn status_response(status: &NodeStatus) -> v1::StatusResponse {
    v1::StatusResponse {
        node_id: status.node.0,
        cluster_id: status.cluster.map(|cluster| cluster.to_string()).unwrap_or_default(),
        incarnation: status.incarnation.to_string(),
        version: status.version.clone(),
        machine_version: status.machine_version.0.into(),
        machine_version_known: status.machine_version_known.0.into(),
        role: role_message(status.role).into(),
        term: status.term,
        leader_id: status.leader.map_or(0, |leader| leader.0),
        leader_address: status.leader_address.clone().unwrap_or_default(),
        last_index: status.last.0,
        committed_index: status.committed.0,
        applied_index: status.applied.0,
        snapshot_index: status.snapshot.0,
        purged_index: status.purged.0,
        digest: status.digest.clone(),
        digests: status
            .digests
            .iter()
            .map(|at| v1::DigestAt { index: at.index.0, digest: at.digest.clone() })
            .collect(),
        history: status.history.0,
        clock_ms: status.clock.as_ms(),
        members: status.members.iter().map(member_message).collect(),
        sizes: Some(v1::Sizes {
            raft_bytes: status.sizes.raft_bytes,
            state_bytes: status.sizes.state_bytes,
            snapshot_bytes: status.sizes.snapshot_bytes,
        }),
        counters: Some(v1::Counters {
            log_syncs: status.counters.log_syncs,
            log_entries: status.counters.log_entries,
            log_bytes: status.counters.log_bytes,
            decided: status.counters.decided,
            replayed: status.counters.replayed,
            rejected: status.counters.rejected,
            cpu_ms: status.counters.cpu_ms,
            written_bytes: status.counters.written_bytes,
        }),
        serving: status.serving,
        problem: status.problem.clone().unwrap_or_default(),
    }
}

/// How a node is, as received.
pub fn node_status(message: v1::StatusResponse) -> Result<NodeStatus, Unreadable> {
    let sizes = message.sizes.unwrap_or_default();
    let counters = message.counters.unwrap_or_default();
    Ok(NodeStatus {
        node: NodeId(message.node_id),
        cluster: text(message.cluster_id).map(|text| cluster(&text)).transpose()?,
        incarnation: incarnation(&message.incarnation)?,
        version: message.version,
        machine_version: machine_version(message.machine_version)?,
        machine_version_known: machine_version(message.machine_version_known)?,
        role: role(message.role)?,
        term: message.term,
        leader: (message.leader_id != 0).then_some(NodeId(message.leader_id)),
        leader_address: text(message.leader_address),
        last: LogIndex(message.last_index),
        committed: LogIndex(message.committed_index),
        applied: LogIndex(message.applied_index),
        snapshot: LogIndex(message.snapshot_index),
        purged: LogIndex(message.purged_index),
        digest: message.digest,
        digests: message
            .digests
            .into_iter()
            .map(|at| DigestAt { index: LogIndex(at.index), digest: at.digest })
            .collect(),
        history: History(message.history),
        clock: time(message.clock_ms)?,
        members: message.members.into_iter().map(member).collect::<Result<_, _>>()?,
        sizes: Sizes {
            raft_bytes: sizes.raft_bytes,
            state_bytes: sizes.state_bytes,
            snapshot_bytes: sizes.snapshot_bytes,
        },
        counters: Counters {
            log_syncs: counters.log_syncs,
            log_entries: counters.log_entries,
            log_bytes: counters.log_bytes,
            decided: counters.decided,
            replayed: counters.replayed,
            rejected: counters.rejected,
            cpu_ms: counters.cpu_ms,
            written_bytes: counters.written_bytes,
        },
        serving: message.serving,
        problem: text(message.problem),
    })
}

/// What `init` made, to be sent.
pub fn init_response(founded: &Founded) -> v1::InitResponse {
    v1::InitResponse {
        cluster_id: founded.cluster.to_string(),
        history: founded.history.0,
        members: founded.members.iter().map(member_message).collect(),
        already: founded.already,
    }
}

/// What `init` made, as received.
pub fn founded(message: v1::InitResponse) -> Result<Founded, Unreadable> {
    Ok(Founded {
        cluster: cluster(&message.cluster_id)?,
        history: History(message.history),
        members: message.members.into_iter().map(member).collect::<Result<_, _>>()?,
        already: message.already,
    })
}

/// What a forced snapshot did, to be sent.
pub fn snapshot_response(done: Snapshotted) -> v1::SnapshotResponse {
    v1::SnapshotResponse { snapshot_index: done.snapshot.0, purged_index: done.purged.0 }
}

/// What a forced snapshot did, as received.
pub fn snapshotted(message: v1::SnapshotResponse) -> Snapshotted {
    Snapshotted { snapshot: LogIndex(message.snapshot_index), purged: LogIndex(message.purged_index) }
}

fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn cluster(text: &str) -> Result<ClusterId, Unreadable> {
    ClusterId::parse(text).ok_or(Unreadable("cluster id"))
}

fn incarnation(text: &str) -> Result<Incarnation, Unreadable> {
    Incarnation::parse(text).ok_or(Unreadable("incarnation"))
}

fn machine_version(message: u32) -> Result<MachineVersion, Unreadable> {
    u16::try_from(message).map(MachineVersion).map_err(|_| Unreadable("machine version"))
}

fn role_message(role: Role) -> v1::Role {
    match role {
        Role::Empty => v1::Role::Empty,
        Role::Learner => v1::Role::Learner,
        Role::Follower => v1::Role::Follower,
        Role::Candidate => v1::Role::Candidate,
        Role::Leader => v1::Role::Leader,
        Role::Aside => v1::Role::Aside,
    }
}

fn role(message: i32) -> Result<Role, Unreadable> {
    match v1::Role::try_from(message) {
        Ok(v1::Role::Empty) => Ok(Role::Empty),
        Ok(v1::Role::Learner) => Ok(Role::Learner),
        Ok(v1::Role::Follower) => Ok(Role::Follower),
        Ok(v1::Role::Candidate) => Ok(Role::Candidate),
        Ok(v1::Role::Leader) => Ok(Role::Leader),
        Ok(v1::Role::Aside) => Ok(Role::Aside),
        Ok(v1::Role::Unspecified) | Err(_) => Err(Unreadable("role")),
    }
}

fn member_message(member: &MemberStatus) -> v1::Member {
    v1::Member {
        node_id: member.node.0,
        peer_address: member.peer_address.clone(),
        client_address: member.client_address.clone(),
        incarnation: member.incarnation.to_string(),
        voter: member.voter,
    }
}

fn member(message: v1::Member) -> Result<MemberStatus, Unreadable> {
    Ok(MemberStatus {
        node: NodeId(message.node_id),
        incarnation: incarnation(&message.incarnation)?,
        peer_address: message.peer_address,
        client_address: message.client_address,
        voter: message.voter,
    })
}

#[cfg(test)]
mod tests {
    use crate::types::LogTime;

    use super::*;

    fn members() -> Vec<MemberStatus> {
        let member = |node: u64, voter| MemberStatus {
            node: NodeId(node),
            peer_address: format!("127.0.0.1:{}", 7_421 + node),
            client_address: format!("127.0.0.1:{}", 7_420 + node),
            incarnation: Incarnation::from_bytes([5; 16]),
            voter,
        };
        vec![member(1, true), member(2, false)]
    }

    fn status(role: Role) -> NodeStatus {
        NodeStatus {
            node: NodeId(2),
            cluster: Some(ClusterId::from_bytes([1; 16])),
            incarnation: Incarnation::from_bytes([2; 16]),
            version: "0.1.0".to_owned(),
            machine_version: MachineVersion(1),
            machine_version_known: MachineVersion(2),
            role,
            term: 3,
            leader: Some(NodeId(1)),
            leader_address: Some("127.0.0.1:7420".to_owned()),
            last: LogIndex(14),
            committed: LogIndex(13),
            applied: LogIndex(12),
            snapshot: LogIndex(11),
            purged: LogIndex(10),
            digest: "aa".to_owned(),
            digests: vec![DigestAt { index: LogIndex(1_024), digest: "bb".to_owned() }],
            history: History(7),
            clock: LogTime::from_ms(8).unwrap(),
            members: members(),
            sizes: Sizes { raft_bytes: 1, state_bytes: 2, snapshot_bytes: 3 },
            counters: Counters {
                log_syncs: 1,
                log_entries: 2,
                log_bytes: 3,
                decided: 4,
                replayed: 5,
                rejected: 6,
                cpu_ms: 7,
                written_bytes: 8,
            },
            serving: true,
            problem: Some("hm".to_owned()),
        }
    }

    #[test]
    fn every_status_comes_back() {
        for role in [Role::Empty, Role::Learner, Role::Follower, Role::Candidate, Role::Leader, Role::Aside] {
            assert_eq!(node_status(status_response(&status(role))), Ok(status(role)));
        }
        let bare =
            NodeStatus { cluster: None, leader: None, leader_address: None, problem: None, ..status(Role::Empty) };
        assert_eq!(node_status(status_response(&bare)), Ok(bare));
    }

    #[test]
    fn what_init_and_snapshot_did_comes_back() {
        let cluster = ClusterId::from_bytes([9; 16]);
        let whole = Founded { cluster, history: History(4), members: members(), already: true };
        assert_eq!(founded(init_response(&whole)), Ok(whole));
        let whole = Snapshotted { snapshot: LogIndex(6), purged: LogIndex(5) };
        assert_eq!(snapshotted(snapshot_response(whole)), whole);
    }
}
