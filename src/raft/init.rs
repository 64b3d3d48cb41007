//! `init`: one node makes a cluster of itself and its empty peers.
//!
//! The cluster id and the members are stored before anyone is told; run again, it goes on with what it stored, so a crash
//! at any step leaves one cluster, never two.

use std::collections::BTreeMap;
use std::time::Duration;

use openraft::error::{InitializeError, RaftError};

use crate::store::crash_point::point;
use crate::store::identity::InitPlan;
use crate::types::{ClusterId, History, Incarnation, Member, NodeId};
use crate::wire::peer;

use super::handle::Raft;
use super::peers;

const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(5);

/// A cluster, as `init` made or found it.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its history.
    pub history: History,
    /// Its members.
    pub members: BTreeMap<NodeId, Member>,
    /// Whether it was there already.
    pub already: bool,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No peers were named.
    #[error("name the peer addresses of all nodes, this one's included")]
    NoPeers,
    /// This node is not among the named.
    #[error("this node's own peer address {own} is not among the peers; name the peer addresses of all nodes")]
    NotAmongPeers {
        /// This node's address.
        own: String,
    },
    /// A peer did not answer.
    #[error("no answer from the peer at {address}: {problem}. Start it, or check the address (it is the peer address)")]
    NoAnswer {
        /// The peer's address.
        address: String,
        /// What happened.
        problem: String,
    },
    /// Two peers have the same id, or one was named twice.
    #[error("node {id} is named twice, at {first} and at {second}: every node needs an id of its own")]
    Twice {
        /// The id.
        id: NodeId,
        /// The first address.
        first: String,
        /// The second one.
        second: String,
    },
    /// A peer belongs to a cluster.
    #[error(
        "node {id} at {address} belongs to cluster {cluster} already. To use it here, give it a new node id and an empty \
         data directory"
    )]
    Taken {
        /// The peer.
        id: NodeId,
        /// Its address.
        address: String,
        /// Its cluster.
        cluster: ClusterId,
    },
    /// This node was admitted to a cluster and has not heard of its members yet.
    #[error("this node belongs to cluster {0}, whose leader has not reached it yet")]
    Joining(ClusterId),
    /// The disk or Raft failed.
    #[error("{0}")]
    Failed(String),
}

/// Makes the cluster, once.
pub async fn init(raft: &Raft, addresses: &[String]) -> Result<Initialised, InitError> {
    let _one_at_a_time = raft.initialising().lock().await;
    let local = raft.local();
    let members = raft.membership().members;
    if let Some(cluster) = local.cluster_id() {
        if !members.is_empty() {
            return Ok(Initialised { cluster, history: history_of(&members), members, already: true });
        }
        let plan = local.plan().ok_or(InitError::Joining(cluster))?;
        return initialise(raft, cluster, plan).await;
    }
    let members = identify_all(raft, addresses).await?;
    let plan = InitPlan { history: history_of(&members), members };
    let cluster = ClusterId::random();
    let (storing, stored) = (local.clone(), plan.clone());
    tokio::task::spawn_blocking(move || storing.found_cluster(cluster, stored))
        .await
        .map_err(|error| InitError::Failed(error.to_string()))?
        .map_err(|error| InitError::Failed(error.to_string()))?;
    initialise(raft, cluster, plan).await
}

async fn initialise(raft: &Raft, cluster: ClusterId, plan: InitPlan) -> Result<Initialised, InitError> {
    match raft.core().initialize(plan.members.clone()).await {
        Ok(()) => {
            raft.local().reached(point::INIT_MADE);
            Ok(Initialised { cluster, history: plan.history, members: plan.members, already: false })
        }
        Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {
            Ok(Initialised { cluster, history: plan.history, members: plan.members, already: true })
        }
        Err(other) => Err(InitError::Failed(other.to_string())),
    }
}

async fn identify_all(raft: &Raft, addresses: &[String]) -> Result<BTreeMap<NodeId, Member>, InitError> {
    if addresses.is_empty() {
        return Err(InitError::NoPeers);
    }
    // There is no cluster yet, so the history before this one is 0.
    let history = History(raft.wall_clock().as_ms().max(1));
    let mut members: BTreeMap<NodeId, Member> = BTreeMap::new();
    for address in addresses {
        let (id, member, cluster) = identify(address, history).await?;
        if let Some(cluster) = cluster {
            return Err(InitError::Taken { id, address: address.clone(), cluster });
        }
        if let Some(first) = members.get(&id) {
            let (first, second) = (first.peer_address.clone(), address.clone());
            return Err(InitError::Twice { id, first, second });
        }
        members.insert(id, member);
    }
    let local = raft.local();
    let is_here = |member: &Member| member.incarnation == local.incarnation();
    if members.get(&local.node_id()).is_some_and(is_here) {
        Ok(members)
    } else {
        Err(InitError::NotAmongPeers { own: raft.addresses().peer.clone() })
    }
}

async fn identify(address: &str, history: History) -> Result<(NodeId, Member, Option<ClusterId>), InitError> {
    let no_answer = |problem: String| InitError::NoAnswer { address: address.to_owned(), problem };
    let mut client = peers::connect(address).map_err(|error| no_answer(error.to_string()))?;
    let answer = tokio::time::timeout(IDENTIFY_TIMEOUT, client.identify(peer::IdentifyRequest {})).await;
    let answer = answer.map_err(|_| no_answer(format!("nothing within {IDENTIFY_TIMEOUT:?}")))?;
    let answer = answer.map_err(|status| no_answer(status.message().to_owned()))?.into_inner();
    let sixteen = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_err(|_| no_answer("a malformed answer".to_owned()));
    let member = Member {
        peer_address: answer.peer_address,
        client_address: answer.client_address,
        incarnation: Incarnation::from_bytes(sixteen(&answer.incarnation)?),
        history,
    };
    let cluster = if answer.cluster_id.is_empty() { None } else { Some(sixteen(&answer.cluster_id)?) };
    Ok((NodeId(answer.node_id), member, cluster.map(ClusterId::from_bytes)))
}

fn history_of(members: &BTreeMap<NodeId, Member>) -> History {
    members.values().map(|member| member.history).max().unwrap_or_default()
}
