//! Clients that append, and retry until they know; and others that do all else that clients do.
//!
//! - Each workload is a file, whose head says what it does and which properties it is for.
//! - [`Load::start`] and [`Load::start_streamed`] append, and look on; [`Load::start_all`] does all there is.
//! - Whatever is not answered when the load is stopped may stay unknown: the judgement settles it.

mod abandoned;
mod asking;
mod believers;
mod cancels;
mod cells;
mod compensations;
mod consumers;
mod deletions;
mod ends;
mod guards;
mod headers;
mod ids;
mod local;
mod locks;
mod lookups;
mod memory;
mod readers;
mod retention;
mod reuse;
mod rivals;
mod same_id;
mod shelves;
mod spaces;
mod streamed;
mod tails;
mod too_old;
mod transfers;
mod trims;
mod unary;
mod waits;
mod watch;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use self::work::Work;
use crate::cluster::Cluster;
use crate::history::{Event, History, WORKLOADS};
use crate::wait::{PATIENCE, until};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(1);
/// Between two operations of a client, so that a run's history stays small enough to be read in full.
const BREATH: Duration = Duration::from_millis(3);
/// How many clients append.
const CLIENTS: usize = 6;
/// How many clients at each node take *no effect* at its word.
const BELIEVERS: usize = 3;
/// How many at each node append over streams and don't wait for answers.
const HURRIED: usize = 1;
/// How many clients append over streams.
const STREAMS: usize = 6;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    history: Arc<History>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    clients: usize,
}

impl Load {
    /// Puts a load on a cluster: clients of all nodes that append, and one that reads the logs' ends.
    pub fn start(cluster: &Cluster, history: &Arc<History>) -> Self {
        Self::start_on(cluster, &cluster.ids(), history)
    }

    /// The same, by clients that know only these nodes.
    pub fn start_on(cluster: &Cluster, ids: &[u64], history: &Arc<History>) -> Self {
        let mut load = Self::looking_on(cluster, ids, history);
        load.put(cluster, ids, CLIENTS, unary::run);
        load
    }

    /// The same over streams: many appends of each client on the way at once.
    pub fn start_streamed(cluster: &Cluster, history: &Arc<History>) -> Self {
        Self::start_streamed_on(cluster, &cluster.ids(), history)
    }

    /// The same, by clients that know only these nodes.
    pub fn start_streamed_on(cluster: &Cluster, ids: &[u64], history: &Arc<History>) -> Self {
        let mut load = Self::looking_on(cluster, ids, history);
        load.clients = CLIENTS;
        load.put(cluster, ids, STREAMS, streamed::run);
        load
    }

    /// Puts everything on a cluster that there is.
    pub fn start_all(cluster: &Cluster, history: &Arc<History>) -> Self {
        let ids = &cluster.ids();
        for part in WORKLOADS {
            history.remember(Event::Workload { name: part.name.to_owned() });
        }
        let mut load = Self::looking_on(cluster, ids, history);
        load.put(cluster, ids, CLIENTS, unary::run);
        load.put(cluster, ids, STREAMS, streamed::run);
        load.put(cluster, ids, 1, same_id::run);
        load.put(cluster, ids, 2, abandoned::run);
        load.put(cluster, ids, 1, reuse::run);
        load.put(cluster, ids, 2, cancels::run);
        load.put(cluster, ids, 2, lookups::run);
        load.put(cluster, ids, 1, lookups::chase);
        load.put(cluster, ids, 2, tails::run);
        load.put(cluster, ids, 2, transfers::run);
        load.put(cluster, ids, 1, transfers::look);
        load.put(cluster, ids, 1, consumers::produce);
        load.put(cluster, ids, 3, consumers::run);
        load.put(cluster, ids, 3, locks::run);
        load.put(cluster, ids, 1, too_old::run);
        load.put(cluster, ids, 2, deletions::run);
        load.put(cluster, ids, 1, trims::run);
        load.put(cluster, ids, 2, retention::run);
        load.put(cluster, ids, 2, compensations::run);
        load.put(cluster, ids, 2, cells::run);
        load.put(cluster, ids, 3, waits::run);
        load.put(cluster, ids, 2, guards::run);
        load.put(cluster, ids, 1, memory::run);
        load.put(cluster, ids, 1, headers::run);
        load.put(cluster, ids, 1, ids::run);
        load.put(cluster, ids, 1, rivals::run);
        load.put(cluster, ids, 2, shelves::run);
        load.put(cluster, ids, 2, readers::run);
        load.put(cluster, ids, 1, spaces::run);
        load.put(cluster, ids, 1, believers::burst);
        load.put_believers(cluster, ids);
        load
    }

    /// Clients that believe what they hear, several at each node.
    fn put_believers(&mut self, cluster: &Cluster, ids: &[u64]) {
        for id in ids {
            self.put(cluster, &[*id], BELIEVERS, believers::run);
            self.put(cluster, &[*id], 1, believers::steady);
            self.put(cluster, &[*id], 1, believers::stream);
            self.put(cluster, &[*id], HURRIED, believers::hurried_stream);
        }
    }

    /// Clients of all nodes that append, and some that make logs and spaces and delete them.
    pub fn start_deleting(cluster: &Cluster, history: &Arc<History>) -> Self {
        let ids = &cluster.ids();
        let mut load = Self::start_on(cluster, ids, history);
        load.put(cluster, ids, 3, deletions::run);
        load
    }

    /// Nobody that changes anything: one that reads ends, and one at each node.
    fn looking_on(cluster: &Cluster, ids: &[u64], history: &Arc<History>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut load = Self { history: Arc::clone(history), stop, tasks: Vec::new(), clients: 0 };
        load.put(cluster, ids, 1, ends::run);
        for id in ids {
            load.put(cluster, &[*id], 1, watch::run);
            load.put(cluster, &[*id], 1, local::run);
        }
        load.clients = 0;
        load
    }

    /// Sets so many clients to a work.
    fn put<F>(&mut self, cluster: &Cluster, ids: &[u64], count: usize, run: fn(Work) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        for _ in 0..count {
            let nodes = ids.iter().map(|id| (*id, cluster.node(*id).client_with_deadline(ATTEMPT))).collect();
            let (history, stop) = (Arc::clone(&self.history), Arc::clone(&self.stop));
            self.tasks.push(tokio::spawn(run(Work { client: self.clients, nodes, history, stop })));
            self.clients += 1;
        }
    }

    /// Waits until this many more operations are acknowledged: the load is there and the cluster serves it.
    pub async fn acknowledged_more(&self, count: usize) {
        let goal = self.history.acknowledged() + count;
        until(&format!("{count} more appends are acknowledged"), PATIENCE, || async {
            let now = self.history.acknowledged();
            if now >= goal { Ok(()) } else { Err(format!("{} are missing", goal - now)) }
        })
        .await;
    }

    /// Stops the clients where they are. What is in flight gets its answer, and no retry.
    pub async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in std::mem::take(&mut self.tasks) {
            task.await.expect("a client does not panic");
        }
    }
}

impl Drop for Load {
    /// A run that breaks off leaves no clients behind.
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
