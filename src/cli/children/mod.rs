//! A cluster whose nodes are children of this process: to be played with, measured and thrown away.
//!
//! - Its nodes listen on this machine only, and keep everything in one directory.
//! - They go with this process, however it ends, if this machine has `setpriv`: see [`Children::go_with_this_process`]. The
//!   kernel ties them to the thread that started them, so [`Children::bring_up`] and [`Children::start`] are called from a
//!   thread that lives as long as the cluster: from what the main thread blocks on, not from a task of many threads.
//! - Dropped, they are killed, and then the directory goes if it is to go.
//! - Nothing waits without a deadline, and a node that ends meanwhile ends the wait, with its last words.

mod directory;
mod ended;
mod error;
mod manifest;
mod ports;
mod process;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::{join_all, select_all};
use tokio::time::{Instant, sleep};

use crate::cli::arguments::Timing;
use crate::cli::problem::Problem;
use crate::client::Client;
use crate::types::{NodeId, NodeStatus, Role};

pub(super) use directory::{Afterwards, Directory};
pub(super) use ended::Ended;

use error::{NotUp, io as failed};
use manifest::{Manifest, Place};
use ports::Pair;
use process::{Launch, Node};

const NODES: usize = 3;
/// How long nodes may take to answer, to become a cluster, or to serve: generous, because the machine may be small and busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one node may take to say how it is; a client gives one attempt a third of it.
const STATUS_TIME: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(25);
/// How long a node may take to stop before it is killed.
const GRACE: Duration = Duration::from_secs(15);
/// How often other ports are tried when one was taken between its choice and the node's start.
const PORT_CHOICES: usize = 5;

/// What a cluster is made of.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// How many nodes: as many as the directory's cluster has if nothing is said, or three.
    pub(super) nodes: Option<usize>,
    /// How soon a silent leader is replaced.
    pub(super) timing: Timing,
    /// The first node's port for clients; the next is for its peers, and each further node's are ten further. Those of
    /// the directory's cluster if nothing is said, or free ones.
    pub(super) first_port: Option<u16>,
}

/// What runs where.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) node: NodeId,
    /// Where clients reach it.
    pub(super) client_address: SocketAddr,
    /// Where its peers reach it.
    pub(super) peer_address: SocketAddr,
    /// Its process, if it runs.
    pub(super) pid: Option<u32>,
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
}

/// A cluster of children.
#[derive(Debug)]
pub(super) struct Children {
    // In this order they go: processes before the directory.
    nodes: Vec<Node>,
    launch: Launch,
    asking: Client,
    /// Whether nobody knows the nodes' addresses yet, and nobody has chosen them.
    may_move: bool,
    directory: Directory,
}

impl Children {
    /// A new cluster in the directory, or the one that is there. Nothing runs yet.
    pub(super) async fn prepare(directory: Directory, settings: &Settings) -> Result<Self, Problem> {
        let launch = Launch::of_this_program(settings.timing).await?;
        let (nodes, may_move) = if let Some(manifest) = directory.manifest() {
            agree(settings, manifest, directory.path())?;
            let places = manifest.nodes.iter();
            (places.map(|place| Node::new(directory.path(), *place, None)).collect(), false)
        } else {
            let count = settings.nodes.unwrap_or(NODES);
            let pairs = match settings.first_port {
                Some(first) => ports::from(first, count).map_err(not_held)?,
                None => ports::free(count).map_err(failed("cannot find free ports"))?,
            };
            (lay_out(&directory, pairs)?, settings.first_port.is_none())
        };
        let asking = client(&nodes, STATUS_TIME)?;
        Ok(Self { nodes, launch, asking, may_move, directory })
    }

    /// Starts every node that does not run, makes them a cluster unless they are one, and waits until all serve.
    pub(super) async fn bring_up(&mut self) -> Result<(), Problem> {
        self.start_all().await?;
        let peers: Vec<_> = self.nodes.iter().map(|node| node.place().peer_address.to_string()).collect();
        let first = self.addresses().next().unwrap_or_default();
        client(&self.nodes, PATIENCE)?.init(&first, &peers).await?;
        self.may_move = false;
        self.until_all_serve().await
    }

    /// Starts a node, unless it runs. It serves a little later.
    pub(super) fn start(&mut self, node: NodeId) -> Result<(), Problem> {
        let launch = &self.launch;
        self.nodes.iter_mut().filter(|known| known.id() == node).try_for_each(|node| node.start(launch))
    }

    /// Kills a node, as a crash would.
    pub(super) async fn kill(&mut self, node: NodeId) -> Result<(), Problem> {
        for known in self.nodes.iter_mut().filter(|known| known.id() == node) {
            known.kill().await?;
        }
        Ok(())
    }

    /// Waits until every node that was started serves.
    pub(super) async fn until_all_serve(&mut self) -> Result<(), Problem> {
        Ok(self.until("all nodes serve", |status| status.serving).await?)
    }

    /// The node that leads and serves, as far as those that run know.
    pub(super) async fn leader(&self) -> Option<NodeId> {
        let statuses = self.statuses().await.into_iter().filter_map(|(_, answer)| answer.ok());
        let leaders = statuses.filter(|status| status.role == Role::Leader && status.serving);
        // One that has not heard of its successor yet may still call itself the leader; the higher term is right.
        leaders.max_by_key(|status| status.term).map(|status| status.node)
    }

    /// Waits until a node that was started has ended although nobody here stopped it.
    pub(super) async fn ended(&mut self) -> Result<Ended, Problem> {
        let running = self.nodes.iter_mut().filter(|node| node.pid().is_some());
        let waits: Vec<_> = running.map(|node| Box::pin(node.ended())).collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        select_all(waits).await.0
    }

    /// Stops all nodes, and kills those that take too long, which it names.
    pub(super) async fn stop(&mut self) -> Result<Vec<NodeId>, Problem> {
        let stopped = join_all(self.nodes.iter_mut().map(async |node| (node.id(), node.stop(GRACE).await))).await;
        let mut killed = Vec::new();
        for (node, was_killed) in stopped {
            if was_killed? {
                killed.push(node);
            }
        }
        Ok(killed)
    }

    /// Removes the directory if it is to go. No node may run.
    pub(super) fn clear_away(self) -> Result<(), Problem> {
        drop(self.nodes);
        self.directory.clear_away()
    }

    /// Where clients reach the nodes.
    pub(super) fn addresses(&self) -> impl Iterator<Item = String> {
        self.nodes.iter().map(|node| node.place().client_address.to_string())
    }

    /// What runs where.
    pub(super) fn children(&self) -> Vec<Child> {
        let child = |node: &Node| {
            let Place { client_address, peer_address, .. } = node.place();
            let (data, log) = (node.data().to_owned(), node.log().to_owned());
            Child { node: node.id(), client_address, peer_address, pid: node.pid(), data, log }
        };
        self.nodes.iter().map(child).collect()
    }

    /// Where everything is kept.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether the kernel kills the nodes when this process is killed.
    pub(super) fn go_with_this_process(&self) -> bool {
        self.launch.binds
    }

    /// Starts every node that does not run, and waits until all answer: on other ports if one is taken by somebody else.
    async fn start_all(&mut self) -> Result<(), Problem> {
        let mut choices_left = if self.may_move { PORT_CHOICES } else { 1 };
        loop {
            choices_left -= 1;
            self.nodes.iter_mut().try_for_each(|node| node.start(&self.launch))?;
            match self.until("all nodes answer", |_| true).await {
                Err(NotUp::Taken(_)) if choices_left > 0 => self.move_elsewhere().await?,
                done => return Ok(done?),
            }
        }
    }

    /// Gives all nodes other ports. They are no cluster yet, so nobody knows the old ones.
    async fn move_elsewhere(&mut self) -> Result<(), Problem> {
        for node in &mut self.nodes {
            node.kill().await?;
        }
        let pairs = ports::free(self.nodes.len()).map_err(failed("cannot find free ports"))?;
        self.nodes = lay_out(&self.directory, pairs)?;
        self.asking = client(&self.nodes, STATUS_TIME)?;
        Ok(())
    }

    /// Waits until every node that was started is so.
    async fn until(&mut self, what: &str, is_so: fn(&NodeStatus) -> bool) -> Result<(), NotUp> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.check()?;
            let statuses = self.statuses().await;
            let Some(why_not) = statuses.iter().find_map(|(node, answer)| match answer {
                Ok(status) if is_so(status) => None,
                Ok(status) => {
                    let problem = status.problem.as_deref().unwrap_or("it does not serve yet");
                    Some(format!("node {node}: {problem}"))
                }
                Err(error) => Some(format!("node {node}: {error}")),
            }) else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                let message = format!("waited {} s in vain until {what}: {why_not}", PATIENCE.as_secs());
                return Err(Problem::failure(message, error::SEE_LOGS).into());
            }
            sleep(POLL).await;
        }
    }

    /// Fails if a node that was started has ended.
    fn check(&mut self) -> Result<(), NotUp> {
        for node in &mut self.nodes {
            if let Some(ended) = node.has_ended()? {
                // It is gone, so if its port can't be had, that is because somebody else has it.
                let taken = node.addresses().into_iter().find(|address| ports::is_taken(*address));
                return Err(taken.map_or_else(|| NotUp::Failed(error::has_ended(&ended)), NotUp::Taken));
            }
        }
        Ok(())
    }

    /// How the nodes are that were started.
    async fn statuses(&self) -> Vec<(NodeId, Result<NodeStatus, crate::client::Error>)> {
        let running = self.nodes.iter().filter(|node| node.pid().is_some());
        join_all(running.map(async |node| {
            let status = self.asking.status(&node.place().client_address.to_string()).await;
            (node.id(), status)
        }))
        .await
    }
}

fn client(nodes: &[Node], timeout: Duration) -> Result<Client, Problem> {
    let addresses = nodes.iter().map(|node| node.place().client_address.to_string());
    Ok(Client::builder().addresses(addresses).timeout(timeout).build()?)
}

/// Gives nodes, numbered from 1, these ports, and records them.
fn lay_out(directory: &Directory, pairs: Vec<Pair>) -> Result<Vec<Node>, Problem> {
    let mut nodes = Vec::new();
    for (node_id, pair) in (1..).zip(pairs) {
        let (client_address, peer_address) = pair.addresses().map_err(failed("cannot learn a port's number"))?;
        nodes.push(Node::new(directory.path(), Place { node_id, client_address, peer_address }, Some(pair)));
    }
    directory.record(&Manifest::new(nodes.iter().map(Node::place).collect()))?;
    Ok(nodes)
}

/// Fails if the cluster that is there is another than the one that is asked for.
fn agree(settings: &Settings, manifest: &Manifest, directory: &Path) -> Result<(), Problem> {
    let other = |has: &str, asked: &str| {
        Err(Problem::usage(
            format!("the cluster in {} has {has}, not {asked}, and that cannot be changed", directory.display()),
            "Leave that option out, or name another directory for another cluster.",
        ))
    };
    if let Some(nodes) = settings.nodes.filter(|nodes| *nodes != manifest.nodes.len()) {
        return other(&format!("{} nodes", manifest.nodes.len()), &nodes.to_string());
    }
    let first = manifest.nodes.first().map(|place| place.client_address.port());
    match (settings.first_port, first) {
        (Some(asked), Some(has)) if asked != has => other(&format!("its first node on port {has}"), &asked.to_string()),
        _ => Ok(()),
    }
}

fn not_held((address, error): (SocketAddr, std::io::Error)) -> Problem {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => error::taken(address),
        _ => failed(format!("cannot listen on {address}"))(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::exit::Exit;

    use super::*;

    /// What a failure says.
    fn said<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        match result.unwrap_err() {
            Problem::Own(own) => own.message,
            other => panic!("{other:?}"),
        }
    }

    fn settings(nodes: Option<usize>, first_port: Option<u16>) -> Settings {
        Settings { nodes, first_port, timing: Timing::Default }
    }

    #[tokio::test]
    async fn a_cluster_that_is_there_is_continued_as_it_was() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = || Directory::at(temporary.path(), Afterwards::Remove).unwrap();
        let before = Children::prepare(directory(), &settings(Some(2), None)).await.unwrap();
        let addresses: Vec<_> = before.addresses().collect();
        assert_eq!(addresses.len(), 2);
        drop(before);

        let first = addresses[0].rsplit_once(':').unwrap().1.parse().unwrap();
        for same in [settings(None, None), settings(Some(2), Some(first))] {
            let again = Children::prepare(directory(), &same).await.unwrap();
            assert_eq!(again.addresses().collect::<Vec<_>>(), addresses);
        }
        for other in [settings(Some(3), None), settings(None, Some(first + 1))] {
            let problem = Children::prepare(directory(), &other).await.unwrap_err();
            assert_eq!(problem.exit(), Exit::Usage);
        }
    }

    /// Takes a port that was just given up: a process that another test is starting may have it open for a moment longer.
    async fn taken(address: SocketAddr) -> std::net::TcpListener {
        let end = Instant::now() + PATIENCE;
        loop {
            match std::net::TcpListener::bind(address) {
                Ok(listener) => return listener,
                Err(error) => assert!(Instant::now() < end, "{address}: {error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    // The program that children are started from is this test here. It does not know what `serve` is, and fails.
    #[tokio::test]
    async fn a_node_that_cannot_start_is_told_with_its_last_words() {
        let directory = Directory::temporary(Afterwards::Remove).unwrap();
        let mut children = Children::prepare(directory, &settings(Some(2), None)).await.unwrap();
        let said = said(children.bring_up().await);
        assert!(said.contains("has ended: exit status") && said.contains("\n    error: "), "{said}");
    }

    #[tokio::test]
    async fn nodes_move_away_from_a_port_that_somebody_took_before_they_started() {
        let directory = Directory::temporary(Afterwards::Remove).unwrap();
        let mut children = Children::prepare(directory, &settings(Some(1), None)).await.unwrap();
        let place = children.nodes[0].place();
        children.nodes = vec![Node::new(children.directory.path(), place, None)];
        let _somebody = taken(place.peer_address).await;

        let ended = said(children.bring_up().await);
        assert!(ended.contains("has ended: exit status"), "{ended}");
        let moved = children.nodes[0].place();
        assert_ne!(moved.peer_address, place.peer_address);
        let recorded = Manifest::read(children.directory.path()).unwrap().unwrap();
        assert_eq!(recorded.nodes, [moved]);

        // A cluster that was there before can't move.
        children.nodes = vec![Node::new(children.directory.path(), place, None)];
        children.may_move = false;
        let taken = said(children.bring_up().await);
        assert_eq!(taken, format!("{} is taken by another program", place.peer_address));
    }

    #[tokio::test]
    async fn a_given_port_that_is_taken_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let directory = Directory::temporary(Afterwards::Remove).unwrap();
        let path = directory.path().to_owned();
        let taken = said(Children::prepare(directory, &settings(None, Some(address.port()))).await);
        assert_eq!(taken, format!("{address} is taken by another program"));
        assert!(!path.exists());
    }
}
