//! One node: a process, its data directory and its log.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::client::{Client, Failure};
use crate::launcher::{Launcher, mortal};
use crate::links::Processes;
use crate::proto::StatusResponse;
use crate::wait::PATIENCE;

const STATUS_DEADLINE: Duration = Duration::from_secs(2);
/// Longer lines are cut when a node's last words are shown; its log has them in full.
const LINE_CHARACTERS_MAX: usize = 300;

/// What a node is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its id.
    pub id: u64,
    /// The binary that it runs at first.
    pub binary: PathBuf,
    /// Where clients reach it.
    pub client_address: SocketAddr,
    /// Where its peers reach it.
    pub peer_address: SocketAddr,
    /// Where it listens for clients: the same, or behind a relay.
    pub client_listen: SocketAddr,
    /// Where it listens for peers: the same, or behind a relay.
    pub peer_listen: SocketAddr,
    /// Where the harness asks its own questions, past all rules for the network.
    pub asked_at: SocketAddr,
    /// Where its peers' questions may be asked in the same way.
    pub asked_as_peer_at: SocketAddr,
    /// The network namespace that it runs in, if it has one.
    pub namespace: Option<PathBuf>,
    /// Its data.
    pub data: PathBuf,
    /// What it says; kept through restarts.
    pub log: PathBuf,
    /// The profile of timeouts.
    pub timing: &'static str,
    /// More arguments for `oncelog serve`.
    pub arguments: Vec<String>,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
}

/// A node, running or not.
#[derive(Debug)]
pub struct Node {
    plan: Plan,
    binary: Mutex<PathBuf>,
    launcher: Arc<Launcher>,
    processes: Arc<Processes>,
    process: Mutex<Option<Child>>,
    client: Client,
}

impl Node {
    /// A node that does not run yet.
    pub fn new(plan: Plan, launcher: &Arc<Launcher>, processes: &Arc<Processes>) -> Self {
        let client = Client::new(plan.asked_at, STATUS_DEADLINE);
        let (binary, launcher, processes) =
            (Mutex::new(plan.binary.clone()), Arc::clone(launcher), Arc::clone(processes));
        Self { plan, binary, launcher, processes, process: Mutex::new(None), client }
    }

    /// Its id.
    pub fn id(&self) -> u64 {
        self.plan.id
    }

    /// What it is made of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A client of this node for the harness's own questions, which go past all rules for the network.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A client of this node with a deadline and a connection of its own.
    pub fn client_with_deadline(&self, deadline: Duration) -> Client {
        Client::new(self.plan.client_address, deadline)
    }

    /// The same with a deadline and a connection of its own.
    pub fn asked_within(&self, deadline: Duration) -> Client {
        Client::new(self.plan.asked_at, deadline)
    }

    /// Starts the process. What it says goes to its log.
    pub fn start(&self) {
        let mut process = self.process();
        assert!(process.is_none(), "node {} is running already", self.id());
        let log = OpenOptions::new().create(true).append(true).open(&self.plan.log).expect("open the node's log");
        let mut command = self.program();
        // What the person at this machine has configured is not what is tested.
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("ONCELOG_")));
        command.env("RUST_BACKTRACE", "1").envs(self.plan.variables.iter().cloned());
        command.arg("serve");
        command.args(["--node-id", &self.id().to_string()]);
        command.arg("--data-dir").arg(&self.plan.data);
        command.args(["--client-listen", &self.plan.client_listen.to_string()]);
        command.args(["--peer-listen", &self.plan.peer_listen.to_string()]);
        command.args(["--client-advertise", &self.plan.client_address.to_string()]);
        command.args(["--peer-advertise", &self.plan.peer_address.to_string()]);
        command.args(["--timing", self.plan.timing]).args(&self.plan.arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("share the node's log")).stderr(log);
        let child = self.launcher.run(move || command.spawn());
        let child = child.unwrap_or_else(|error| panic!("start node {}: {error}", self.id()));
        self.processes.started(self.id(), child.id());
        *process = Some(child);
    }

    /// What runs it, in its own network if it has one.
    fn program(&self) -> Command {
        let Some(namespace) = &self.plan.namespace else { return mortal(&*self.binary()) };
        // It becomes the process that it starts.
        let mut command = mortal("nsenter");
        command.arg(format!("--net={}", namespace.display())).arg("--").arg(&*self.binary());
        command
    }

    /// Has it run another binary from its next start on.
    pub fn use_binary(&self, binary: &Path) {
        binary.clone_into(&mut self.binary());
    }

    fn binary(&self) -> MutexGuard<'_, PathBuf> {
        self.binary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills the process as a crash would: it gets no chance to do anything. What the page cache holds stays.
    pub fn kill(&self) {
        if let Some(mut child) = self.process().take() {
            // It may have ended by itself; then there is nobody to kill.
            drop(child.kill());
            child.wait().expect("wait for the killed node");
        }
    }

    /// Stops the process in its tracks; its connections stay open. When this returns, none of its threads runs any more:
    /// the signal alone leaves them a moment, and a busy machine makes it long.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        let tasks = PathBuf::from(format!("/proc/{}/task", self.pid().unwrap_or_default()));
        let end = Instant::now() + PATIENCE;
        while !are_stopped(&tasks) {
            assert!(Instant::now() < end, "node {} does not stop", self.id());
            std::thread::yield_now();
        }
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Asks the process to end, as an operator does.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// The process's id, if it runs.
    pub fn pid(&self) -> Option<u32> {
        let mut process = self.process();
        let child = process.as_mut()?;
        child.try_wait().expect("look at the node").is_none().then(|| child.id())
    }

    /// How the process ended, if it did so by itself.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process().as_mut().and_then(|child| child.try_wait().expect("look at the node"))
    }

    /// Forgets a process that has ended by itself, so that the node can be started again.
    pub fn reap(&self) {
        self.kill();
    }

    /// Removes everything that the node has stored. It must not run.
    pub fn wipe(&self) {
        assert!(self.pid().is_none(), "node {} runs", self.id());
        self.with_data(|data| std::fs::remove_dir_all(data)).expect("remove the node's data");
    }

    /// Does something to what the node has stored, where its mounts are seen.
    pub fn with_data<T: Send + 'static>(&self, work: impl FnOnce(&Path) -> T + Send + 'static) -> T {
        let data = self.plan.data.clone();
        self.launcher.run(move || work(&data))
    }

    /// How the node is.
    pub async fn status(&self) -> Result<StatusResponse, Failure> {
        self.client.status().await
    }

    /// All that it has said.
    pub fn said(&self) -> String {
        read_lossy(&self.plan.log)
    }

    /// The last lines that it has said.
    pub fn last_words(&self, lines: usize) -> String {
        let said = self.said();
        let all: Vec<&str> = said.lines().collect();
        let last = all.get(all.len().saturating_sub(lines)..).unwrap_or_default();
        let short = |line: &&str| line.chars().take(LINE_CHARACTERS_MAX).collect::<String>();
        last.iter().map(short).collect::<Vec<_>>().join("\n")
    }

    fn signal(&self, signal: Signal) {
        let pid = self.pid().unwrap_or_else(|| panic!("node {} does not run; it can take no {signal}", self.id()));
        kill(Pid::from_raw(pid.try_into().expect("a process id")), signal).expect("signal the node");
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether every thread of a process is stopped, as the kernel has it.
fn are_stopped(tasks: &Path) -> bool {
    let threads = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    let states = threads.map(|thread| std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default());
    // The state follows the name, which is in brackets; a thread that is gone has none.
    states
        .into_iter()
        .all(|stat| stat.is_empty() || stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read_lossy(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
