//! A shell as a reader of the README has one: `oncelog` is in its path, and nothing of it is set up.
//!
//! Whatever runs in it goes with it, and it goes with the test: the command in its path is one that dies with the shell.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Output, Stdio};

use cluster_tests::binary;
use cluster_tests::launcher::{Launcher, Mounts, mortal};
use cluster_tests::wait::{PATIENCE, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A command that has ended, or that runs in the background.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// What was printed.
    pub(crate) printed: String,
    /// How it ended, as the shell tells.
    pub(crate) status: i32,
}

/// A shell that waits for commands.
pub(crate) struct Shell {
    bash: Child,
    input: ChildStdin,
    /// All that was printed, by the commands and on standard error.
    printed: PathBuf,
    /// How much of it belongs to commands that have ended.
    seen: usize,
    count: usize,
    path: String,
    temporary: PathBuf,
    _launcher: Launcher,
}

impl Shell {
    /// Starts a shell that keeps everything in this directory.
    pub(crate) fn start(directory: &Path) -> Self {
        let temporary = directory.join("temporary");
        fs::create_dir_all(&temporary).expect("make a directory for the shell");
        let path = binary::on_path(&directory.join("programs"));

        let printed = directory.join("printed");
        let out = OpenOptions::new().create(true).append(true).open(&printed).expect("make a file for what is printed");
        let mut command = mortal("bash");
        command.arg("--norc").current_dir(directory);
        command.env_clear().envs(foreign_variables()).env("PATH", &path).env("TMPDIR", &temporary);
        command.stdin(Stdio::piped()).stdout(out.try_clone().expect("share the file")).stderr(out);
        let launcher = Launcher::new(Mounts::Shared);
        let mut bash = launcher.run(move || command.spawn()).expect("start bash");
        let input = bash.stdin.take().expect("the shell has an input");
        Self { bash, input, printed, seen: 0, count: 0, path, temporary, _launcher: launcher }
    }

    /// Types a command and returns what is printed until it ends. One in the background does not end: then it is as many
    /// lines as are expected, however long they take.
    pub(crate) async fn run(&mut self, command: &str, lines: usize) -> Ran {
        self.type_in(command);
        let command_only = command.split(" #").next().unwrap_or_default();
        let is_background = command_only.trim_end().ends_with('&');
        self.ended(command, if is_background { lines } else { 0 }).await
    }

    /// Types a command that goes on until it is interrupted, and does so once it has printed something.
    pub(crate) async fn run_until_interrupted(&mut self, command: &str) -> Ran {
        let before = self.children();
        self.type_in(command);
        let started = until(&format!("`{command}` prints something"), PATIENCE, || async {
            if self.since_last().is_empty() {
                return Err("it has printed nothing".to_owned());
            }
            let new = self.children().into_iter().find(|child| !before.contains(child));
            new.ok_or_else(|| "it does not run".to_owned())
        })
        .await;
        kill(Pid::from_raw(started), Signal::SIGINT).expect("interrupt what was typed");
        self.ended(command, 0).await
    }

    fn type_in(&mut self, command: &str) {
        self.count += 1;
        writeln!(self.input, "{command}\nprintf '{}%s>\\n' \"$?\"", self.end()).expect("type a command");
    }

    /// What the shell prints when the last command has ended, but for how.
    fn end(&self) -> String {
        format!("<end of command {}: ", self.count)
    }

    /// What was printed since the last command but one has ended.
    fn since_last(&self) -> String {
        let all = fs::read_to_string(&self.printed).expect("read what was printed");
        all.get(self.seen..).unwrap_or_default().to_owned()
    }

    async fn ended(&mut self, command: &str, lines: usize) -> Ran {
        let (ran, length) = until(&format!("`{command}` is done"), PATIENCE * 2, || async {
            let new = self.since_last();
            let unfinished = || format!("it has printed:\n{new}");
            let (before, rest) = new.split_once(&self.end()).ok_or_else(unfinished)?;
            let (status, after) = rest.split_once(">\n").ok_or_else(unfinished)?;
            let printed = format!("{before}{after}");
            if printed.lines().count() < lines || (lines > 0 && !printed.ends_with('\n')) {
                return Err(unfinished());
            }
            Ok((Ran { printed, status: status.parse().expect("the shell prints a status") }, new.len()))
        })
        .await;
        self.seen += length;
        ran
    }

    /// The processes that the shell has started and that it waits for.
    fn children(&self) -> Vec<i32> {
        let shell = self.bash.id();
        let listed =
            fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("list the shell's children");
        listed.split_whitespace().map(|pid| pid.parse().expect("a number")).collect()
    }

    /// Why a command is not understood; nothing is done, because it is only asked for its help.
    pub(crate) fn misunderstood(&self, command: &str) -> Option<String> {
        // What stands behind `--` is another program's.
        let own = command.split(" -- ").next().unwrap_or(command);
        // A line above may have kept a version.
        let output = self.asked(&format!("version=1; {own} --help"));
        let said = String::from_utf8_lossy(&output.stderr);
        (!output.status.success()).then(|| format!("`{command}`: {}", said.trim()))
    }

    /// What a shell of its own, with the same path, makes of a command.
    fn asked(&self, command: &str) -> Output {
        let mut bash = mortal("bash");
        bash.args(["--norc", "-c", command]).env("PATH", &self.path).stdin(Stdio::null());
        // What a page has read into a variable before.
        bash.env("version", "7");
        bash.output().expect("start bash")
    }

    /// What a command says of itself.
    pub(crate) fn help(&self, command: &str) -> String {
        let output = self.asked(&format!("oncelog {command} --help"));
        assert!(output.status.success(), "`oncelog {command} --help` ended with {}", output.status);
        String::from_utf8(output.stdout).expect("a help is text")
    }

    /// What is left of what was only to be there for a while.
    pub(crate) fn left_behind(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.temporary).expect("read the directory of temporary files");
        entries.map(|entry| entry.expect("read the directory of temporary files").path()).collect()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.bash.kill());
        self.bash.wait().expect("wait for the shell");
    }
}

/// What the person at this machine has configured of oncelog is not what is tested.
fn foreign_variables() -> impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)> {
    std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("ONCELOG_"))
}

#[tokio::test]
async fn a_shell_keeps_what_it_is_told_and_tells_what_is_printed_where() {
    let scratch = cluster_tests::scratch::Scratch::new("readme-shell");
    let mut shell = Shell::start(scratch.path());
    let ran = |printed: &str, status| Ran { printed: printed.to_owned(), status };
    assert_eq!(shell.run("export a='b  c'", 0).await, ran("", 0));
    assert_eq!(shell.run("echo \"$a\"; echo d >&2; (exit 3)", 0).await, ran("b  c\nd\n", 3));
    assert_eq!(shell.run("echo 'e\nf'", 0).await, ran("e\nf\n", 0));
    assert_eq!(shell.run("(sleep 0.2; echo g; echo h) &   # later", 2).await, ran("g\nh\n", 0));
    assert_eq!(shell.run("(sleep 0.2; echo i; exit 5) &", 0).await, ran("", 0));
    assert_eq!(shell.run("wait $!", 0).await, ran("i\n", 5));
    assert_eq!(shell.run("printf j", 0).await, ran("j", 0));
    assert_eq!(shell.run_until_interrupted("sh -c 'echo k; exec sleep 60'").await, ran("k\n", 130));
    assert_eq!(shell.misunderstood("oncelog append orders a"), None);
    assert!(shell.misunderstood("oncelog append orders a --idd b").is_some());
}
