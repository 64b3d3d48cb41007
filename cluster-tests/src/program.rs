//! The `oncelog` program, or an example, as somebody runs it: what it is given, what it prints, how it ends.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::binary;
use crate::cluster::Cluster;
use crate::launcher::{Launcher, Mounts, mortal};
use crate::wait::{PATIENCE, until};

/// The least that a pipe can hold.
const PIPE_BYTES: i32 = 4_096;

/// A run of the program. It is killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    // It goes with this thread, should the test be killed.
    _launcher: Launcher,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it printed, line by line.
    pub lines: Vec<String>,
    /// What it had to complain of.
    pub said: String,
}

impl Program {
    /// Starts it against a cluster, with the first of these nodes asked first. What it prints goes to the cluster's
    /// directory.
    pub fn start(cluster: &Cluster, nodes: &[u64], arguments: &[&str]) -> Self {
        Self::start_with(cluster, Self::command(cluster, nodes, arguments), None)
    }

    /// Starts an example against a cluster. It knows all nodes, and works in the cluster's directory.
    pub fn example(cluster: &Cluster, name: &str, arguments: &[&str]) -> Self {
        let mut command = mortal(binary::example(name));
        command.env("ONCELOG_SERVER", addresses(cluster, &cluster.ids())).args(arguments);
        command.current_dir(cluster.directory());
        Self::start_with(cluster, command, None)
    }

    /// The same as [`Program::start`], but what it prints goes into a pipe that holds little: it stops until somebody reads.
    pub fn start_unread(cluster: &Cluster, nodes: &[u64], arguments: &[&str]) -> (Self, PipeReader) {
        let (reader, writer) = std::io::pipe().expect("make a pipe");
        fcntl(&writer, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES)).expect("make the pipe small");
        (Self::start_with(cluster, Self::command(cluster, nodes, arguments), Some(writer)), reader)
    }

    fn command(cluster: &Cluster, nodes: &[u64], arguments: &[&str]) -> Command {
        let mut command = mortal(binary::ordinary());
        command.env_clear();
        command.envs(std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("ONCELOG_")));
        command.args(["--server", &addresses(cluster, nodes)]).args(arguments);
        command
    }

    fn start_with(cluster: &Cluster, mut command: Command, pipe: Option<PipeWriter>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = |kind: &str| cluster.directory().join(format!("program-{number}.{kind}"));
        let (out, err) = (path("out"), path("err"));
        let file = |path| File::create(path).expect("make a file for what the program prints");
        command.stdin(Stdio::piped()).stdout(file(&out)).stderr(file(&err));
        if let Some(pipe) = pipe {
            command.stdout(pipe);
        }
        let launcher = Launcher::new(Mounts::Shared);
        let child = launcher.run(move || command.spawn()).expect("start the program");
        Self { child, out, err, _launcher: launcher }
    }

    /// Its standard input.
    pub fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("its input is taken once")
    }

    /// What it has printed so far, in whole lines.
    pub fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.out).expect("read what the program prints");
        // A line that is not whole may have been cut by a kill.
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("look at the program").is_some()
    }

    /// Waits until it has printed so many lines, or has ended.
    pub async fn printed(&mut self, count: usize) {
        until(&format!("the program prints {count} lines"), PATIENCE, || {
            let (printed, ended) = (self.lines().len(), self.has_ended());
            async move { if printed >= count || ended { Ok(()) } else { Err(format!("it has printed {printed}")) } }
        })
        .await;
    }

    /// Kills it as a crash would.
    pub fn kill(mut self) -> Ended {
        self.end_now();
        self.into_ended()
    }

    /// Waits until it has printed a line in which this stands, and returns the line.
    pub async fn says(&mut self, part: &str) -> String {
        until(&format!("the program says `{part}`"), PATIENCE, || {
            let said = self.lines().into_iter().find(|line| line.contains(part));
            let ended = self.has_ended();
            async move {
                let why_not = if ended { "it has ended" } else { "it has not yet" };
                said.ok_or_else(|| why_not.to_owned())
            }
        })
        .await
    }

    /// Stops it in its tracks.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().try_into().expect("a process id");
        kill(Pid::from_raw(id), signal).expect("signal the program");
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self) -> Ended {
        drop(self.child.stdin.take());
        until("the program ends", PATIENCE, || {
            let (ended, printed) = (self.has_ended(), self.lines().len());
            async move { if ended { Ok(()) } else { Err(format!("it runs, and has printed {printed} lines")) } }
        })
        .await;
        self.into_ended()
    }

    fn into_ended(mut self) -> Ended {
        let status = self.child.wait().expect("wait for the program");
        let said = std::fs::read(&self.err).map(|said| String::from_utf8_lossy(&said).into_owned());
        Ended { status, lines: self.lines(), said: said.expect("read what the program complains of") }
    }

    fn end_now(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        self.child.wait().expect("wait for the program");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end_now();
    }
}

impl Ended {
    /// Insists that it did what it was asked to.
    #[must_use]
    pub fn succeeded(self) -> Self {
        self.with_code(0)
    }

    /// Insists on an exit code.
    #[must_use]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "the program printed {} lines and said:\n{}",
            self.lines.len(),
            self.said
        );
        self
    }

    /// What it printed, read as lines of JSON.
    pub fn json(&self) -> Vec<Value> {
        json(&self.lines)
    }
}

/// Where clients reach these nodes.
fn addresses(cluster: &Cluster, nodes: &[u64]) -> String {
    let addresses: Vec<_> = nodes.iter().map(|id| cluster.node(*id).plan().client_address.to_string()).collect();
    addresses.join(",")
}

/// Lines of JSON, read.
pub fn json(lines: &[String]) -> Vec<Value> {
    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    lines.iter().map(read).collect()
}

/// A number in a line of JSON.
pub fn number(line: &Value, field: &str) -> u64 {
    line.get(field).and_then(Value::as_u64).unwrap_or_else(|| panic!("{line} has no number {field}"))
}

/// A text in a line of JSON.
pub fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{line} has no text {field}"))
}

/// Writes lines to a program; one that has ended reads no more, which its end tells.
pub fn write_lines(input: &mut ChildStdin, lines: &[String]) {
    for line in lines {
        if input.write_all(format!("{line}\n").as_bytes()).is_err() {
            return;
        }
    }
}
