//! A cluster whose nodes are children of this process: to be played with, measured and thrown away.
//!
//! - Its nodes listen on this machine only, and keep everything in one directory.
//! - They go with this process, however it ends, if this machine has `setpriv`: see [`Launch::binds`]. The
//!   kernel ties them to the thread that started them, so [`Cluster::bring_up`] and [`Cluster::start`] are called from a
//!   thread that lives as long as the cluster: from what the main thread blocks on, not from a task of many threads.
//! - Dropped, they are killed, and then the directory goes if it is to go.
//! - Nothing waits without a deadline, and a node that ends meanwhile ends the wait, with its last words.

mod child;
mod directory;

use std::ops::Range;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join_all, select_all};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use super::arguments::Dev;
use super::problem::Problem;
use crate::client::{Client, Error};
use crate::types::{NodeStatus, Role};

pub(super) use child::{Ended, Node};

use child::{Launch, failed};
use directory::Directory;

const NODES: u8 = 3;
/// How long nodes may take to answer, to become a cluster, or to serve: generous, because the machine may be small and busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one node may take to say how it is; a client gives one attempt a third of it.
const STATUS_TIME: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(25);
/// How long nodes may take to stop before they are killed.
const GRACE: Duration = Duration::from_secs(15);
/// Free ports are looked for above those that services are known by, and below 32,768, where outgoing connections begin
/// unless a machine is set up otherwise.
const PORTS: Range<u16> = 10_000..32_000;
/// From one node's ports to the next one's where the first is given.
const STRIDE: usize = 10;
/// How often other ports are tried when somebody took one between its choice and the node's start.
const OTHER_CHOICES: usize = 4;
/// What to do when the nodes do not become what they should.
const SEE_LOGS: &str = "Read the logs of the nodes; --keep leaves them where they are.";

/// A cluster of children.
#[derive(Debug)]
pub(super) struct Cluster {
    // In this order they go: processes before the directory.
    pub(super) nodes: Vec<Node>,
    pub(super) launch: Launch,
    /// None if somebody has chosen the nodes' addresses, or may know them.
    other_choices: usize,
    pub(super) directory: Directory,
}

impl Cluster {
    /// The cluster that is asked for, as the directory has it or a new one. Nothing runs yet.
    pub(super) async fn prepare(dev: &Dev) -> Result<Self, Problem> {
        let directory = Directory::open(dev)?;
        let (nodes, launch) = (directory.nodes()?, Launch::of_this_program(dev.timing).await?);
        let mut cluster = Self { nodes, launch, other_choices: 0, directory };
        let Some(first) = cluster.nodes.first().map(|node| node.client_address.port()) else {
            cluster.lay_out(chosen(dev.nodes.unwrap_or(NODES).into(), dev.port)?)?;
            cluster.other_choices = if dev.port.is_none() { OTHER_CHOICES } else { 0 };
            return Ok(cluster);
        };
        let (has, asked) = match *dev {
            Dev { nodes: Some(asked), .. } if usize::from(asked) != cluster.nodes.len() => {
                (format!("{} nodes", cluster.nodes.len()), asked.into())
            }
            Dev { port: Some(asked), .. } if asked != first => (format!("its first node on port {first}"), asked),
            _ => return Ok(cluster),
        };
        let path = cluster.directory.path.display();
        Err(Problem::usage(
            format!("the cluster in {path} has {has}, not {asked}, and that cannot be changed"),
            "Leave that option out, or name another directory for another cluster.",
        ))
    }

    /// Starts every node that does not run, makes them a cluster unless they are one, and waits until all serve.
    pub(super) async fn bring_up(&mut self) -> Result<(), Problem> {
        loop {
            self.start()?;
            let Err(problem) = self.until("all nodes answer", |_| true).await else { break };
            if self.other_choices == 0 || self.nodes.iter().all(|node| node.can_listen().is_ok()) {
                return Err(problem);
            }
            // They are no cluster yet, so nobody knows where they were.
            self.other_choices -= 1;
            for node in &mut self.nodes {
                node.kill().await?;
            }
            self.lay_out(chosen(self.nodes.len(), None)?)?;
        }
        self.other_choices = 0;
        let peers: Vec<_> = self.nodes.iter().map(|node| node.peer_address.to_string()).collect();
        let client = self.client(PATIENCE)?;
        client.init(client.addresses().next().unwrap_or_default(), &peers).await?;
        self.until("all nodes serve", |status| status.serving).await
    }

    /// Starts every node that does not run, and names it. It serves a little later.
    pub(super) fn start(&mut self) -> Result<Vec<u64>, Problem> {
        let mut started = Vec::new();
        for node in self.nodes.iter_mut().filter(|node| node.pid().is_none()) {
            node.start(&self.launch).map_err(failed(format!("cannot start node {}", node.id)))?;
            started.push(node.id);
        }
        Ok(started)
    }

    /// Kills a node, as a crash would.
    pub(super) async fn kill(&mut self, node_id: u64) -> Result<(), Problem> {
        for node in self.nodes.iter_mut().filter(|node| node.id == node_id) {
            node.kill().await?;
        }
        Ok(())
    }

    /// The node that leads and serves, as far as those that run know.
    pub(super) async fn leader(&self) -> Option<u64> {
        let client = self.client(STATUS_TIME).ok()?;
        let statuses = self.statuses(&client).await.into_iter().filter_map(|(_, answer)| answer.ok());
        let leaders = statuses.filter(|status| status.role == Role::Leader && status.serving);
        // One that has not heard of its successor yet may still call itself the leader; the higher term is right.
        leaders.max_by_key(|status| status.term).map(|status| status.node.0)
    }

    /// Waits until a node that was started has ended although nobody here stopped it.
    pub(super) async fn ended(&mut self) -> Result<Ended, Problem> {
        select_all(self.nodes.iter_mut().map(|node| Box::pin(node.ended()))).await.0
    }

    /// Stops all nodes, and kills those that still run after a time, or when there is a hurry. It names them.
    pub(super) async fn stop(&mut self, hurry: impl Future<Output = ()>) -> Result<Vec<u64>, Problem> {
        self.nodes.iter().for_each(Node::terminate);
        tokio::select! {
            _all = join_all(self.nodes.iter_mut().filter_map(|node| node.process.as_mut()).map(Child::wait)) => {}
            () = sleep(GRACE) => {}
            () = hurry => {}
        }
        let mut killed = Vec::new();
        for node in &mut self.nodes {
            if node.kill().await? {
                killed.push(node.id);
            }
        }
        Ok(killed)
    }

    /// A client of all nodes.
    pub(super) fn client(&self, timeout: Duration) -> Result<Client, Error> {
        let addresses = self.nodes.iter().map(|node| node.client_address.to_string());
        Client::builder().addresses(addresses).timeout(timeout).build()
    }

    /// Takes nodes for those of this cluster, and writes that down.
    fn lay_out(&mut self, nodes: Vec<Node>) -> Result<(), Problem> {
        self.nodes = nodes.into_iter().map(|node| node.within(&self.directory.path)).collect();
        self.directory.record(&self.nodes)
    }

    /// Waits until every node that was started is so.
    async fn until(&mut self, what: &str, is_so: fn(&NodeStatus) -> bool) -> Result<(), Problem> {
        let (client, deadline) = (self.client(STATUS_TIME)?, Instant::now() + PATIENCE);
        let why_not = |(node, answer): (u64, Result<NodeStatus, Error>)| match answer {
            Ok(status) if is_so(&status) => None,
            Ok(status) => {
                Some(format!("node {node}: {}", status.problem.as_deref().unwrap_or("it does not serve yet")))
            }
            Err(error) => Some(format!("node {node}: {error}")),
        };
        loop {
            if let Some(ended) = self.ended().now_or_never() {
                let story = ended?.story;
                // It is gone, so if its port can't be had, that is because somebody else has it.
                self.nodes.iter().try_for_each(Node::can_listen)?;
                return Err(Problem::failure(story, SEE_LOGS));
            }
            let Some(why_not) = self.statuses(&client).await.into_iter().find_map(why_not) else { return Ok(()) };
            if Instant::now() >= deadline {
                let message = format!("waited {} s in vain until {what}: {why_not}", PATIENCE.as_secs());
                return Err(Problem::failure(message, SEE_LOGS));
            }
            sleep(POLL).await;
        }
    }

    /// How the nodes are that run.
    async fn statuses(&self, client: &Client) -> Vec<(u64, Result<NodeStatus, Error>)> {
        let running = self.nodes.iter().filter(|node| node.pid().is_some());
        join_all(running.map(async |node| (node.id, client.status(&node.client_address.to_string()).await))).await
    }
}

/// So many nodes, numbered from 1: on free ports, or from a given one on.
fn chosen(count: usize, first: Option<u16>) -> Result<Vec<Node>, Problem> {
    if let Some(first) = first {
        let nodes: Vec<_> =
            (1..).zip((first..).step_by(STRIDE)).take(count).map(|(id, port)| Node::new(id, port)).collect();
        nodes.iter().try_for_each(Node::can_listen)?;
        return Ok(nodes);
    }
    let start = rand::random_range(PORTS);
    let ports = (start..PORTS.end).chain(PORTS.start..start).step_by(2);
    let free = ports.filter(|port| Node::new(1, *port).can_listen().is_ok());
    let nodes: Vec<_> = (1..).zip(free.take(count)).map(|(id, port)| Node::new(id, port)).collect();
    if nodes.len() < count {
        let (first, last) = (PORTS.start, PORTS.end - 1);
        let problem =
            format!("there are free ports between {first} and {last} for only {} of {count} nodes", nodes.len());
        return Err(failed("cannot find free ports")(problem));
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{SocketAddr, TcpListener};

    use serde_json::json;

    use crate::cli::exit::Exit;

    use super::*;

    /// What a failure says.
    fn said<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        match result.unwrap_err() {
            Problem::Own(own) => own.message,
            other => panic!("{other:?}"),
        }
    }

    async fn prepare(nodes: Option<u8>, port: Option<u16>) -> Result<Cluster, Problem> {
        Cluster::prepare(&Dev { nodes, port, ..Dev::default() }).await
    }

    #[tokio::test]
    async fn a_cluster_that_is_there_is_continued_as_it_was() {
        let temporary = tempfile::tempdir().unwrap();
        let prepare = async |nodes, port| {
            Cluster::prepare(&Dev { nodes, port, directory: Some(temporary.path().to_owned()), ..Dev::default() }).await
        };
        let before = prepare(Some(2), None).await.unwrap();
        let ports =
            |cluster: &Cluster| -> Vec<_> { cluster.nodes.iter().map(|node| node.client_address.port()).collect() };
        let here = ports(&before);
        assert_eq!(here.len(), 2);
        drop(before);

        let first = here[0];
        for (nodes, port) in [(None, None), (Some(2), Some(first))] {
            let again = prepare(nodes, port).await.unwrap();
            assert_eq!(ports(&again), here);
        }
        for (nodes, port) in [(Some(3), None), (None, Some(first + 1))] {
            assert_eq!(prepare(nodes, port).await.unwrap_err().exit(), Exit::Usage);
        }
    }

    /// Takes a port that was just given up: a process that another test is starting may have it open for a moment longer.
    async fn taken(address: SocketAddr) -> TcpListener {
        let end = Instant::now() + PATIENCE;
        loop {
            match TcpListener::bind(address) {
                Ok(listener) => return listener,
                Err(error) => assert!(Instant::now() < end, "{address}: {error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    // The program that children are started from is this test here. It does not know what `serve` is, and fails.
    #[tokio::test]
    async fn a_node_that_cannot_start_is_told_with_its_last_words() {
        let mut cluster = prepare(Some(2), None).await.unwrap();
        let said = said(cluster.bring_up().await);
        assert!(said.contains("has ended: exit status") && said.contains("\n    error: "), "{said}");
    }

    #[tokio::test]
    async fn nodes_move_away_from_a_port_that_somebody_took_before_they_started() {
        let mut cluster = prepare(Some(1), None).await.unwrap();
        let before = cluster.nodes[0].peer_address;
        let somebody = taken(before).await;

        let ended = said(cluster.bring_up().await);
        assert!(ended.contains("has ended: exit status"), "{ended}");
        assert_ne!(cluster.nodes[0].peer_address, before);
        assert_eq!(json!(cluster.directory.nodes().unwrap()), json!(cluster.nodes));

        // A cluster that was there before can't move.
        cluster.nodes[0].peer_address = before;
        cluster.other_choices = 0;
        assert_eq!(said(cluster.bring_up().await), format!("{before} is taken by another program"));
        drop(somebody);
    }

    #[tokio::test]
    async fn a_given_port_that_is_taken_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("new");
        let dev = Dev { directory: Some(directory.clone()), port: Some(address.port()), ..Dev::default() };
        assert_eq!(said(Cluster::prepare(&dev).await), format!("{address} is taken by another program"));
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn free_ports_are_below_those_of_outgoing_connections() {
        let nodes = chosen(9, None).unwrap();
        let addresses: BTreeSet<_> = nodes.iter().flat_map(|node| [node.client_address, node.peer_address]).collect();
        assert_eq!(addresses.len(), 18);
        assert!(addresses.iter().all(|address| (PORTS.start..=PORTS.end).contains(&address.port())), "{addresses:?}");
        for address in [nodes[4].client_address, nodes[4].peer_address] {
            let somebody = taken(address).await;
            assert_eq!(said(nodes[4].can_listen()), format!("{address} is taken by another program"));
            drop(somebody);
        }
    }

    #[test]
    fn given_ports_are_ten_apart_and_the_next_is_for_peers() {
        // Somebody else may have one of them, so another beginning is tried until none has.
        let nodes = (0..100).find_map(|_| chosen(3, Some(rand::random_range(PORTS))).ok()).unwrap();
        let first = nodes[0].client_address.port();
        let ports = nodes.iter().map(|node| [node.client_address, node.peer_address].map(|at| at.port() - first));
        assert_eq!(ports.collect::<Vec<_>>(), [[0, 1], [10, 11], [20, 21]]);
    }
}
