//! Who this node is, and which connections it accepts.
//!
//! - A connection names its cluster and both of its ends. Another cluster, or an identity that is not this node's own, is
//!   refused; a sender only if this node's membership holds its id under another incarnation. Unknown ids are served, or a
//!   live majority could be dead after a membership change.
//! - A node without a cluster adopts one with the first Raft message addressed to its incarnation, synced before the
//!   message is handled.

use std::sync::OnceLock;

use crate::store::crash_point::{self, Point, point};
use crate::store::identity::{self, DataDirectory, InitPlan};
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{ClusterId, Incarnation, Membership, NodeId};

/// Names both ends of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's cluster.
    pub cluster: ClusterId,
    /// The sender.
    pub sender: NodeId,
    /// The sender's incarnation.
    pub sender_incarnation: Incarnation,
    /// Whom the sender means to reach.
    pub addressee: NodeId,
    /// Its incarnation, as the sender's membership has it.
    pub addressee_incarnation: Incarnation,
}

/// Why a connection was refused. Each sentence says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The ends belong to different clusters.
    #[error(
        "this node belongs to cluster {here}, the sender to cluster {there}. Check the addresses of both. To move a node to \
         another cluster, give it an empty data directory and a node id that was never used"
    )]
    OtherCluster {
        /// This node's cluster.
        here: ClusterId,
        /// The sender's.
        there: ClusterId,
    },
    /// The sender means another node.
    #[error("this is node {here}, not node {meant}: the address of node {meant} leads to the wrong process")]
    OtherNode {
        /// This node.
        here: NodeId,
        /// Who was meant.
        meant: NodeId,
    },
    /// The sender knows this node under another life of its data directory.
    #[error(
        "the cluster knows node {node} as incarnation {meant}, but its data directory is {here}: it was wiped or replaced. \
         A wiped node must not vote again under its old id. Put the old data directory back, or start the node with a new \
         node id and an empty directory"
    )]
    OtherIncarnation {
        /// This node.
        node: NodeId,
        /// This node's incarnation.
        here: Incarnation,
        /// The one that was meant.
        meant: Incarnation,
    },
    /// The sender's data directory is not the one that the cluster admitted.
    #[error(
        "the cluster admitted node {sender} as incarnation {admitted}, but the sender is {found}: its data directory was \
         wiped or replaced. Put the old one back, or start it with a new node id and an empty directory"
    )]
    SenderReplaced {
        /// The sender.
        sender: NodeId,
        /// The incarnation in this node's membership.
        admitted: Incarnation,
        /// The sender's.
        found: Incarnation,
    },
    /// This node has no cluster yet, and the message is not one to adopt a cluster with.
    #[error("this node is not in a cluster yet: run `oncelog init` once, or wait until a leader reaches it")]
    NoClusterYet,
}

/// This node's identity, shared by all who check or show it.
pub struct LocalIdentity {
    node_id: NodeId,
    incarnation: Incarnation,
    /// As it is on disk: set after it was stored, and then for ever.
    cluster: OnceLock<ClusterId>,
    stored: DataDirectory,
}

impl LocalIdentity {
    /// Wraps what the data directory holds.
    pub fn new(stored: DataDirectory) -> Self {
        let identity = stored.identity();
        let cluster = identity.cluster_id.map_or_else(OnceLock::new, OnceLock::from);
        Self { node_id: identity.node_id, incarnation: identity.incarnation, cluster, stored }
    }

    /// The node's id.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// The life of the data directory.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The cluster, once there is one.
    pub fn cluster_id(&self) -> Option<ClusterId> {
        self.cluster.get().copied()
    }

    /// What an earlier `init` decided.
    pub fn plan(&self) -> Option<InitPlan> {
        self.stored.identity().plan
    }

    /// A crash point of a step that makes this node part of a cluster.
    pub(super) fn reached(&self, point: Point) {
        crash_point::reached(self.stored.path(), point);
    }

    /// Stores a new cluster and who is to be in it, before anything is sent to anyone.
    pub fn found_cluster(&self, cluster: ClusterId, plan: InitPlan) -> Result<(), identity::Error> {
        self.reached(point::INIT_BEGUN);
        self.stored.set_cluster_and_plan(cluster, plan)?;
        self.reached(point::INIT_STORED);
        self.cluster.get_or_init(|| cluster);
        Ok(())
    }

    /// Stores the cluster of the first Raft message addressed to this incarnation. A node that has one takes no other.
    pub fn adopt(&self, cluster: ClusterId) -> Result<(), identity::Error> {
        self.reached(point::ADOPT_BEGUN);
        self.stored.set_cluster(cluster)?;
        self.reached(point::ADOPT_STORED);
        self.cluster.get_or_init(|| cluster);
        Ok(())
    }

    /// Checks a connection. `Ok(false)`: it is good, and this node has to adopt its cluster first.
    pub fn check(&self, envelope: &Envelope, membership: &Membership) -> Result<bool, Refused> {
        let cluster = self.cluster_id();
        if let Some(here) = cluster.filter(|here| *here != envelope.cluster) {
            return Err(Refused::OtherCluster { here, there: envelope.cluster });
        }
        if envelope.addressee != self.node_id {
            return Err(Refused::OtherNode { here: self.node_id, meant: envelope.addressee });
        }
        if seeded(Bug::ReusedNodeId) {
            // A wiped node votes as if it remembered what it had promised.
            return Ok(cluster.is_some());
        }
        if envelope.addressee_incarnation != self.incarnation {
            return Err(Refused::OtherIncarnation {
                node: self.node_id,
                here: self.incarnation,
                meant: envelope.addressee_incarnation,
            });
        }
        match membership.members.get(&envelope.sender) {
            Some(member) if member.incarnation != envelope.sender_incarnation => Err(Refused::SenderReplaced {
                sender: envelope.sender,
                admitted: member.incarnation,
                found: envelope.sender_incarnation,
            }),
            Some(_) | None => Ok(cluster.is_some()),
        }
    }
}
