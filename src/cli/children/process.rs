//! One node as a child of this process.
//!
//! - It has its data and its log in a directory of its own; the log goes on through restarts.
//! - It hears no signal of the terminal: whoever presses Ctrl-C stops the parent, which stops its children.
//! - It does not outlive its parent: where `setpriv` is there, the kernel kills it when the *thread* that started it is
//!   gone. A kill, because a node that hangs or is paused must go, too, and because a crash loses nothing that was
//!   acknowledged.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cli::arguments::Timing;
use crate::types::NodeId;

use super::error::{Error, io as failed};
use super::manifest::Place;
use super::ports::Pair;

/// How much of a log is shown when its node has ended.
const LAST_LINES: usize = 12;
/// Where the last lines are looked for.
const LAST_BYTES: u64 = 16 << 10;
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
    pub(super) async fn of_this_program(timing: Timing) -> Result<Self, Error> {
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
    pub(super) fn start(&mut self, launch: &Launch) -> Result<(), Error> {
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
    pub(super) async fn kill(&mut self) -> Result<(), Error> {
        if let Some(child) = &mut self.process {
            child.kill().await.map_err(failed(format!("cannot kill node {}", self.place.node_id)))?;
        }
        self.process = None;
        Ok(())
    }

    /// Asks it to end, and kills it if it has not done so in time. Says whether that was needed.
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<bool, Error> {
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
    pub(super) fn has_ended(&mut self) -> Result<Option<Ended>, Error> {
        let Some(child) = &mut self.process else { return Ok(None) };
        let pid = child.id();
        let status = child.try_wait().map_err(failed(format!("cannot watch node {}", self.place.node_id)))?;
        Ok(status.map(|status| self.told(pid, status)))
    }

    /// Waits until it has ended. It must run. Nothing is lost if the wait is given up.
    pub(super) async fn ended(&mut self) -> Result<Ended, Error> {
        let Some(child) = &mut self.process else { return std::future::pending().await };
        let pid = child.id();
        let status = child.wait().await.map_err(failed(format!("cannot watch node {}", self.place.node_id)))?;
        Ok(self.told(pid, status))
    }

    fn told(&mut self, pid: Option<u32>, status: ExitStatus) -> Ended {
        self.process = None;
        let last_words = last_words(&self.log).unwrap_or_else(|error| format!("(cannot read it: {error})"));
        Ended { node: self.id(), pid: pid.unwrap_or_default(), status, log: self.log.clone(), last_words }
    }
}

/// A node that has ended although nobody here stopped it.
#[derive(Debug)]
pub(in crate::cli) struct Ended {
    node: NodeId,
    pid: u32,
    status: ExitStatus,
    log: PathBuf,
    last_words: String,
}

impl Ended {
    /// Whether it failed. A node that somebody has killed, or told to stop, did not.
    pub(in crate::cli) fn is_failure(&self) -> bool {
        !self.status.success() && self.status.signal() != Some(Signal::SIGKILL as i32)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, pid, status, log, last_words } = self;
        write!(formatter, "node {node} (pid {pid}) has ended: {status}. The end of {}:", log.display())?;
        last_words.lines().try_for_each(|line| write!(formatter, "\n    {line}"))
    }
}

/// The last lines of a log.
fn last_words(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(wait_status: i32) -> Ended {
        let status = ExitStatus::from_raw(wait_status);
        Ended { node: NodeId(2), pid: 4711, status, log: "node-2/log".into(), last_words: "a\nb".to_owned() }
    }

    #[test]
    fn a_node_that_somebody_ended_has_not_failed() {
        let [killed, told, refused, aborted] = [9, 0, 1 << 8, 6].map(|status| ended(status).is_failure());
        assert_eq!([killed, told, refused, aborted], [false, false, true, true]);
    }

    #[test]
    fn a_node_that_has_ended_is_told_with_its_last_words() {
        let expected = "node 2 (pid 4711) has ended: exit status: 1. The end of node-2/log:\n    a\n    b";
        assert_eq!(ended(1 << 8).to_string(), expected);
    }

    #[test]
    fn last_words_are_few_however_long_the_log_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(last_words(file.path()).unwrap(), "");
        let lines: Vec<_> = (0..100_000).map(|number| format!("line {number}")).collect();
        fs::write(file.path(), lines.join("\n")).unwrap();
        let words = last_words(file.path()).unwrap();
        assert_eq!((words.lines().count(), words.lines().last()), (LAST_LINES, Some("line 99999")));
    }
}
