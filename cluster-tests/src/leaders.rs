//! Who leads, watched all through a run, so that it is known which fault has taken the leader and who followed it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::history::{History, Led};
use crate::proto::Role;

/// Between two looks at a node.
const POLL: Duration = Duration::from_millis(100);
/// How long a node may take to say how it is: one that hangs is asked again soon.
const DEADLINE: Duration = Duration::from_millis(500);

/// All terms in which a node was seen to lead, each with when that was seen first.
type Seen = Arc<Mutex<Vec<(Duration, Led)>>>;

/// Somebody at each node who looks.
#[derive(Debug)]
pub struct Leaders {
    seen: Seen,
    watchers: Vec<JoinHandle<()>>,
}

impl Leaders {
    /// Begins to look.
    pub fn watch(cluster: &Cluster, history: &Arc<History>) -> Self {
        let seen = Seen::default();
        let watcher = |node: &crate::node::Node| {
            tokio::spawn(look(node.asked_within(DEADLINE), Arc::clone(history), Arc::clone(&seen)))
        };
        let watchers = cluster.nodes().iter().map(watcher).collect();
        Self { seen, watchers }
    }

    /// Who led last at a time, in the highest term seen by then.
    pub fn at(&self, time: Duration) -> Option<Led> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|(at, _)| *at <= time).map(|(_, led)| *led).max_by_key(|led| led.term)
    }

    /// Who led next after a leader, and when that was seen.
    pub fn after(&self, leader: Led) -> Option<(Duration, Led)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().copied().filter(|(_, led)| led.term > leader.term).min_by_key(|(_, led)| led.term)
    }
}

async fn look(client: Client, history: Arc<History>, seen: Seen) {
    loop {
        if let Ok(status) = client.status().await
            && status.role() == Role::Leader
            && status.serving
        {
            let led = Led { node: status.node_id, term: status.term };
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if !seen.iter().any(|(_, known)| *known == led) {
                seen.push((history.now(), led));
            }
        }
        sleep(POLL).await;
    }
}

impl Drop for Leaders {
    fn drop(&mut self) {
        self.watchers.iter().for_each(JoinHandle::abort);
    }
}
