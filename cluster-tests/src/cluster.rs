//! A cluster of real processes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::addresses::Addresses;
use crate::binary;
use crate::boot::Boot;
use crate::client::Client;
use crate::clock::Clock;
use crate::disk::{Disk, cut_power};
use crate::history::History;
use crate::launcher::{Launcher, Mounts};
use crate::links::router::Router;
use crate::links::{Links, Processes, Way, WayKind};
use crate::node::{Node, Plan};
use crate::oracle::Dump;
use crate::proto::{Role, StatusResponse};
use crate::scratch::Scratch;
use crate::wait::{PATIENCE, until};

/// One cluster at a time: scenarios that fight for the same two cores would only test the scheduler.
static TURN: Semaphore = Semaphore::const_new(1);

/// Waits until no other cluster runs; for scenarios that start theirs in another way.
pub async fn turn() -> SemaphorePermit<'static> {
    TURN.acquire().await.expect("the semaphore is never closed")
}

/// Of a file that takes only what is written.
const DISK_MEBIBYTES: u64 = 4_096;
const LAST_WORDS: usize = 40;

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The nodes' ids.
    pub ids: Vec<u64>,
    /// The binary; the ordinary one by default.
    pub binary: PathBuf,
    /// More arguments for every node.
    pub arguments: Vec<String>,
    /// Environment variables for every node.
    pub variables: Vec<(String, String)>,
    /// What some nodes have instead of or beside that.
    pub own: BTreeMap<u64, Own>,
    /// Whether each node's data lies on a disk of its own whose power can be cut. Needs root.
    pub disks: bool,
    /// What carries all that nodes and clients send.
    pub network: Network,
    /// The node whose wall clock can be put wrong, if any.
    pub clock_of: Option<u64>,
    /// The profile of timeouts.
    pub timing: &'static str,
}

/// What carries all that nodes and clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Loopback alone: connections are refused and reset as in life, and nothing can be cut.
    Direct,
    /// Relays of the harness in front of every node.
    Relays,
    /// A network namespace for each node, and a router between them. Needs root.
    Namespaces,
}

impl Network {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relays => "relays",
            Self::Namespaces => "namespaces",
        }
    }
}

/// What one node is to have for itself.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// A binary instead of the one that all have.
    pub binary: Option<PathBuf>,
    /// More environment variables.
    pub variables: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ids: vec![1, 2, 3],
            binary: binary::ordinary().to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            own: BTreeMap::new(),
            disks: false,
            network: Network::Direct,
            clock_of: None,
            timing: "fast",
        }
    }
}

/// A cluster. It goes with everything that belongs to it when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    // In this order they go: processes before their disks, the directory last.
    nodes: Vec<Node>,
    disks: BTreeMap<u64, Disk>,
    /// Where power can be cut.
    boot: Option<Boot>,
    links: Option<Arc<Links>>,
    clock: Option<(u64, Clock)>,
    _addresses: Addresses,
    scratch: Scratch,
    _turn: SemaphorePermit<'static>,
}

impl Cluster {
    /// Starts three nodes and makes them a cluster that serves.
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, &Settings::default()).await
    }

    /// Starts nodes and makes them a cluster that serves.
    pub async fn start_with(name: &str, settings: &Settings) -> Self {
        let cluster = Self::start_empty(name, settings).await;
        cluster.init().await;
        cluster
    }

    /// Starts nodes that are not a cluster yet.
    pub async fn start_empty(name: &str, settings: &Settings) -> Self {
        Self::prepare(name, settings, turn().await)
    }

    /// Starts nodes that are not a cluster yet, for whoever has the turn and may start several clusters. A few run at once:
    /// most of a start is waiting.
    pub async fn start_within(_turn: &SemaphorePermit<'static>, name: &str, settings: &Settings) -> Self {
        static PLACES: Semaphore = Semaphore::const_new(3);
        let place = PLACES.acquire().await.expect("the semaphore is never closed");
        Self::prepare(name, settings, place)
    }

    /// A second cluster beside this one, not a cluster yet, for scenarios about strangers.
    #[must_use]
    pub fn start_beside(&self, name: &str, settings: &Settings) -> Self {
        // It shares this one's turn: a permit of its own would never come.
        static BESIDE: Semaphore = Semaphore::const_new(1);
        let turn = BESIDE.try_acquire().expect("at most one cluster beside another");
        Self::prepare(name, settings, turn)
    }

    fn prepare(name: &str, settings: &Settings, turn: SemaphorePermit<'static>) -> Self {
        let scratch = Scratch::new(name);
        let addresses = Addresses::reserve();
        let launcher = Arc::new(Launcher::new(if settings.disks { Mounts::Private } else { Mounts::Shared }));
        let processes = Arc::new(Processes::default());
        let directory = |id: u64| format!("node-{id}");
        let with_disks = settings.ids.iter().filter(|_| settings.disks);
        let disk = |id: &u64| (*id, Disk::make(&launcher, scratch.path(), &directory(*id), DISK_MEBIBYTES));
        let disks = with_disks.map(disk).collect();
        let boot = settings.disks.then(|| Boot::begin(&launcher, scratch.path()));
        let clock = settings.clock_of.map(|id| (id, Clock::new(&scratch.path().join("clock"), Duration::ZERO)));
        let router = (settings.network == Network::Namespaces).then(|| Router::make(&settings.ids));
        let plan = |id: u64| {
            let mut own = settings.own.get(&id).cloned().unwrap_or_default();
            if let Some((_, clock)) = clock.as_ref().filter(|(of, _)| *of == id) {
                own.binary = Some(binary::chaos().to_owned());
                own.variables.extend(clock.variables());
            }
            let at = places(id, settings.network, &addresses, router.as_ref());
            Plan {
                id,
                binary: own.binary.unwrap_or_else(|| settings.binary.clone()),
                client_address: at.client_address,
                peer_address: at.peer_address,
                client_listen: at.client_listen,
                peer_listen: at.peer_listen,
                asked_at: at.asked_at,
                asked_as_peer_at: at.asked_as_peer_at,
                namespace: router.as_ref().map(|router| router.namespace(id).to_owned()),
                // Below the disk's own directory: `lost+found` is none of a node's business.
                data: scratch.path().join(directory(id)).join("data"),
                log: scratch.path().join(format!("node-{id}.log")),
                timing: settings.timing,
                arguments: settings.arguments.clone(),
                variables: settings.variables.iter().cloned().chain(own.variables).collect(),
            }
        };
        let plans: Vec<Plan> = settings.ids.iter().copied().map(plan).collect();
        let links = match (settings.network, router) {
            (Network::Relays, _) => Some(Links::relayed(&ways(&plans), &processes)),
            (_, router) => router.map(Links::routed),
        };
        let links = links.map(Arc::new);
        let node = |plan: Plan| {
            std::fs::create_dir_all(scratch.path().join(directory(plan.id))).expect("make the node's directory");
            Node::new(plan, &launcher, &processes)
        };
        let nodes = plans.into_iter().map(node).collect();
        let cluster = Self { nodes, disks, boot, links, clock, _addresses: addresses, scratch, _turn: turn };
        cluster.start_all();
        cluster
    }

    /// Makes a cluster of the nodes and waits until all of them serve.
    pub async fn init(&self) {
        let peers: Vec<String> = self.nodes.iter().map(|node| node.plan().peer_address.to_string()).collect();
        let first = self.nodes.first().expect("a cluster has a node").client_with_deadline(Duration::from_secs(10));
        until("a cluster is made of the nodes", PATIENCE, || async {
            self.check_processes(&self.ids())?;
            first.init(peers.clone()).await.map_err(|failure| failure.to_string())
        })
        .await;
        self.serving(&self.ids()).await;
    }

    /// The ids of all nodes.
    pub fn ids(&self) -> Vec<u64> {
        self.nodes.iter().map(Node::id).collect()
    }

    /// The ids of all nodes but one.
    pub fn others(&self, id: u64) -> Vec<u64> {
        self.ids().into_iter().filter(|other| *other != id).collect()
    }

    /// A node.
    pub fn node(&self, id: u64) -> &Node {
        self.nodes.iter().find(|node| node.id() == id).unwrap_or_else(|| panic!("there is no node {id}"))
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Clients of all nodes, with connections of their own.
    pub fn clients(&self, deadline: Duration) -> Vec<(u64, Client)> {
        self.nodes.iter().map(|node| (node.id(), node.client_with_deadline(deadline))).collect()
    }

    /// A new history, in a file of its own in this run's directory.
    pub fn history(&self) -> History {
        let names = (1_u32..).map(|number| match number {
            1 => "history.jsonl".to_owned(),
            more => format!("history-{more}.jsonl"),
        });
        let mut paths = names.map(|name| self.directory().join(name));
        History::in_file(&paths.find(|path| !path.exists()).expect("a name that is not taken"))
    }

    /// The directory of this run.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Kills all nodes, as close together as it goes.
    pub fn kill_all(&self) {
        self.nodes.iter().for_each(Node::kill);
    }

    /// Starts all nodes.
    pub fn start_all(&self) {
        self.nodes.iter().for_each(Node::start);
    }

    /// Brings everything that was written so far to the nodes' disks, as time alone would.
    pub fn sync_disks(&self) {
        self.disks.values().for_each(Disk::sync);
    }

    /// The disk of a node.
    pub fn disk(&self, id: u64) -> &Disk {
        self.disks.get(&id).unwrap_or_else(|| panic!("node {id} has no disk of its own"))
    }

    /// What carries all that is sent.
    pub fn links(&self) -> &Arc<Links> {
        self.links.as_ref().expect("this cluster has no links that could be cut")
    }

    /// The wall clock that can be put wrong, and whose it is.
    pub fn clock(&self) -> (u64, &Clock) {
        let (id, clock) = self.clock.as_ref().expect("this cluster has no clock that could be put wrong");
        (*id, clock)
    }

    /// Cuts the power of all nodes, and gives it back: processes and unsynced bytes are gone, the nodes do not run.
    pub fn cut_power(&self) {
        self.cut_power_of(&self.ids());
    }

    /// Does so to some nodes at once.
    pub fn cut_power_of(&self, ids: &[u64]) {
        let disks: Vec<&Disk> = ids.iter().map(|id| self.disk(*id)).collect();
        cut_power(&disks);
        for id in ids {
            self.node(*id).kill();
        }
        for disk in disks {
            disk.unmount();
            disk.mount();
        }
        self.boot.iter().for_each(Boot::next);
    }

    /// The node that leads, once there is one among these that is ready to serve.
    pub async fn leader_among(&self, ids: &[u64]) -> u64 {
        until(&format!("one of the nodes {ids:?} leads"), PATIENCE, || async {
            let led = self.led_by(ids).await;
            led.map(|(_, id)| id).ok_or_else(|| "no node says that it leads".to_owned())
        })
        .await
    }

    /// The term in which one of these nodes leads and is ready to serve, and that node, if there is one now.
    pub async fn led_by(&self, ids: &[u64]) -> Option<(u64, u64)> {
        let statuses = self.statuses(ids).await.into_iter().flatten();
        let leaders = statuses.filter(|status| status.role() == Role::Leader && status.serving);
        // An old leader that has not heard of its successor yet may still call itself so; the higher term is right.
        leaders.map(|status| (status.term, status.node_id)).max()
    }

    /// The node that leads.
    pub async fn leader(&self) -> u64 {
        self.leader_among(&self.ids()).await
    }

    /// Waits until these nodes serve.
    pub async fn serving(&self, ids: &[u64]) {
        until(&format!("the nodes {ids:?} serve"), PATIENCE, || async {
            self.check_processes(ids)?;
            for status in self.statuses(ids).await {
                let status = status?;
                if !status.serving {
                    return Err(format!(
                        "node {} is {:?} and does not serve: {}",
                        status.node_id,
                        status.role(),
                        status.problem
                    ));
                }
            }
            Ok(())
        })
        .await;
    }

    /// Waits until these nodes have applied the same entries, and returns how they are.
    pub async fn agreed(&self, ids: &[u64]) -> Vec<StatusResponse> {
        until(&format!("the nodes {ids:?} have applied the same"), PATIENCE, || self.agreement(ids)).await
    }

    /// Waits until all nodes have applied the same entries, and insists that these have led all of them to the same state.
    pub async fn equal(&self) {
        let statuses = self.agreed(&self.ids()).await;
        let digests: Vec<_> = statuses.iter().map(|status| (status.node_id, &status.digest)).collect();
        assert!(
            digests.iter().all(|(_, digest)| Some(digest) == digests.first().map(|(_, first)| first)),
            "{digests:?}"
        );
    }

    /// How these nodes are if they have applied the same entries, and all there are.
    pub async fn agreement(&self, ids: &[u64]) -> Result<Vec<StatusResponse>, String> {
        self.check_processes(ids)?;
        let statuses = self.statuses(ids).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let last = statuses.iter().map(|status| status.last_index).max().unwrap_or_default();
        match statuses.iter().find(|status| !status.serving || status.applied_index != last) {
            Some(behind) => Err(format!(
                "node {} is {:?}, has applied {} of {last}, {}; {}",
                behind.node_id,
                behind.role(),
                behind.applied_index,
                if behind.serving { "serves" } else { "does not serve" },
                behind.problem,
            )),
            None => Ok(statuses),
        }
    }

    /// Reads all that these nodes hold, each from its own state.
    pub async fn dump(&self, ids: &[u64]) -> Vec<Dump> {
        let mut dumps = Vec::new();
        for id in ids {
            dumps.push(until(&format!("node {id} is read in full"), PATIENCE, || Dump::take(self.node(*id))).await);
        }
        dumps
    }

    /// How these nodes are; a sentence for each that does not say.
    pub async fn statuses(&self, ids: &[u64]) -> Vec<Result<StatusResponse, String>> {
        let asked = ids.iter().map(|id| async move {
            self.node(*id).status().await.map_err(|failure| format!("node {id} does not say how it is: {failure}"))
        });
        futures::future::join_all(asked).await
    }

    /// Fails if one of these nodes has ended by itself, or if any node has ever panicked.
    pub fn check_processes(&self, ids: &[u64]) -> Result<(), String> {
        for node in &self.nodes {
            if let Some(status) = node.ended().filter(|_| ids.contains(&node.id())) {
                return Err(format!("node {} has ended: {status}; it said last:\n{}", node.id(), node.last_words(10)));
            }
            if let Some(panic) = node.said().lines().find(|line| line.contains("panicked at")) {
                return Err(format!("node {} has panicked: {panic}", node.id()));
            }
        }
        Ok(())
    }
}

/// Where a node is reached, and where it listens.
struct Places {
    client_address: SocketAddr,
    peer_address: SocketAddr,
    client_listen: SocketAddr,
    peer_listen: SocketAddr,
    asked_at: SocketAddr,
    asked_as_peer_at: SocketAddr,
}

fn places(id: u64, network: Network, addresses: &Addresses, router: Option<&Router>) -> Places {
    let (client_address, peer_address) = (addresses.client(id), addresses.peer(id));
    let (client_listen, peer_listen) = match network {
        Network::Relays => (addresses.client_behind(id), addresses.peer_behind(id)),
        Network::Direct | Network::Namespaces => (client_address, peer_address),
    };
    let Some(router) = router else {
        let (asked_at, asked_as_peer_at) = (client_listen, peer_listen);
        return Places { client_address, peer_address, client_listen, peer_listen, asked_at, asked_as_peer_at };
    };
    let (client_port, peer_port) = (client_address.port(), peer_address.port());
    // On every address of its own network.
    let anywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    Places {
        client_address: SocketAddr::new(router.clients(id), client_port),
        peer_address: SocketAddr::new(router.peers(id), peer_port),
        client_listen: anywhere(client_port),
        peer_listen: anywhere(peer_port),
        asked_at: SocketAddr::new(router.harness(id), client_port),
        asked_as_peer_at: SocketAddr::new(router.harness(id), peer_port),
    }
}

fn ways(plans: &[Plan]) -> Vec<Way> {
    let ways = plans.iter().flat_map(|plan| {
        let way = |kind, outside, inside| Way { node: plan.id, outside, inside, kind };
        [
            way(WayKind::Clients, plan.client_address, plan.client_listen),
            way(WayKind::Peers, plan.peer_address, plan.peer_listen),
        ]
    });
    ways.collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                eprintln!("── the last words of node {} ──\n{}", node.id(), node.last_words(LAST_WORDS));
            }
        }
        self.kill_all();
    }
}
