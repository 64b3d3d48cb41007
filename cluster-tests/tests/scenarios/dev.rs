//! `oncelog dev`: a cluster comes with one command and goes with it, however the command ends.
//!
//! The command is looked at from outside: what it prints, which processes there are, and what is left on the disk.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::binary;
use cluster_tests::client::Client;
use cluster_tests::cluster::turn;
use cluster_tests::launcher::{Launcher, Mounts, mortal};
use cluster_tests::proto::Consistency;
use cluster_tests::scratch::Scratch;
use cluster_tests::wait::{PATIENCE, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::sync::SemaphorePermit;

const DEADLINE: Duration = Duration::from_secs(5);

/// The line that the command prints when its cluster serves.
#[derive(Debug, Deserialize)]
struct Ready {
    directory: PathBuf,
    server: String,
    nodes: Vec<NodeLine>,
}

#[derive(Debug, Deserialize)]
struct NodeLine {
    node_id: u64,
    client_address: SocketAddr,
    peer_address: SocketAddr,
    pid: u32,
    data: PathBuf,
    log: PathBuf,
}

/// The command, while it runs. It is killed when it is dropped, and its nodes with it.
struct Dev {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    // Its processes go with this thread, should the test be killed.
    _launcher: Launcher,
    _turn: SemaphorePermit<'static>,
}

impl Dev {
    /// Starts the command; what it makes and says goes to the test's directory.
    async fn start(scratch: &Scratch, arguments: &[&str]) -> Self {
        let turn = turn().await;
        let launcher = Launcher::new(Mounts::Shared);
        let (out, err) = (scratch.path().join("out"), scratch.path().join("err"));
        let mut command = mortal(binary::ordinary());
        command.args(["dev", "-o", "jsonl", "--timing", "fast"]).args(arguments);
        // Nodes get no settings from outside: with this one they would not even start.
        command.env("TMPDIR", scratch.path()).env("ONCELOG_WORKER_THREADS", "none");
        let file = |path| File::create(path).expect("make a file for what the command says");
        command.stdin(Stdio::null()).stdout(file(&out)).stderr(file(&err));
        let child = launcher.run(move || command.spawn()).expect("start the command");
        Self { child, out, err, _launcher: launcher, _turn: turn }
    }

    /// Waits for the line that says that the cluster serves.
    async fn ready(&mut self) -> Ready {
        let line = until("the cluster serves", PATIENCE * 2, || {
            let ended = self.child.try_wait().expect("look at the command");
            let said = text(&self.out);
            async move {
                assert_eq!(ended, None, "the command has ended");
                said.strip_suffix('\n').map(str::to_owned).ok_or_else(|| "it has not said so".to_owned())
            }
        })
        .await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn signal(&self, signal: Signal) {
        send(self.child.id(), signal);
    }

    /// Waits until it has ended, and lets the next cluster have its turn.
    async fn ended(mut self) -> ExitStatus {
        until("the command ends", PATIENCE, || {
            let ended = self.child.try_wait().expect("look at the command");
            async move { ended.ok_or_else(|| "it runs".to_owned()) }
        })
        .await
    }

    fn said(&self) -> String {
        text(&self.err)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended, as it should.
        drop(self.child.kill());
        self.child.wait().expect("wait for the command");
        if std::thread::panicking() {
            eprintln!("── what the command said ──\n{}", self.said());
        }
    }
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().expect("a process id")), signal).expect("send a signal");
}

fn client(node: &NodeLine) -> Client {
    Client::new(node.client_address, DEADLINE)
}

/// Whether the node's process is there. A number alone could be somebody else's by now, and one that nobody has waited for
/// has no command line any more.
fn runs(node: &NodeLine) -> bool {
    let own = node.data.to_string_lossy().into_owned();
    fs::read(format!("/proc/{}/cmdline", node.pid)).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&own))
}

async fn append(node: &NodeLine, id: &str) -> (u64, bool) {
    let (client, payloads) = (client(node), [Bytes::from_static(b"two tickets")]);
    let answer = until("an append is answered", PATIENCE, || async {
        client.append("orders", id, &payloads).await.map_err(|failure| failure.to_string())
    });
    let answer = answer.await;
    (answer.place.first_offset, answer.replayed)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("read what the command said")
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("read a directory");
    entries.map(|entry| entry.expect("read a directory").path()).collect()
}

/// What the scratch directory holds besides what the command said.
fn left_behind(scratch: &Scratch) -> Vec<PathBuf> {
    entries(scratch.path()).into_iter().filter(|path| path.is_dir()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_comes_with_one_command_and_goes_with_ctrl_c() {
    let scratch = Scratch::new("dev");
    let mut dev = Dev::start(&scratch, &[]).await;
    let ready = dev.ready().await;
    assert_eq!(ready.nodes.iter().map(|node| node.node_id).collect::<Vec<_>>(), [1, 2, 3]);
    let addresses: Vec<String> = ready.nodes.iter().map(|node| node.client_address.to_string()).collect();
    assert_eq!(ready.server, addresses.join(","));
    assert_eq!(left_behind(&scratch), [ready.directory.canonicalize().unwrap()]);
    for node in &ready.nodes {
        assert!(runs(node) && node.log.is_file() && node.data.starts_with(&ready.directory), "{node:?}");
        assert!(node.client_address.ip().is_loopback() && node.peer_address.ip().is_loopback(), "{node:?}");
        assert_eq!(append(node, "pay-7").await, (0, node.node_id > 1), "at node {}", node.node_id);
    }

    dev.signal(Signal::SIGINT);
    assert_eq!(dev.ended().await.code(), Some(0));
    assert!(!ready.nodes.iter().any(runs), "a node is left");
    assert_eq!(left_behind(&scratch), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_goes_on_where_it_stopped() {
    let scratch = Scratch::new("dev-keep");
    let mut dev = Dev::start(&scratch, &["--keep"]).await;
    let first = dev.ready().await;
    assert_eq!(append(&first.nodes[0], "pay-7").await, (0, false));
    dev.signal(Signal::SIGTERM);
    assert_eq!(dev.ended().await.code(), Some(0));
    assert!(!first.nodes.iter().any(runs), "a node is left");
    assert_eq!(left_behind(&scratch), [first.directory.canonicalize().unwrap()]);

    let mut dev = Dev::start(&scratch, &["--directory", first.directory.to_str().unwrap()]).await;
    let again = dev.ready().await;
    assert_eq!((&again.server, &again.directory), (&first.server, &first.directory));
    assert_eq!(append(&again.nodes[1], "pay-7").await, (0, true));
    assert_eq!(client(&again.nodes[2]).end("orders").await.unwrap(), 1);
    dev.signal(Signal::SIGINT);
    assert_eq!(dev.ended().await.code(), Some(0));
    assert!(!again.nodes.iter().any(runs), "a node is left");
    assert!(first.directory.is_dir(), "what was there before stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_do_not_outlive_a_command_that_is_killed() {
    let scratch = Scratch::new("dev-killed");
    let mut dev = Dev::start(&scratch, &[]).await;
    let ready = dev.ready().await;
    // Not even one that can't do anything.
    send(ready.nodes[2].pid, Signal::SIGSTOP);
    dev.signal(Signal::SIGKILL);
    dev.ended().await;
    until("all nodes are gone", PATIENCE, || async {
        let left: Vec<u64> = ready.nodes.iter().filter(|node| runs(node)).map(|node| node.node_id).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("the nodes {left:?} run")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_is_told_and_comes_back_when_it_is_asked_for() {
    let scratch = Scratch::new("dev-node-killed");
    let mut dev = Dev::start(&scratch, &[]).await;
    let ready = dev.ready().await;
    let victim = &ready.nodes[1];
    assert_eq!(append(victim, "pay-7").await, (0, false));
    send(victim.pid, Signal::SIGKILL);
    until("the command tells it", PATIENCE, || async {
        let said = dev.said();
        let expected = format!("node 2 (pid {}) has ended: signal: 9 (SIGKILL)", victim.pid);
        if said.contains(&expected) { Ok(()) } else { Err(said) }
    })
    .await;
    for node in [&ready.nodes[0], &ready.nodes[2]] {
        assert_eq!(append(node, "pay-7").await, (0, true), "at node {}", node.node_id);
    }

    dev.signal(Signal::SIGUSR1);
    let back = client(victim);
    until("the node serves again", PATIENCE, || async {
        let status = back.status().await.map_err(|failure| failure.to_string())?;
        if status.serving { Ok(()) } else { Err(status.problem) }
    })
    .await;
    let page = back.read("orders", 0, Consistency::Linearizable).await.unwrap();
    assert_eq!(page.records.len(), 1);

    dev.signal(Signal::SIGINT);
    assert_eq!(dev.ended().await.code(), Some(0), "a node that somebody killed is no failure of the command");
    assert_eq!(left_behind(&scratch), Vec::<PathBuf>::new());
    assert!(!any_process_names(&ready.directory), "a node is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_by_itself_is_told_and_makes_the_command_fail() {
    let scratch = Scratch::new("dev-node-failed");
    let mut dev = Dev::start(&scratch, &["-n", "1"]).await;
    let ready = dev.ready().await;
    send(ready.nodes[0].pid, Signal::SIGABRT);
    until("the command tells it", PATIENCE, || async {
        let said = dev.said();
        if said.contains("\"error\"") && said.contains("SIGABRT") { Ok(()) } else { Err(said) }
    })
    .await;
    dev.signal(Signal::SIGINT);
    assert_eq!(dev.ended().await.code(), Some(1));
    assert_eq!(left_behind(&scratch), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_somebody_else_is_refused_and_not_touched() {
    let scratch = Scratch::new("dev-refused");
    let theirs = scratch.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("letter"), "dear").unwrap();
    let dev = Dev::start(&scratch, &["--directory", theirs.to_str().unwrap()]).await;
    let err = dev.err.clone();
    assert_eq!(dev.ended().await.code(), Some(2));
    let said = text(&err);
    assert!(said.contains("is not empty, and holds no cluster of `oncelog dev`"), "{said}");
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);
}

/// Whether any process's command line names the directory.
fn any_process_names(directory: &Path) -> bool {
    let own = directory.to_string_lossy().into_owned();
    let mut lines =
        entries(Path::new("/proc")).into_iter().filter_map(|process| fs::read(process.join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(&own))
}
