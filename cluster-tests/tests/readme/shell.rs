//! A shell as a reader of the README has one: `oncelog` is in its path, and nothing of it is set up.
//!
//! Whatever runs in it goes with it, and it goes with the test: the command in its path is one that dies with the shell.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

use cluster_tests::binary;
use cluster_tests::launcher::{Launcher, Mounts, mortal};
use cluster_tests::wait::{PATIENCE, until};

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
        let (programs, temporary) = (directory.join("programs"), directory.join("temporary"));
        for made in [&programs, &temporary] {
            fs::create_dir_all(made).expect("make a directory for the shell");
        }
        let program = programs.join("oncelog");
        let binary = binary::ordinary().display();
        fs::write(&program, format!("#!/bin/sh\nexec setpriv --pdeathsig KILL -- '{binary}' \"$@\"\n"))
            .expect("write the command into the path");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("make the command a program");
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").expect("a path"));

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
    pub(crate) async fn run(&mut self, command: &str, lines: usize) -> String {
        self.count += 1;
        let end = format!("<end of command {}>\n", self.count);
        // What it prints last may lack the end of its line.
        writeln!(self.input, "{command}\nprintf '%s\\n' '{}'", end.trim_end()).expect("type a command");
        let is_background = command.split(" #").next().unwrap_or_default().trim_end().ends_with('&');
        let (printed, length) = until(&format!("`{command}` is done"), PATIENCE * 2, || async {
            let all = fs::read_to_string(&self.printed).map_err(|error| error.to_string())?;
            let new = all.get(self.seen..).unwrap_or_default();
            let (before, after) = new.split_once(&end).ok_or_else(|| format!("it has printed:\n{new}"))?;
            let printed = format!("{before}{after}");
            if is_background && (printed.lines().count() < lines || !printed.ends_with('\n')) {
                return Err(format!("it has printed:\n{printed}"));
            }
            Ok((printed, new.len()))
        })
        .await;
        self.seen += length;
        printed
    }

    /// Why a command is not understood; nothing is done, because it is only asked for its help.
    pub(crate) fn misunderstood(&self, command: &str) -> Option<String> {
        // What stands behind `--` is another program's.
        let own = command.split(" -- ").next().unwrap_or(command);
        let mut bash = mortal("bash");
        bash.args(["--norc", "-c", &format!("{own} --help")]).env("PATH", &self.path).stdin(Stdio::null());
        let output = bash.output().expect("start bash");
        let said = String::from_utf8_lossy(&output.stderr);
        (!output.status.success()).then(|| format!("`{command}`: {}", said.trim()))
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
    assert_eq!(shell.run("export a='b  c'", 0).await, "");
    assert_eq!(shell.run("echo \"$a\"; echo d >&2", 0).await, "b  c\nd\n");
    assert_eq!(shell.run("(sleep 0.2; echo e; echo f) &   # later", 2).await, "e\nf\n");
    assert_eq!(shell.run("printf g", 0).await, "g");
    assert_eq!(shell.misunderstood("oncelog append orders a"), None);
    assert!(shell.misunderstood("oncelog append orders a --idd b").is_some());
}
