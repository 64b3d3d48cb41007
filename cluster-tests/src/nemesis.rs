//! Faults that go on while something else is done.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::cluster::Cluster;
use crate::history::History;

/// Kills whoever leads, again and again.
#[derive(Debug)]
pub struct LeaderKills<'a> {
    cluster: &'a Cluster,
    history: &'a History,
    count: AtomicUsize,
}

impl<'a> LeaderKills<'a> {
    /// None has been killed yet.
    pub fn new(cluster: &'a Cluster, history: &'a History) -> Self {
        Self { cluster, history, count: AtomicUsize::new(0) }
    }

    /// How many leaders were killed and started again.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Does the work while leaders die. In the end all nodes serve.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let done = AtomicBool::new(false);
        let work = async {
            let result = work.await;
            done.store(true, Ordering::Relaxed);
            result
        };
        let kills = async {
            while !done.load(Ordering::Relaxed) {
                self.kill_one().await;
            }
        };
        tokio::join!(work, kills).0
    }

    /// Kills the leader, and starts it again when it has a successor.
    pub async fn kill_one(&self) {
        let leader = self.cluster.leader().await;
        self.history.mark(format!("kill -9 of node {leader}, which leads"));
        self.cluster.node(leader).kill();
        self.cluster.leader_among(&self.cluster.others(leader)).await;
        self.history.mark(format!("start of node {leader}"));
        self.cluster.node(leader).start();
        self.cluster.serving(&self.cluster.ids()).await;
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}
