//! A cluster that may have a bug, and what its one client did and heard.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::binary;
use cluster_tests::client::{Acknowledgement, Failure};
use cluster_tests::cluster::{Cluster, Own, Settings};
use cluster_tests::history::{AllSeen, History, LocalSeen, OperationNumber, RecordSeen, StatusSeen};
use cluster_tests::judgement;
use cluster_tests::oracle::Violation;
use cluster_tests::proto::{Consistency, Outcome, Role};
pub(super) use cluster_tests::sample::MARK;
use cluster_tests::wait::{PATIENCE, until};

/// The log of these stories.
pub(super) const LOG: &str = "orders";
/// The node that has the bug if only one has it.
pub(super) const ODD: u64 = 3;

/// A command that was chosen.
pub(super) struct Order {
    number: OperationNumber,
    id: String,
    payloads: Vec<Bytes>,
}

/// The cluster and its history.
pub(super) struct Trial {
    pub(super) cluster: Cluster,
    pub(super) history: History,
}

impl Trial {
    /// All nodes have the bug.
    pub(super) async fn everywhere(name: &str, bug: Option<&str>) -> Self {
        Self::with(name, Settings { variables: bug.map(binary::bug).into_iter().collect(), ..settings() }).await
    }

    /// One node has the bug, and follows.
    pub(super) async fn at_one(name: &str, bug: Option<&str>) -> Self {
        Self::later_at_one(name, bug, binary::chaos()).await
    }

    /// The same, but the bug comes with the binary that can have it: this may be another one at first.
    pub(super) async fn later_at_one(name: &str, bug: Option<&str>, first: &Path) -> Self {
        let own = Own { binary: Some(first.to_owned()), variables: bug.map(binary::bug).into_iter().collect() };
        let trial = Self::with(name, Settings { own: [(ODD, own)].into(), ..settings() }).await;
        until("the node with the bug follows", PATIENCE, || async {
            if trial.cluster.leader().await != ODD {
                return Ok(());
            }
            trial.cluster.node(ODD).kill();
            trial.cluster.leader_among(&trial.cluster.others(ODD)).await;
            trial.cluster.node(ODD).start();
            trial.cluster.serving(&[ODD]).await;
            Err("it has led".to_owned())
        })
        .await;
        trial
    }

    /// A cluster of these settings.
    pub(super) async fn with(name: &str, settings: Settings) -> Self {
        let cluster = Cluster::start_with(name, &settings).await;
        let history = cluster.history();
        Self { cluster, history }
    }

    /// A command is chosen.
    pub(super) fn choose(&self, id: &str, payloads: &[&str]) -> Order {
        let payloads = bytes(payloads);
        Order { number: self.history.operation(0, LOG, id, &payloads), id: id.to_owned(), payloads }
    }

    /// It is sent once.
    pub(super) async fn send(&self, node: u64, order: &Order, deadline: Duration) -> Result<Acknowledgement, Failure> {
        let client = self.cluster.node(node).client_with_deadline(deadline);
        self.send_by(node, order, client.append(LOG, &order.id, &order.payloads)).await
    }

    /// It is sent until it is acknowledged.
    pub(super) async fn done(&self, node: u64, order: &Order) {
        until("an append is acknowledged", PATIENCE, || async {
            self.send(node, order, Duration::from_secs(10)).await.map_err(|failure| failure.to_string())
        })
        .await;
    }

    /// A command of one record is chosen and done.
    pub(super) async fn append(&self, node: u64, id: &str) -> Order {
        let order = self.choose(id, &[&format!("the record of {id}")]);
        self.done(node, &order).await;
        order
    }

    /// The same, where bugs strike.
    pub(super) async fn append_marked(&self, node: u64, id: &str) {
        let order = self.choose(id, &[&format!("{id}: {MARK}")]);
        self.done(node, &order).await;
    }

    /// An operation's cancel was answered.
    pub(super) fn cancelled(&self, order: &Order, outcome: &Outcome) {
        self.history.cancelled(order.number, outcome);
    }

    /// It is sent in another way, once.
    pub(super) async fn send_by(
        &self,
        node: u64,
        order: &Order,
        send: impl Future<Output = Result<Acknowledgement, Failure>>,
    ) -> Result<Acknowledgement, Failure> {
        let attempt = self.history.invoke(order.number, node);
        let answer = send.await;
        self.history.complete(attempt, answer.clone());
        answer
    }

    /// A node shows what it has of the log itself, as soon as it does. What is said to be trimmed away is not shown.
    pub(super) async fn look(&self, node: u64) {
        let client = self.cluster.node(node).client_with_deadline(Duration::from_millis(200));
        let (invoked, page) = until("a node shows what it has", PATIENCE, || async {
            let invoked = self.history.now();
            match client.read(LOG, 0, Consistency::Local).await {
                Ok(page) => Ok((invoked, Some(page))),
                Err(failure) if failure.reason == "TRIMMED" => Ok((invoked, None)),
                Err(failure) => Err(failure.to_string()),
            }
        })
        .await;
        let Some(page) = page else { return };
        let completed = self.history.now();
        let records = page.records.iter().map(RecordSeen::of).collect();
        let (start, end, all) = (page.start, page.end, AllSeen::of(page.records.iter().map(RecordSeen::of)));
        let seen = LocalSeen { node, log: LOG.into(), invoked, completed, start, end, records, all };
        self.history.remember(seen);
    }

    /// How nodes are is remembered.
    pub(super) async fn watch(&self, nodes: &[u64]) {
        for status in self.cluster.statuses(nodes).await.into_iter().flatten() {
            let seen = StatusSeen {
                node: status.node_id,
                at: self.history.now(),
                term: status.term,
                leads: status.role() == Role::Leader,
                serves: status.serving,
                committed: status.committed_index,
                applied: status.applied_index,
                digest: status.digest,
            };
            self.history.remember(seen);
        }
    }

    /// These nodes are killed.
    pub(super) fn kill(&self, nodes: &[u64]) {
        for node in nodes {
            self.cluster.node(*node).kill();
        }
    }

    /// These nodes are started.
    pub(super) fn start(&self, nodes: &[u64]) {
        for node in nodes {
            self.cluster.node(*node).start();
        }
    }

    /// All nodes have applied the same.
    pub(super) async fn agreed(&self) {
        self.cluster.agreed(&self.cluster.ids()).await;
    }

    /// What the oracle says of these replicas.
    pub(super) async fn judged_at(&self, nodes: &[u64]) -> Vec<Violation> {
        judgement::violations(&self.cluster, &self.history, nodes).await
    }

    /// What the oracle says of all replicas.
    pub(super) async fn judged(&self) -> Vec<Violation> {
        self.judged_at(&self.cluster.ids()).await
    }

    /// Waits until a node has ended by itself, as its bug wants it, and starts it again.
    pub(super) async fn crashed_and_started(&self, node: u64) {
        self.ended(node).await;
        self.cluster.node(node).start();
    }

    /// Waits until a node has ended by itself.
    pub(super) async fn ended(&self, node: u64) {
        until("the node has ended by itself", PATIENCE, || async {
            self.cluster.node(node).ended().map(drop).ok_or_else(|| "it runs".to_owned())
        })
        .await;
        self.cluster.node(node).reap();
    }
}

/// Three nodes that can have bugs.
pub(super) fn settings() -> Settings {
    Settings { binary: binary::chaos().to_owned(), ..Settings::default() }
}

/// These payloads.
pub(super) fn bytes(payloads: &[&str]) -> Vec<Bytes> {
    payloads.iter().map(|payload| Bytes::copy_from_slice(payload.as_bytes())).collect()
}
