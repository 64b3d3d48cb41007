//! `init`: one node makes a cluster of itself and its empty peers.
//!
//! - The cluster id and the members are stored before anyone is told; run again, it goes on with what it stored, so a crash
//!   at any step leaves one cluster, never two.
//! - Run again with other peers it is refused: what was asked for is not what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use openraft::error::{InitializeError, RaftError};

use crate::store::crash_point::point;
use crate::store::identity::InitPlan;
use crate::types::{ClusterId, History, Incarnation, Member, NodeId};
use crate::wire::{ErrorReport, Reason, peer};

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
    #[error("`init` needs the peer addresses of all nodes, including this one's")]
    NoPeers,
    /// This node is not among the named.
    #[error("this node's own peer address, {own}, is missing: `init` needs the peer addresses of all nodes")]
    NotAmongPeers {
        /// This node's address.
        own: String,
    },
    /// A peer did not answer.
    #[error("the peer at {address} does not answer: {problem}. Start that node, or check the address")]
    NoAnswer {
        /// The peer's address.
        address: String,
        /// What happened.
        problem: String,
    },
    /// The address is one for clients.
    #[error("{address} is not a peer address. It answers: {answer}")]
    WrongPort {
        /// The address.
        address: String,
        /// What it answers.
        answer: String,
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
        "node {id} at {address} belongs to cluster {cluster} already. If its `init` was interrupted, run it again at that \
         node; to use the node in another cluster, give it a new node id and an empty data directory"
    )]
    Taken {
        /// The peer.
        id: NodeId,
        /// Its address.
        address: String,
        /// Its cluster.
        cluster: ClusterId,
    },
    /// This node's cluster has other members than were named.
    #[error(
        "this node is in cluster {cluster} already, which has {members}; `init` names {named}. Nothing was changed"
    )]
    OtherMembers {
        /// The cluster.
        cluster: ClusterId,
        /// Its members.
        members: MemberList,
        /// The addresses that were named.
        named: String,
    },
    /// This node was admitted to a cluster and has not heard of its members yet.
    #[error("this node has joined cluster {0}, but has not heard from its leader yet")]
    Joining(ClusterId),
    /// This node is going down; nothing was stored.
    #[error("this node is shutting down")]
    Stopping,
    /// The disk or Raft failed.
    #[error("{0}")]
    Failed(String),
}

/// Members as people name them: "node 1 (127.0.0.1:7421), node 2 (127.0.0.1:7431)".
#[derive(Debug)]
pub struct MemberList(Vec<(NodeId, String)>);

impl MemberList {
    fn of(members: &BTreeMap<NodeId, Member>) -> Self {
        Self(members.iter().map(|(id, member)| (*id, member.peer_address.clone())).collect())
    }
}

impl fmt::Display for MemberList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> = self.0.iter().map(|(id, address)| format!("node {id} ({address})")).collect();
        formatter.write_str(&named.join(", "))
    }
}

/// Makes the cluster, once.
pub async fn init(raft: &Raft, addresses: &[String]) -> Result<Initialised, InitError> {
    let _one_at_a_time = raft.initialising().lock().await;
    if addresses.is_empty() {
        return Err(InitError::NoPeers);
    }
    let local = raft.local();
    let members = raft.membership().members;
    if let Some(cluster) = local.cluster_id() {
        if !members.is_empty() {
            check_named(cluster, &members, addresses).await?;
            return Ok(Initialised { cluster, history: history_of(&members), members, already: true });
        }
        let plan = local.plan().ok_or(InitError::Joining(cluster))?;
        check_named(cluster, &plan.members, addresses).await?;
        return initialise(raft, cluster, plan).await;
    }
    let members = identify_all(raft, addresses).await?;
    let plan = InitPlan { history: history_of(&members), members };
    let cluster = ClusterId::random();
    let (storing, stored) = (local.clone(), plan.clone());
    tokio::task::spawn_blocking(move || storing.found_cluster(cluster, stored))
        .await
        .map_err(|error| if error.is_cancelled() { InitError::Stopping } else { InitError::Failed(error.to_string()) })?
        .map_err(|error| InitError::Failed(error.to_string()))?;
    initialise(raft, cluster, plan).await
}

/// Refuses addresses that are not those of exactly these members. An address in another spelling is asked who it is.
async fn check_named(
    cluster: ClusterId,
    members: &BTreeMap<NodeId, Member>,
    addresses: &[String],
) -> Result<(), InitError> {
    let mut named = BTreeSet::new();
    for address in addresses {
        named.insert(member_at(address, members).await);
    }
    if named == members.keys().copied().map(Some).collect() {
        return Ok(());
    }
    Err(InitError::OtherMembers { cluster, members: MemberList::of(members), named: addresses.join(", ") })
}

/// Which member is at an address, if one is.
async fn member_at(address: &str, members: &BTreeMap<NodeId, Member>) -> Option<NodeId> {
    if let Some((id, _)) = members.iter().find(|(_, member)| member.peer_address == address) {
        return Some(*id);
    }
    let (id, found, _) = identify(address, History::default()).await.ok()?;
    members.get(&id).filter(|member| member.incarnation == found.incarnation).map(|_| id)
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
    let answer = answer.map_err(|_| no_answer(format!("it has said nothing for {IDENTIFY_TIMEOUT:?}")))?;
    let answer = answer.map_err(|status| match ErrorReport::from_status(&status) {
        ErrorReport { reason: Reason::WrongPort, message: answer, .. } => {
            InitError::WrongPort { address: address.to_owned(), answer }
        }
        _ => no_answer(peers::words(&status)),
    });
    let answer = answer?.into_inner();
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
