//! A look-out on the nodes of a run, for what nobody need wait for: it ends the run at once.
//!
//! - A node that ends by itself, or whose thread panics, where no fault is to end nodes.
//! - A node that says of itself that the others came to something else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::faults::Kind;
use crate::history::{Alarm, Alarming, History};
use crate::node::Node;

/// Between two looks.
const BREATH: Duration = Duration::from_millis(200);
/// How long a node may take to say how it is.
const DEADLINE: Duration = Duration::from_millis(500);
/// How much of what a node said last is told.
const LAST_WORDS: usize = 3;

/// Whether something is going on that may end nodes.
#[derive(Debug, Default)]
pub struct Endings(AtomicBool);

impl Endings {
    /// From now on nodes may end by themselves, or may not.
    pub fn are_expected(&self, expected: bool) {
        self.0.store(expected, Ordering::Relaxed);
    }

    /// From now on nodes may end by themselves if one of these kinds of fault may end them.
    pub fn are_those_of(&self, mut kinds: impl Iterator<Item = Kind>) {
        self.are_expected(kinds.any(|kind| kind.may_end_nodes()));
    }
}

/// Returns with the first alarm, if there ever is one.
pub async fn alarm(cluster: &Cluster, history: &History, endings: &Endings) -> Alarm {
    let clients: Vec<Client> = cluster.nodes().iter().map(|node| node.asked_within(DEADLINE)).collect();
    loop {
        let looks = cluster.nodes().iter().zip(&clients).map(|(node, client)| look(node, client, endings));
        if let Some((node, what, said)) = join_all(looks).await.into_iter().flatten().next() {
            return Alarm { node, at: history.now(), what, said };
        }
        sleep(BREATH).await;
    }
}

async fn look(node: &Node, client: &Client, endings: &Endings) -> Option<(u64, Alarming, String)> {
    let id = node.id();
    let is_expected = endings.0.load(Ordering::Relaxed);
    // Whoever is asked to end does so well.
    if let Some(status) = node.ended().filter(|status| !is_expected && !status.success()) {
        return Some((id, Alarming::Ended, format!("{status}; it said last: {}", node.last_words(LAST_WORDS))));
    }
    if let Some(panic) = node.said().lines().find(|line| line.contains("panicked at")).filter(|_| !is_expected) {
        return Some((id, Alarming::Ended, panic.to_owned()));
    }
    let problem = client.status().await.ok()?.problem;
    problem.contains("disagree").then_some((id, Alarming::Disagrees, problem))
}
