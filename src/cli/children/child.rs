//! One node of a cluster on this machine: where it is, and its process while it runs.
//!
//! - It has its data and its log in a directory of its own; the log goes on through restarts.
//! - Its ports lie below those that the kernel gives to outgoing connections, so a node that is started again finds them
//!   free: neither another program's connection nor a peer that dials it in vain has taken one meanwhile.
//! - It hears no signal of the terminal: whoever presses Ctrl-C stops the parent, which stops its children.
//! - It does not outlive its parent: where `setpriv` is there, the kernel kills it when the *thread* that started it is
//!   gone. A kill, because a node that hangs or is paused must go, too, and because a crash loses nothing that was
//!   acknowledged.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use crate::cli::arguments::{Timing, word};
use crate::cli::problem::Problem;

/// How much of a log is shown when its node has ended.
const LAST_LINES: usize = 12;

/// A node, running or not. Its number and addresses are what its peers know it by.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Node {
    #[serde(rename = "node_id")]
    pub(in crate::cli) id: u64,
    pub(in crate::cli) client_address: SocketAddr,
    pub(in crate::cli) peer_address: SocketAddr,
    #[serde(skip)]
    directory: PathBuf,
    #[serde(skip)]
    pub(in crate::cli) process: Option<Child>,
}

/// How nodes are started: as this very program.
#[derive(Debug)]
pub(in crate::cli) struct Launch {
    program: PathBuf,
    timing: Timing,
    /// Whether the kernel kills the nodes when this process is killed.
    pub(in crate::cli) binds: bool,
}

/// A node that has ended although nobody here stopped it.
#[derive(Debug)]
pub(in crate::cli) struct Ended {
    /// Which it was, how it ended, and what it said last.
    pub(in crate::cli) story: String,
    /// A node that somebody has killed, or told to stop, has not failed.
    pub(in crate::cli) is_failure: bool,
}

impl Node {
    /// A node that has this port for clients and the next for its peers.
    pub(in crate::cli) fn new(id: u64, port: u16) -> Self {
        let [client_address, peer_address] = [port, port + 1].map(|port| (Ipv4Addr::LOCALHOST, port).into());
        Self { id, client_address, peer_address, directory: PathBuf::new(), process: None }
    }

    /// The same as a part of the cluster in a directory.
    pub(in crate::cli) fn within(self, cluster: &Path) -> Self {
        Self { directory: cluster.join(format!("node-{}", self.id)), ..self }
    }

    pub(in crate::cli) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(in crate::cli) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Its process's id, if it runs.
    pub(in crate::cli) fn pid(&self) -> Option<u32> {
        self.process.as_ref()?.id()
    }

    /// Fails if another program listens where this node is to.
    pub(super) fn can_listen(&self) -> Result<(), Problem> {
        let mut addresses = [self.client_address, self.peer_address].into_iter().filter(|_| self.process.is_none());
        addresses.try_for_each(|address| match TcpListener::bind(address) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Problem::failure(
                format!("{address} is taken by another program"),
                "Stop what listens there, or choose other ports. A cluster keeps the ports that it began with.",
            )),
            Err(error) => Err(failed(format!("cannot listen on {address}"))(error)),
        })
    }

    /// Starts it. It must not run.
    pub(super) fn start(&mut self, launch: &Launch) -> io::Result<()> {
        fs::create_dir_all(self.data())?;
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command = mortal(&launch.program, launch.binds);
        // What is configured for another node of this machine is not meant for this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ONCELOG_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--timing", &word(&launch.timing), "--node-id", &self.id.to_string()]);
        command.arg("--data-dir").arg(self.data());
        command.args(["--client-listen", &self.client_address.to_string()]);
        command.args(["--peer-listen", &self.peer_address.to_string()]);
        command.process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(command.spawn()?);
        Ok(())
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            // Nobody has waited for the process yet, so the number is still its own, even if it has ended.
            let _ended_meanwhile = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }

    /// Kills it, as a crash would, unless it has ended. Says whether that was needed.
    pub(super) async fn kill(&mut self) -> Result<bool, Problem> {
        let cannot_kill = || failed(format!("cannot kill node {}", self.id));
        let Some(process) = &mut self.process else { return Ok(false) };
        let runs = process.try_wait().map_err(cannot_kill())?.is_none();
        process.kill().await.map_err(cannot_kill())?;
        self.process = None;
        Ok(runs)
    }

    /// Waits until it has ended although nobody here stopped it. Nothing is lost if the wait is given up.
    pub(super) async fn ended(&mut self) -> Result<Ended, Problem> {
        let Some(process) = &mut self.process else { return std::future::pending().await };
        let pid = process.id().unwrap_or_default();
        let status = process.wait().await.map_err(failed(format!("cannot watch node {}", self.id)))?;
        self.process = None;
        Ok(self.told(pid, status))
    }

    fn told(&self, pid: u32, status: ExitStatus) -> Ended {
        let log = self.log();
        let mut story = format!("node {} (pid {pid}) has ended: {status}. The end of {}:", self.id, log.display());
        let said = fs::read(log).unwrap_or_else(|error| format!("(cannot read it: {error})").into());
        let said = String::from_utf8_lossy(&said);
        for line in said.lines().skip(said.lines().count().saturating_sub(LAST_LINES)) {
            story = story + "\n    " + line;
        }
        Ended { story, is_failure: !status.success() && status.signal() != Some(Signal::SIGKILL as i32) }
    }
}

impl Launch {
    pub(super) async fn of_this_program(timing: Timing) -> Result<Self, Problem> {
        let program = std::env::current_exe().map_err(failed("cannot find this program's own file"))?;
        // Tried, because some machines have a `setpriv` that doesn't know the flag.
        let mut trial = mortal("true", true);
        trial.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let binds = trial.status().await.is_ok_and(|status| status.success());
        Ok(Self { program, timing, binds })
    }
}

/// A command that the kernel kills when the thread that starts it is gone, if it is to be bound so.
fn mortal(program: impl AsRef<OsStr>, is_bound: bool) -> Command {
    if !is_bound {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Says what was tried.
pub(super) fn failed<E: Display>(what: impl Into<String>) -> impl FnOnce(E) -> Problem {
    let what = what.into();
    move |error| Problem::failure(format!("{what}: {error}"), "Check the permissions and limits of this machine.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_somebody_ended_has_not_failed() {
        let ended = |wait_status| Node::new(2, 1).told(4711, ExitStatus::from_raw(wait_status)).is_failure;
        let [killed, told, refused, aborted] = [9, 0, 1 << 8, 6].map(ended);
        assert_eq!([killed, told, refused, aborted], [false, false, true, true]);
    }

    #[test]
    fn a_node_that_has_ended_is_told_with_its_last_words_which_are_few_however_long_the_log_is() {
        let cluster = tempfile::tempdir().unwrap();
        let node = Node::new(2, 1).within(cluster.path());
        let told = || node.told(4711, ExitStatus::from_raw(1 << 8)).story;
        let head = format!("node 2 (pid 4711) has ended: exit status: 1. The end of {}:", node.log().display());
        assert!(told().starts_with(&format!("{head}\n    (cannot read it: ")), "{}", told());
        fs::create_dir_all(node.data()).unwrap();
        for (said, last) in [("", ""), ("a\nb", "\n    a\n    b")] {
            fs::write(node.log(), said).unwrap();
            assert_eq!(told(), format!("{head}{last}"));
        }
        let lines: Vec<_> = (0..100_000).map(|number| format!("line {number}")).collect();
        fs::write(node.log(), lines.join("\n")).unwrap();
        assert_eq!((told().lines().count(), told().lines().last()), (1 + LAST_LINES, Some("    line 99999")));
    }
}
