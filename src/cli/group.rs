//! A command of somebody else's that runs for us, with all that it starts: a process group of its own.
//!
//! - It can be ended at once, whatever it has started: SIGTERM, and after a while SIGKILL, to the whole group.
//! - What is typed at the terminal to end us does not reach it; we decide. A command that is to read there is given the
//!   terminal, and with it what is typed to end it.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout_at};

use super::problem::Problem;

/// How often it is looked whether anything of a group is left.
const LOOK: Duration = Duration::from_millis(10);

/// A running group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) child: Child,
    leader: Pid,
}

impl Group {
    /// Starts a command as the leader of a group.
    pub(super) fn start(command: &mut Command) -> Result<Self, Problem> {
        let program = command.as_std().get_program().to_owned();
        let cannot = |error: io::Error| {
            let message = format!("cannot start {}: {error}", program.display());
            Problem::failure(message, "Check that the program exists and may be run.")
        };
        let child = command.process_group(0).kill_on_drop(true).spawn().map_err(cannot)?;
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        let number = number.ok_or_else(|| cannot(io::Error::other("it has no number")))?;
        Ok(Self { child, leader: Pid::from_raw(number) })
    }

    /// Gives it the terminal, if we have it, until what is returned goes: without it, what reads there is stopped.
    pub(super) fn with_terminal(&self) -> Option<Terminal> {
        let ours = getpgrp();
        if tcgetpgrp(io::stdin()) != Ok(ours) || tcsetpgrp(io::stdin(), self.leader).is_err() {
            return None;
        }
        // It may have tried to read before.
        self.signal(Some(Signal::SIGCONT));
        Some(Terminal { ours })
    }

    /// Waits until the leader ends. Dropping the future loses nothing.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends all of it: at once, but for the time that it has after SIGTERM.
    pub(super) async fn end(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        let until = Instant::now() + grace;
        self.signal(Some(Signal::SIGTERM));
        // Stopped processes hear it only when they go on.
        self.signal(Some(Signal::SIGCONT));
        let ended = timeout_at(until, self.child.wait()).await;
        while self.signal(None) && Instant::now() < until {
            sleep(LOOK).await;
        }
        self.signal(Some(Signal::SIGKILL));
        match ended {
            Ok(status) => status,
            Err(_) => self.child.wait().await,
        }
    }

    /// Whether there was anything left to hear it. Nothing is sent with `None`.
    fn signal(&self, signal: Option<Signal>) -> bool {
        killpg(self.leader, signal) != Err(Errno::ESRCH)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Where nobody has seen its end, nothing of it is left behind.
        if self.child.id().is_some() {
            self.signal(Some(Signal::SIGKILL));
        }
    }
}

/// The terminal while a group has it.
#[derive(Debug)]
pub(super) struct Terminal {
    ours: Pid,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Who takes a terminal from behind is stopped by this signal, unless it is held back.
        let mut held_back = SigSet::empty();
        held_back.add(Signal::SIGTTOU);
        if held_back.thread_block().is_ok() {
            // If the terminal is gone, nobody needs it back.
            let _gone = tcsetpgrp(io::stdin(), self.ours);
            let _still_held_back = held_back.thread_unblock();
        }
    }
}

/// A command with what it is given.
pub(super) fn command(words: &[OsString]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    Some(command)
}

/// A line for a shell.
pub(super) fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command.stdin(Stdio::piped());
    command
}

/// What a shell would say of how a process ended: its exit code, or 128 and the signal's number.
pub(super) fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;

    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(line: &str) -> Group {
        Group::start(shell(line).stdin(Stdio::null())).unwrap()
    }

    #[tokio::test]
    async fn the_code_is_what_a_shell_would_say() {
        assert_eq!(code(start("exit 7").ended().await.unwrap()), 7);
        assert_eq!(code(start("kill -9 $$").ended().await.unwrap()), 137);
    }

    #[tokio::test]
    async fn it_ends_with_all_that_it_has_started_even_what_does_not_listen() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("started");
        let line = format!("trap '' TERM; (trap '' TERM; sleep 600) & echo $! > {}; wait", path.display());
        let mut group = start(&line);
        let deadline = Instant::now() + Duration::from_secs(10);
        let child: i32 = loop {
            if let Ok(Ok(number)) = std::fs::read_to_string(&path).map(|text| text.trim().parse()) {
                break number;
            }
            assert!(Instant::now() < deadline, "it did not start");
            sleep(LOOK).await;
        };
        assert_eq!(code(group.end(Duration::from_millis(50)).await.unwrap()), 137);
        let left = || nix::sys::signal::kill(Pid::from_raw(child), None).is_ok();
        // Whoever inherits the dead buries them, which may take a moment.
        while left() && !is_dead(child) {
            assert!(Instant::now() < deadline, "process {child} lives on");
            sleep(LOOK).await;
        }
    }

    fn is_dead(process: i32) -> bool {
        std::fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z "))
    }

    #[tokio::test]
    async fn what_is_not_there_is_told() {
        let mut command = command(&["nowhere-at-all".into()]).unwrap();
        assert!(matches!(Group::start(&mut command), Err(Problem::Own(own)) if own.message.contains("nowhere-at-all")));
    }
}
