//! Where a fault finds the node that it is to strike: among those that no other fault has in its hand.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::wait::PATIENCE;

/// How long a leader is looked for while another fault lasts: it may be one that leaves none.
const LEADER_PATIENCE: Duration = Duration::from_secs(4);
const POLL: Duration = Duration::from_millis(20);

/// A cluster, as a fault finds it.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    cluster: &'a Cluster,
    /// The nodes that another fault has in its hand.
    held: &'a BTreeSet<u64>,
    /// Whether another fault lasts.
    shared: bool,
}

impl<'a> Site<'a> {
    /// A cluster in which no fault lasts.
    pub fn alone(cluster: &'a Cluster, none: &'a BTreeSet<u64>) -> Self {
        Self { cluster, held: none, shared: false }
    }

    /// A cluster in which a fault lasts, and has these nodes in its hand.
    pub fn beside(cluster: &'a Cluster, held: &'a BTreeSet<u64>) -> Self {
        Self { cluster, held, shared: true }
    }

    /// The cluster.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// The node that leads. While another fault lasts there may be none, or that fault may have it in its hand: then it is
    /// some other node.
    pub async fn leader(&self) -> Target {
        let patience = if self.shared { LEADER_PATIENCE } else { PATIENCE };
        let end = Instant::now() + patience;
        loop {
            match self.cluster.led_by(&self.cluster.ids()).await {
                Some((_, id)) if !self.held.contains(&id) => return Target { id, role: Role::Leader },
                Some(_) => break,
                None if Instant::now() >= end => break,
                None => sleep(POLL).await,
            }
        }
        assert!(self.shared, "no node has led for {patience:?}");
        let id = self.free(&self.cluster.ids()).first().copied().expect("a node that no fault has in its hand");
        Target { id, role: Role::Other }
    }

    /// A node that follows, as far as it is known which do.
    pub async fn follower(&self, random: &mut StdRng) -> Target {
        let leader = self.leader().await;
        let followers = self.free(&self.cluster.others(leader.id));
        match followers.get(random.random_range(0..followers.len().max(1))) {
            Some(id) if leader.role == Role::Leader => Target { id: *id, role: Role::Follower },
            Some(id) => Target { id: *id, role: Role::Other },
            None => leader,
        }
    }

    /// Those of these nodes that no other fault has in its hand.
    pub fn free(&self, ids: &[u64]) -> Vec<u64> {
        ids.iter().copied().filter(|id| !self.held.contains(id)).collect()
    }
}

impl Deref for Site<'_> {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster
    }
}

/// The node that a fault strikes, and what it was just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: u64,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Leader,
    Follower,
    /// Nobody led, or another fault had the leader in its hand.
    Other,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Leader => "which led",
            Role::Follower => "a follower",
            Role::Other => "a node that is left",
        };
        write!(formatter, "node {}, {role}", self.id)
    }
}
