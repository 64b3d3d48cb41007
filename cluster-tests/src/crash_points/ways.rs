//! How a node is brought to a point, where each point is a story of its own.

use std::time::Duration;

use super::sweep::Sweep;
use super::{CrashPoint, node::Came};
use crate::client::Client;
use crate::wait::{PATIENCE, until};

/// How long `init` may take.
const INIT: Duration = Duration::from_secs(10);
/// Who starts for the first time, makes the cluster, and joins it.
const NEWCOMER: u64 = 3;
const FOUNDER: u64 = 1;
const JOINER: u64 = 2;

impl Sweep<'_> {
    /// A node dies at each step of its first start, one after the other.
    pub(super) async fn first_start(&self, points: &[&'static CrashPoint]) -> Result<(), String> {
        let (node, mortal) = (self.cluster.node(NEWCOMER), self.mortal(NEWCOMER));
        answers(node.client()).await;
        node.kill();
        node.wipe();
        for point in points {
            mortal.arm(point.name, 1);
            node.start();
            mortal.dies(point.name).await?;
            self.died(point, NEWCOMER);
        }
        mortal.disarm();
        node.start();
        answers(node.client()).await;
        Ok(())
    }

    /// The node that makes the cluster dies at each step of that, and then one that joins it.
    pub(super) async fn make_cluster(
        &self,
        init: &[&'static CrashPoint],
        adopt: &[&'static CrashPoint],
    ) -> Result<(), String> {
        let peers: Vec<String> = self.cluster.nodes().iter().map(|node| node.plan().peer_address.to_string()).collect();
        for id in self.cluster.ids() {
            answers(self.cluster.node(id).client()).await;
        }
        let (founder, joiner) = (self.mortal(FOUNDER), self.mortal(JOINER));
        if let Some(first) = adopt.first() {
            joiner.arm(first.name, 1);
        }
        let client = self.cluster.node(FOUNDER).client_with_deadline(INIT);
        for point in init {
            founder.arm(point.name, 1);
            // It dies, so there is no answer; if it doesn't, that is seen at once.
            drop(client.init(peers.clone()).await);
            founder.dies(point.name).await?;
            self.died(point, FOUNDER);
            founder.disarm();
            self.cluster.node(FOUNDER).start();
            answers(self.cluster.node(FOUNDER).client()).await;
        }
        until("a cluster is made of the nodes", PATIENCE, || async {
            client.init(peers.clone()).await.map_err(|failure| failure.to_string())
        })
        .await;
        for (position, point) in adopt.iter().enumerate() {
            if position > 0 {
                joiner.arm(point.name, 1);
                self.cluster.node(JOINER).start();
            }
            joiner.dies(point.name).await?;
            self.died(point, JOINER);
        }
        if !adopt.is_empty() {
            joiner.disarm();
            self.cluster.node(JOINER).start();
        }
        self.cluster.serving(&self.cluster.ids()).await;
        self.cluster.ids().into_iter().for_each(|id| self.serves(id));
        Ok(())
    }

    /// A node starts, and dies while it does.
    pub(super) async fn at_a_start(&self, point: &'static CrashPoint) -> Result<(), String> {
        let victim = self.any_victim().await;
        let mortal = self.mortal(victim);
        self.cluster.node(victim).kill();
        mortal.arm(point.name, self.times(point));
        self.cluster.node(victim).start();
        mortal.dies(point.name).await?;
        self.died(point, victim);
        self.recover(victim).await;
        Ok(())
    }

    /// A node dies while it leads or follows.
    pub(super) async fn under_load(&self, point: &'static CrashPoint) -> Result<(), String> {
        let victim = self.any_victim().await;
        let mortal = self.mortal(victim);
        mortal.arm(point.name, self.times(point));
        mortal.dies(point.name).await?;
        self.died(point, victim);
        self.recover(victim).await;
        Ok(())
    }

    /// The leader dies, and another node with it, while it votes.
    pub(super) async fn at_an_election(&self, point: &'static CrashPoint) -> Result<(), String> {
        let leader = self.cluster.leader().await;
        let victim = self.other_than(leader);
        let mortal = self.mortal(victim);
        mortal.arm(point.name, self.times(point));
        self.cluster.node(leader).kill();
        mortal.dies(point.name).await?;
        self.died(point, victim);
        self.cluster.node(leader).start();
        self.recover(victim).await;
        self.cluster.serving(&[leader]).await;
        Ok(())
    }

    /// A node dies while it makes a snapshot, or purges its log behind it.
    pub(super) async fn at_a_snapshot(&self, point: &'static CrashPoint) -> Result<(), String> {
        let victim = self.any_victim().await;
        let mortal = self.mortal(victim);
        mortal.arm(point.name, self.times(point));
        let client = self.cluster.node(victim).client();
        let came = mortal
            .comes(point.name, async || {
                // It dies, so there may be no answer.
                drop(client.snapshot().await);
                false
            })
            .await?;
        assert_eq!(came, Came::Died, "there is no way past");
        self.died(point, victim);
        self.recover(victim).await;
        Ok(())
    }

    /// A node is asked to end, and dies while it does.
    pub(super) async fn at_a_stop(&self, point: &'static CrashPoint) -> Result<(), String> {
        let victim = self.any_victim().await;
        let mortal = self.mortal(victim);
        mortal.arm(point.name, self.times(point));
        self.cluster.node(victim).terminate();
        mortal.dies(point.name).await?;
        self.died(point, victim);
        self.recover(victim).await;
        Ok(())
    }
}

async fn answers(client: &Client) {
    until("a node answers", PATIENCE, || async {
        client.status().await.map(drop).map_err(|failure| failure.to_string())
    })
    .await;
}
