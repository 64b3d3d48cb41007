//! Clients that append, and retry until they know.
//!
//! - Each client chooses an id, keeps it through every retry, and goes to another node after each failure.
//! - An operation is given up only when the load is stopped: then it may stay unknown, which is what the judgement
//!   settles.
//! - Beside them somebody asks each node how it is, and reads what it has applied itself.
//! - A streamed load has many appends of a client on the way at once, and leaves a stream now and then for another node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::history::{Content, History, LocalSeen, RecordSeen, StatusSeen};
use crate::proto::{Consistency, Role};
use crate::sample;
use crate::stream::Sender;
use crate::wait::{PATIENCE, until};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(1);
/// Between two operations of a client, so that a run's history stays small enough to be read in full.
const BREATH: Duration = Duration::from_millis(3);
/// Before a retry.
const BACKOFF: Duration = Duration::from_millis(25);

/// How many clients append.
const CLIENTS: usize = 6;
/// How many clients append over streams.
const STREAMS: usize = 6;
/// How many appends of a streaming client have no answer, at most.
const UNANSWERED: usize = 48;
/// Between two messages of a streaming client.
const STREAM_BREATH: Duration = Duration::from_millis(25);
/// Between two questions how a node is.
const WATCH: Duration = Duration::from_secs(1);
/// Between two looks at what a node has applied.
const LOOK: Duration = Duration::from_millis(100);
/// How many records of a look are remembered.
const LOOK_RECORDS: usize = 16;
/// To how many logs.
const LOGS: usize = 3;
/// The size of a record, at least.
const RECORD_BYTES: usize = 100;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    history: Arc<History>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Puts a load on a cluster: clients of all nodes that append, and one that reads the logs' ends.
    pub fn start(cluster: &Cluster, history: &Arc<History>) -> Self {
        Self::start_on(cluster, &cluster.ids(), history)
    }

    /// The same, by clients that know only these nodes.
    pub fn start_on(cluster: &Cluster, ids: &[u64], history: &Arc<History>) -> Self {
        let work = |number, nodes, history, stop| tokio::spawn(write(number, nodes, history, stop));
        Self::spread(cluster, ids, history, 0..CLIENTS, work)
    }

    /// The same over streams: many appends of each client on the way at once.
    pub fn start_streamed(cluster: &Cluster, history: &Arc<History>) -> Self {
        Self::start_streamed_on(cluster, &cluster.ids(), history)
    }

    /// The same, by clients that know only these nodes.
    pub fn start_streamed_on(cluster: &Cluster, ids: &[u64], history: &Arc<History>) -> Self {
        let work = |number, nodes, history, stop| tokio::spawn(stream(number, nodes, history, stop));
        Self::spread(cluster, ids, history, CLIENTS..CLIENTS + STREAMS, work)
    }

    fn spread(
        cluster: &Cluster,
        ids: &[u64],
        history: &Arc<History>,
        numbers: std::ops::Range<usize>,
        work: impl Fn(usize, Vec<(u64, Client)>, Arc<History>, Arc<AtomicBool>) -> JoinHandle<()>,
    ) -> Self {
        let clients = || -> Vec<(u64, Client)> {
            ids.iter().map(|id| (*id, cluster.node(*id).client_with_deadline(ATTEMPT))).collect()
        };
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = vec![tokio::spawn(read(clients(), Arc::clone(history), Arc::clone(&stop)))];
        tasks.extend(clients().into_iter().flat_map(|(node, client)| {
            let watching = watch(node, client.clone(), Arc::clone(history), Arc::clone(&stop));
            let looking = look(node, client, Arc::clone(history), Arc::clone(&stop));
            [tokio::spawn(watching), tokio::spawn(looking)]
        }));
        tasks.extend(numbers.map(|number| work(number, clients(), Arc::clone(history), Arc::clone(&stop))));
        Self { history: Arc::clone(history), stop, tasks }
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
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a client does not panic");
        }
    }
}

fn log_name(number: usize) -> String {
    format!("orders-{number}")
}

/// The next append of a client: its log, its id and its records.
fn order(client: usize, number: u64) -> (String, String, Vec<Bytes>) {
    let mut random = rand::rng();
    let records = if random.random_ratio(1, 8) { random.random_range(2..=5) } else { 1 };
    let id = sample::id(client, number);
    let payloads = sample::payloads(&id, records, RECORD_BYTES);
    (log_name(random.random_range(0..LOGS)), id, payloads)
}

async fn stream(client: usize, nodes: Vec<(u64, Client)>, history: Arc<History>, stop: Arc<AtomicBool>) {
    let mut sender = Sender::new(nodes, client, &history);
    let mut numbers = 0..;
    while !stop.load(Ordering::Relaxed) {
        let (given, packed, leaves) = {
            let mut random = rand::rng();
            (random.random_range(1..=8), random.random_range(1..=8), random.random_ratio(1, 100))
        };
        for number in numbers.by_ref().take(usize::min(given, UNANSWERED - sender.unanswered())) {
            let (log, id, payloads) = order(client, number);
            sender.give(client, &log, &id, &payloads);
        }
        sender.exchange(packed, STREAM_BREATH).await;
        if leaves {
            sender.finish().await;
        }
    }
    sender.finish().await;
}

async fn write(client: usize, nodes: Vec<(u64, Client)>, history: Arc<History>, stop: Arc<AtomicBool>) {
    for number in 0.. {
        let (log, id, payloads) = order(client, number);
        let mut turn = rand::rng().random_range(0..nodes.len());
        let operation = history.operation(client, &log, &id, &payloads);
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let (node, asked) = nodes.get(turn % nodes.len()).expect("a turn names a node");
            let attempt = history.invoke(operation, *node);
            let answer = asked.append(&log, &id, &payloads).await;
            let acknowledged = answer.is_ok();
            history.complete(attempt, answer);
            if acknowledged {
                break;
            }
            turn += 1;
            sleep(BACKOFF).await;
        }
        sleep(BREATH).await;
    }
}

async fn read(nodes: Vec<(u64, Client)>, history: Arc<History>, stop: Arc<AtomicBool>) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let log = log_name(number % LOGS);
        let (_, asked) = nodes.get(number % nodes.len()).expect("a turn names a node");
        let invoked = history.now();
        // A read that failed saw nothing.
        if let Ok(end) = asked.end(&log).await {
            history.end_seen(&log, invoked, end);
        }
        sleep(BREATH).await;
    }
}

/// Asks a node how it is. What does not answer says nothing.
async fn watch(node: u64, client: Client, history: Arc<History>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        if let Ok(status) = client.status().await {
            let at = history.now();
            let seen = StatusSeen {
                node,
                at,
                term: status.term,
                leads: status.role() == Role::Leader,
                serves: status.serving,
                committed: status.committed_index,
                applied: status.applied_index,
                digest: status.digest,
            };
            history.remember(|events| events.statuses.push(seen));
        }
        sleep(WATCH).await;
    }
}

/// Reads what a node has applied itself, here and there.
async fn look(node: u64, client: Client, history: Arc<History>, stop: Arc<AtomicBool>) {
    let mut ends = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let log = log_name(number % LOGS);
        let end: &mut u64 = ends.entry(number % LOGS).or_default();
        let from = rand::rng().random_range(0..=*end);
        let invoked = history.now();
        // A read that failed saw nothing.
        if let Ok(page) = client.read(&log, from, Consistency::Local).await {
            *end = page.end;
            let records = page.records.into_iter().take(LOOK_RECORDS).map(|record| RecordSeen {
                offset: record.offset,
                id: record.id.map(|id| id.text).unwrap_or_default(),
                content: Content::of(&record.payload),
            });
            let (completed, records) = (history.now(), records.collect());
            let seen = LocalSeen { node, log, invoked, completed, end: page.end, records };
            history.remember(|events| events.locals.push(seen));
        }
        sleep(LOOK).await;
    }
}
