//! `strace`, which answers some system calls of a running process in the kernel's place.
//!
//! - It stays until it is detached, or its process ends. It says which calls it meddled with.
//! - Where it is missing, or may not look into a process, attaching fails with a sentence.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use crate::launcher::{Launcher, Mounts, mortal};

/// How long it may take to get hold of all threads.
const ATTACHING: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// The calls that bring bytes to the disk.
const SYNCS: &str = "fdatasync,fsync,sync_file_range,msync";

/// It, attached to a process.
#[derive(Debug)]
pub struct Tracer {
    child: Child,
    said: PathBuf,
    since: Instant,
    // It goes with this thread, should the run be killed.
    _launcher: Launcher,
}

impl Tracer {
    /// Has all syncs of a process done in this way, as `strace` spells it. What it sees goes to a file.
    pub async fn of_syncs(process: u32, how: &str, said: &Path) -> Result<Self, String> {
        let launcher = Launcher::new(Mounts::Shared);
        let mut command = if_there("strace")?;
        command.args(["-f", "-qq", "-p", &process.to_string(), "-e", &format!("trace={SYNCS}")]);
        command.args(["-e", &format!("inject={SYNCS}:{how}"), "-o"]).arg(said);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = launcher.run(move || command.spawn()).map_err(|error| format!("strace: {error}"))?;
        let mut tracer = Self { child, said: said.to_owned(), since: Instant::now(), _launcher: launcher };
        let end = Instant::now() + ATTACHING;
        while !holds_all(process) {
            let ended = tracer.child.try_wait().map_err(|error| format!("strace: {error}"))?;
            if ended.is_some() || Instant::now() >= end {
                return Err("strace can't get hold of the process".to_owned());
            }
            sleep(POLL).await;
        }
        tracer.since = Instant::now();
        Ok(tracer)
    }

    /// For how long it has had hold of all threads.
    pub fn attached_for(&self) -> Duration {
        self.since.elapsed()
    }

    /// Lets go of the process, and tells with how many calls it meddled.
    pub fn detach(mut self) -> usize {
        let process = self.child.id().try_into().map(Pid::from_raw).expect("a process id");
        // It may have ended with its process.
        let _ = kill(process, Signal::SIGTERM);
        drop(self.child.wait());
        self.meddled()
    }

    /// With how many calls it has meddled so far.
    pub fn meddled(&self) -> usize {
        let said = std::fs::read(&self.said).unwrap_or_default();
        String::from_utf8_lossy(&said)
            .lines()
            .filter(|line| line.contains("(INJECTED)") || line.contains("(DELAYED)"))
            .count()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn if_there(program: &str) -> Result<Command, String> {
    if is_installed(program) { Ok(mortal(program)) } else { Err(format!("{program} is not installed")) }
}

/// Whether the search path leads to a program.
pub fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(program).is_file())
}

/// Whether every thread of a process is traced.
fn holds_all(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let mut statuses = threads.map(|thread| std::fs::read_to_string(thread.path().join("status")).unwrap_or_default());
    // A thread that is gone has none.
    statuses.all(|status| status.is_empty() || status.lines().any(traced))
}

fn traced(line: &str) -> bool {
    line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0")
}
