//! `dev`: a cluster on this machine while the command runs.
//!
//! - Everything that it started goes with it: Ctrl-C and SIGTERM stop the nodes cleanly and remove the directory, unless
//!   it is to be kept or was there before. The same signal again kills them at once.
//! - A node that ends is told, and the others run on. SIGUSR1 starts all that have ended.
//! - It has failed if a node failed by itself; killing nodes is what a cluster of one's own is for.

use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind};

use crate::types::NodeId;

use super::arguments::{Dev, Format, Timing};
use super::children::{Afterwards, Child, Children, Directory, Ended, Settings};
use super::column::{Column, Trait};
use super::exit::Exit;
use super::members;
use super::output::{self, Output};
use super::problem::Problem;
use super::signals::listen_for;
use super::value::Value;

pub(super) async fn run(out: &mut Output, dev: &Dev) -> Result<Exit, Problem> {
    let mut signals = Signals::listen()?;
    let afterwards = if dev.keep { Afterwards::Keep } else { Afterwards::Remove };
    let directory = match &dev.directory {
        Some(path) => Directory::at(path, afterwards)?,
        None => Directory::temporary(afterwards)?,
    };
    let settings = Settings { nodes: dev.nodes.map(usize::from), timing: dev.timing, first_port: dev.port };
    let mut children = Children::prepare(directory, &settings).await?;
    if !children.go_with_this_process() {
        out.note("`setpriv` (util-linux) is missing: if this process is killed with -9, its nodes go on running");
    }

    let lived = live(out, &mut children, &mut signals).await;
    let stopped = tokio::select! {
        stopped = children.stop() => stopped,
        () = signals.end() => Ok(kill_all(&mut children).await?),
    };
    for node in stopped? {
        out.note(&format!("node {node} was killed before it had stopped"));
    }
    let (path, is_to_go) = (children.directory().path().to_owned(), children.directory().is_to_go());
    children.clear_away()?;
    if is_to_go {
        out.note("the nodes are stopped, and their directory is removed");
    } else {
        out.note(&format!("the nodes are stopped; to start them again: {}", again(&path, dev.timing)));
    }
    lived
}

/// Brings the cluster up, says what runs where, and watches it until a signal ends it.
async fn live(out: &mut Output, children: &mut Children, signals: &mut Signals) -> Result<Exit, Problem> {
    let directory = children.directory().path().display().to_string();
    let nodes = match children.children().len() {
        1 => "a node".to_owned(),
        many => format!("{many} nodes"),
    };
    out.note(&format!("starting {nodes} in {directory}"));
    if let Some(warning) = members::survives_no_loss(children.children().len()) {
        out.note(warning);
    }
    tokio::select! {
        up = children.bring_up() => up?,
        () = signals.end() => return Ok(Exit::Done),
    }
    let directory = children.directory().path().to_owned();
    let cluster = Cluster { directory, leader: children.leader().await, children: children.children() };
    cluster.print(out)?;
    out.flush()?;
    if out.format() == Format::Table {
        out.note(&cluster.to_try(&this_program(), children.directory().is_to_go()));
    }

    let mut exit = Exit::Done;
    loop {
        tokio::select! {
            // In this order: whoever kills a node and then asks for it back means that one, too.
            biased;
            ended = children.ended() => {
                if tell(out, &ended?) == Exit::Failure {
                    exit = Exit::Failure;
                }
            }
            asked = signals.next() => match asked {
                Asked::End => return Ok(exit),
                Asked::Revive => revive(out, children)?,
            },
        }
    }
}

/// Starts the nodes that don't run.
fn revive(out: &Output, children: &mut Children) -> Result<(), Problem> {
    for node in those(children, |child| child.pid.is_none()) {
        children.start(node)?;
        out.note(&format!("node {node} is started again"));
    }
    Ok(())
}

/// Kills the nodes that run, and names them.
async fn kill_all(children: &mut Children) -> Result<Vec<NodeId>, Problem> {
    let running = those(children, |child| child.pid.is_some());
    for node in &running {
        children.kill(*node).await?;
    }
    Ok(running)
}

fn those(children: &Children, are: impl Fn(&Child) -> bool) -> Vec<NodeId> {
    children.children().into_iter().filter(are).map(|child| child.node).collect()
}

/// Tells that a node has ended, and what that makes of this command.
fn tell(out: &Output, ended: &Ended) -> Exit {
    let advice = format!("The other nodes run on. To start it again: kill -USR1 {}", std::process::id());
    if ended.is_failure() {
        out.report(&Problem::failure(ended.to_string(), advice));
        return Exit::Failure;
    }
    out.note(&format!("{ended}\n{advice}"));
    Exit::Done
}

/// What a signal asks for.
enum Asked {
    End,
    Revive,
}

/// The signals that this command lives by.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    revive: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Problem> {
        Ok(Self {
            interrupt: listen_for(SignalKind::interrupt())?,
            terminate: listen_for(SignalKind::terminate())?,
            revive: listen_for(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::End,
            _ = self.terminate.recv() => Asked::End,
            _ = self.revive.recv() => Asked::Revive,
        }
    }

    async fn end(&mut self) {
        while !matches!(self.next().await, Asked::End) {}
    }
}

/// What is told of a cluster that serves.
struct Cluster {
    directory: PathBuf,
    leader: Option<NodeId>,
    children: Vec<Child>,
}

fn columns() -> Vec<Column<Child>> {
    vec![
        Column::new("node_id", "NODE", |child: &Child| child.node.0),
        Column::new("client_address", "CLIENTS", |child: &Child| child.client_address.to_string()),
        Column::new("peer_address", "PEERS", |child: &Child| child.peer_address.to_string()),
        Column::new("pid", "PID", |child: &Child| Value::or_null(child.pid)),
        Column::json("data", |child: &Child| child.data.display().to_string()),
        Column::new("log", "LOG", |child: &Child| child.log.display().to_string()).with(Trait::NotInTable),
    ]
}

impl Cluster {
    /// All client addresses, as `--server` and `ONCELOG_SERVER` take them.
    fn server(&self) -> String {
        self.children.iter().map(|child| child.client_address.to_string()).collect::<Vec<_>>().join(",")
    }

    /// As JSON it is one document, or one line that holds all.
    fn print(&self, out: &mut Output) -> Result<(), Problem> {
        if matches!(out.format(), Format::Table | Format::Plain | Format::Csv) {
            return out.rows(&columns(), &self.children);
        }
        let nodes: serde_json::Value = self.children.iter().map(|child| output::object(&columns(), child)).collect();
        let document = [
            Column::given_json("directory", self.directory.display().to_string()),
            Column::given_json("server", self.server()),
            Column::given_json("leader_id", Value::or_null(self.leader.map(|leader| leader.0))),
            Column::given_json("nodes", nodes),
        ];
        out.one(&document, &())
    }

    /// What a person may try now, in another shell.
    fn to_try(&self, program: &str, is_to_go: bool) -> String {
        let victim = self.children.iter().find(|child| Some(child.node) == self.leader).or(self.children.first());
        let pid = victim.and_then(|child| child.pid).unwrap_or_default();
        let then = match members::losses_survived(self.children.len()) {
            0 => "the cluster stops, and you are told how to start the node again",
            _ => "the leader; append again: still the same answer",
        };
        let goes = if is_to_go { " and removes their directory" } else { "" };
        format!(
            "
Logs: {directory}/node-NUMBER/log

Try, in another shell:

  export ONCELOG_SERVER={server}
  {program} append orders 'two tickets' --id pay-7   # again: the same answer
  kill -9 {pid}   # {then}
  {program} read orders

Ctrl-C stops the nodes{goes}.",
            directory = self.directory.display(),
            server = self.server(),
        )
    }
}

/// The command that continues a cluster.
fn again(directory: &Path, timing: Timing) -> String {
    let timing = match timing {
        Timing::Default => String::new(),
        Timing::Fast => format!(" --timing {}", timing.as_str()),
    };
    format!("{} dev --directory {}{timing}", this_program(), quoted(&directory.display().to_string()))
}

/// How this program is called in another shell: by the name it was called by, if that was found in the path.
fn this_program() -> String {
    let called = std::env::args().next().filter(|called| !called.contains('/'));
    let own_file = || Some(std::env::current_exe().ok()?.display().to_string());
    called.or_else(own_file).map_or_else(|| "oncelog".to_owned(), |name| quoted(&name))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+:,@%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(nodes: u16) -> Cluster {
        let child = |node: u16| Child {
            node: NodeId(node.into()),
            client_address: ([127, 0, 0, 1], node * 10).into(),
            peer_address: ([127, 0, 0, 1], node * 10 + 1).into(),
            pid: Some(4_710).filter(|_| node == 2),
            data: format!("d/node-{node}/data").into(),
            log: format!("d/node-{node}/log").into(),
        };
        Cluster { directory: "d".into(), leader: Some(NodeId(2)), children: (1..=nodes).map(child).collect() }
    }

    fn printed(format: Format) -> String {
        output::printed(format, |out| cluster(2).print(out))
    }

    #[test]
    fn what_runs_where_is_printed_for_people_and_for_programs() {
        let table = "\
NODE  CLIENTS       PEERS         PID
1     127.0.0.1:10  127.0.0.1:11  -
2     127.0.0.1:20  127.0.0.1:21  4710
";
        assert_eq!(printed(Format::Table), table);
        let plain =
            "1\t127.0.0.1:10\t127.0.0.1:11\t-\td/node-1/log\n2\t127.0.0.1:20\t127.0.0.1:21\t4710\td/node-2/log\n";
        assert_eq!(printed(Format::Plain), plain);
        let line = printed(Format::Jsonl);
        assert_eq!(line.lines().count(), 1, "{line}");
        let [line, document] = [line, printed(Format::Json)].map(|text| serde_json::from_str(&text).unwrap());
        assert_eq!(line, document);
        let line: serde_json::Value = line;
        assert_eq!((&line["directory"], &line["leader_id"]), (&"d".into(), &2.into()));
        assert_eq!((&line["nodes"][1]["pid"], &line["nodes"][1]["data"]), (&4_710.into(), &"d/node-2/data".into()));
        assert_eq!(line["server"], "127.0.0.1:10,127.0.0.1:20");
    }

    #[test]
    fn the_leader_is_the_one_to_kill() {
        let text = cluster(2).to_try("oncelog", true);
        assert!(text.contains("\n  export ONCELOG_SERVER=127.0.0.1:10,127.0.0.1:20\n"), "{text}");
        assert!(text.contains("\n  kill -9 4710   # the cluster stops"), "{text}");
        let text = cluster(3).to_try("oncelog", true);
        assert!(text.contains("\n  kill -9 4710   # the leader"), "{text}");
    }

    #[test]
    fn a_path_is_quoted_as_a_shell_needs_it() {
        let words = ["/tmp/a-b_1.c", "", "a b", "it's"].map(quoted);
        assert_eq!(words, ["/tmp/a-b_1.c", "''", "'a b'", r"'it'\''s'"]);
    }
}
