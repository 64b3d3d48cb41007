//! The thread that starts processes, so that none outlives the tests.
//!
//! - Every process asks the kernel to be killed when its parent goes (`setpriv --pdeathsig`). For the kernel the parent
//!   is the *thread* that started it, so all are started by one thread that lives as long as its owner.
//! - With private mounts, that thread has a mount namespace of its own: disks mounted there are seen only by what it
//!   starts and are unmounted by the kernel when the last of those is gone, however the test ends. The same goes for a
//!   network of its own.

use std::ffi::OsStr;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Which mounts are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounts {
    /// Those of the whole machine.
    Shared,
    /// A copy of one's own. Needs root.
    Private,
}

type Work = Box<dyn FnOnce() + Send>;

/// Runs work on its own thread, one piece after the other.
#[derive(Debug)]
pub struct Launcher {
    work: Sender<Work>,
}

impl Launcher {
    /// Starts the thread.
    pub fn new(mounts: Mounts) -> Self {
        Self::after(move || {
            if mounts == Mounts::Private {
                unshare(CloneFlags::CLONE_NEWNS).expect("make a mount namespace (as root)");
                mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
                    .expect("make the mounts private");
            }
        })
    }

    /// Starts the thread with a network of its own, in which there is nothing yet. Needs root.
    pub fn with_network() -> Self {
        Self::after(|| unshare(CloneFlags::CLONE_NEWNET).expect("make a network namespace (as root)"))
    }

    fn after(prepare: impl FnOnce() + Send + 'static) -> Self {
        let (work, pieces) = channel::<Work>();
        thread::spawn(move || {
            prepare();
            for piece in pieces {
                piece();
            }
        });
        Self { work }
    }

    /// Runs a piece of work there and waits for it.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, answers) = channel();
        let piece = Box::new(move || {
            // Whoever waited may be gone: then nobody needs the answer.
            drop(answer.send(work()));
        });
        self.work.send(piece).expect("the launching thread is there");
        answers.recv().expect("the work on the launching thread did not panic")
    }

    /// Runs a command to its end and insists on its success.
    pub fn succeed(&self, mut command: Command) {
        let what = format!("{command:?}");
        let output = self.run(move || command.output()).unwrap_or_else(|error| panic!("start {what}: {error}"));
        assert!(output.status.success(), "{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
}

/// A command that is killed when the thread that started it goes.
pub fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Instant;

    use super::*;
    use crate::wait::PATIENCE;

    #[test]
    fn a_process_dies_with_its_launcher() {
        let launcher = Launcher::new(Mounts::Shared);
        let mut sleeper = launcher.run(|| mortal("sleep").arg("1000").spawn()).unwrap();
        // `setpriv` needs a moment before it becomes the process that it starts.
        let name = format!("/proc/{}/comm", sleeper.id());
        let end = Instant::now() + PATIENCE;
        while std::fs::read_to_string(&name).unwrap().trim() != "sleep" {
            assert!(Instant::now() < end, "the sleeper has not started");
            thread::yield_now();
        }
        drop(launcher);
        assert_eq!(sleeper.wait().unwrap().signal(), Some(9));
    }
}
