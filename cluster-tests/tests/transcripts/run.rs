//! One command that is typed: into a shell whose output goes to files, or into a terminal.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use cluster_tests::launcher::{Launcher, mortal};
use cluster_tests::wait::{PATIENCE, until};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::script::Printed;

/// The size of a terminal.
pub(crate) const COLUMNS: u16 = 80;
const ROWS: u16 = 24;
/// What Ctrl-C sends.
const INTERRUPT: &[u8] = b"\x03";

/// A command that runs.
pub(crate) struct Run {
    shell: Child,
    out: PathBuf,
    err: PathBuf,
    terminal: Option<Terminal>,
}

/// The side of a terminal on which a person sits.
struct Terminal {
    keyboard: File,
    screen: JoinHandle<io::Result<()>>,
}

impl Run {
    /// Starts it, with these variables, in a directory beside which what it prints is kept.
    pub(crate) fn start(
        launcher: &Launcher,
        text: &str,
        is_in_terminal: bool,
        directory: &Path,
        variables: &[(String, String)],
    ) -> Self {
        let (out, err) = (directory.with_extension("out"), directory.with_extension("err"));
        let file = |path: &Path| File::create(path).expect("make a file for what is printed");
        let mut command = if is_in_terminal { in_a_session() } else { mortal("bash") };
        command.args(["--norc", "-c", text]).current_dir(directory);
        command.env_clear().envs(variables.iter().cloned());
        let terminal = if is_in_terminal {
            Some(Terminal::open(&mut command, file(&out)))
        } else {
            command.process_group(0).stdin(Stdio::null()).stdout(file(&out)).stderr(file(&err));
            None
        };
        // The command goes with the thread that starts it, and its side of the terminal with the command.
        let shell = launcher.run(move || command.spawn()).expect("start bash");
        Self { shell, out, err, terminal }
    }

    /// Waits until it has printed this, and presses Ctrl-C.
    pub(crate) async fn interrupt_after(&mut self, text: &str) {
        until(&format!("the command prints `{text}`"), PATIENCE, || {
            let ended = self.shell.try_wait().expect("look at the command");
            let printed = read(&self.out) + &read(&self.err);
            async move {
                assert_eq!(ended, None, "it has ended:\n{printed}");
                if printed.contains(text) { Ok(()) } else { Err(printed) }
            }
        })
        .await;
        if let Some(terminal) = &mut self.terminal {
            terminal.keyboard.write_all(INTERRUPT).expect("press a key");
        } else {
            let group = Pid::from_raw(self.shell.id().try_into().expect("a process id"));
            killpg(group, Signal::SIGINT).expect("interrupt the command");
        }
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(mut self) -> Printed {
        let status = until("the command ends", PATIENCE, || {
            let ended = self.shell.try_wait().expect("look at the command");
            let printed = read(&self.out) + &read(&self.err);
            async move { ended.ok_or(printed) }
        })
        .await;
        let mut err = String::new();
        match self.terminal.take() {
            // It ends when nobody has the other side open.
            Some(terminal) => terminal.screen.join().expect("read the terminal").expect("write what it shows"),
            None => err = read(&self.err),
        }
        Printed { out: read(&self.out), err, code: code(status) }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        drop(self.shell.kill());
        drop(self.shell.wait());
    }
}

impl Terminal {
    /// Gives a command a terminal, and writes what it shows to a file.
    fn open(command: &mut Command, mut shown: File) -> Self {
        let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("make a terminal");
        let share = || pair.slave.try_clone().expect("share the terminal");
        command.stdin(share()).stdout(share()).stderr(share());
        let keyboard = File::from(pair.master);
        let mut screen = keyboard.try_clone().expect("share the terminal");
        let screen = std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // The kernel's word for a terminal whose other side is closed is an error.
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                shown.write_all(bytes.get(..length).unwrap_or_default())?;
            }
            Ok(())
        });
        Self { keyboard, screen }
    }
}

/// A shell that has the terminal of its standard input for itself.
fn in_a_session() -> Command {
    let mut command = mortal("setsid");
    command.args(["--ctty", "bash"]);
    command
}

/// As a shell counts it.
fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).expect("it has ended in one of two ways")
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_command_is_typed_into_a_pipe_or_into_a_terminal() {
    let scratch = cluster_tests::scratch::Scratch::new("transcripts-run");
    let directory = scratch.path().join("here");
    fs::create_dir(&directory).expect("make a directory");
    let launcher = Launcher::new(cluster_tests::launcher::Mounts::Shared);
    let path = [("PATH".to_owned(), std::env::var("PATH").expect("a path"))];
    let start = |text, is_in_terminal| Run::start(&launcher, text, is_in_terminal, &directory, &path);
    let printed = |out: &str, err: &str, code| Printed { out: out.to_owned(), err: err.to_owned(), code };
    assert_eq!(start("echo a; echo b >&2; exit 3", false).ended().await, printed("a\n", "b\n", 3));
    assert_eq!(start("test -t 0 && echo a; stty size", true).ended().await, printed("a\r\n24 80\r\n", "", 0));
    for is_in_terminal in [false, true] {
        let mut run = start("trap 'exit 7' INT; echo now; sleep 600 & wait", is_in_terminal);
        run.interrupt_after("now").await;
        assert_eq!(run.ended().await.code, 7);
    }
}
