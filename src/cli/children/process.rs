//! One node as a child of this process.
//!
//! - It has its data and its log in a directory of its own; the log goes on through restarts.
//! - It hears no signal of the terminal: whoever presses Ctrl-C stops the parent, which stops its children.
//! - It does not outlive its parent: where `setpriv` is there, the kernel kills it when the *thread* that started it is
//!   gone. A kill, because a node that hangs or is paused must go, too, and because a crash loses nothing that was
//!   acknowledged.

use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cli::arguments::Timing;
use crate::cli::problem::Problem;
use crate::types::NodeId;

use super::ended::Ended;
use super::error::io as failed;
use super::manifest::Place;
use super::ports::Pair;

/// The beginning of every variable that is a setting of nodes.
const SETTINGS: &str = "ONCELOG_";
/// How a process asks to be killed when its parent goes, before it becomes another program.
const SETPRIV: (&str, [&str; 3]) = ("setpriv", ["--pdeathsig", "KILL", "--"]);

/// How nodes are started.
#[derive(Debug)]
pub(super) struct Launch {
    program: PathBuf,
    timing: Timing,
    /// Whether the kernel ends the nodes with this process.
    pub(super) binds: bool,
}

impl Launch {
    /// Nodes of this very program.
    pub(super) async fn of_this_program(timing: Timing) -> Result<Self, Problem> {
        let program = std::env::current_exe().map_err(failed("cannot find this program's own file"))?;
        // Tried, because some machines have a `setpriv` that doesn't know the flag.
        let (setpriv, flags) = SETPRIV;
        let mut trial = Command::new(setpriv);
        trial.args(flags).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let binds = trial.status().await.is_ok_and(|status| status.success());
        Ok(Self { program, timing, binds })
    }

    fn command(&self) -> Command {
        let mut command = if self.binds {
            let (setpriv, flags) = SETPRIV;
            let mut command = Command::new(setpriv);
            command.args(flags).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        // What is configured for another node of this machine is not meant for these.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(SETTINGS)) {
            command.env_remove(name);
        }
        command.arg("serve").args(["--timing", self.timing.as_str()]);
        command.process_group(0).kill_on_drop(true).stdin(Stdio::null());
        command
    }
}

/// A node, running or not.
#[derive(Debug)]
pub(super) struct Node {
    place: Place,
    data: PathBuf,
    log: PathBuf,
    held: Option<Pair>,
    process: Option<Child>,
}

impl Node {
    /// A node of the cluster in a directory. Its ports may be held for it until it starts.
    pub(super) fn new(cluster: &Path, place: Place, held: Option<Pair>) -> Self {
        let own = cluster.join(format!("node-{}", place.node_id));
        Self { place, data: own.join("data"), log: own.join("log"), held, process: None }
    }

    pub(super) fn id(&self) -> NodeId {
        NodeId(self.place.node_id)
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Its process's id, if it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Where it listens, for clients and for peers.
    pub(super) fn addresses(&self) -> [SocketAddr; 2] {
        [self.place.client_address, self.place.peer_address]
    }

    /// Starts it, unless it runs.
    pub(super) fn start(&mut self, launch: &Launch) -> Result<(), Problem> {
        if self.process.is_some() {
            return Ok(());
        }
        let node = self.id();
        let cannot_start = || format!("cannot start node {node}");
        fs::create_dir_all(&self.data).map_err(failed(cannot_start()))?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log).map_err(failed(cannot_start()))?;
        let mut command = launch.command();
        command.args(["--node-id", &self.place.node_id.to_string()]);
        command.arg("--data-dir").arg(&self.data);
        command.args(["--client-listen", &self.place.client_address.to_string()]);
        command.args(["--peer-listen", &self.place.peer_address.to_string()]);
        command.stdout(log.try_clone().map_err(failed(cannot_start()))?).stderr(log);
        drop(self.held.take());
        self.process = Some(command.spawn().map_err(failed(cannot_start()))?);
        Ok(())
    }

    /// Kills it, as a crash would.
    pub(super) async fn kill(&mut self) -> Result<(), Problem> {
        if let Some(child) = &mut self.process {
            child.kill().await.map_err(failed(format!("cannot kill node {}", self.place.node_id)))?;
        }
        self.process = None;
        Ok(())
    }

    /// Asks it to end, and kills it if it has not done so in time. Says whether that was needed.
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<bool, Problem> {
        let Some(child) = &mut self.process else { return Ok(false) };
        if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // Nobody has waited for the process yet, so the number is still its own, even if it has ended.
            let _ended_meanwhile = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let in_time = timeout(grace, child.wait()).await.is_ok();
        self.kill().await?;
        Ok(!in_time)
    }

    /// How it has ended, if it has since it was started.
    pub(super) fn has_ended(&mut self) -> Result<Option<Ended>, Problem> {
        let Some(child) = &mut self.process else { return Ok(None) };
        let pid = child.id();
        let status = child.try_wait().map_err(failed(format!("cannot watch node {}", self.place.node_id)))?;
        Ok(status.map(|status| self.told(pid, status)))
    }

    /// Waits until it has ended. It must run. Nothing is lost if the wait is given up.
    pub(super) async fn ended(&mut self) -> Result<Ended, Problem> {
        let Some(child) = &mut self.process else { return std::future::pending().await };
        let pid = child.id();
        let status = child.wait().await.map_err(failed(format!("cannot watch node {}", self.place.node_id)))?;
        Ok(self.told(pid, status))
    }

    fn told(&mut self, pid: Option<u32>, status: ExitStatus) -> Ended {
        self.process = None;
        Ended::new(self.id(), pid.unwrap_or_default(), status, &self.log)
    }
}
