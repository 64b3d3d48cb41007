//! `dev`: a cluster on this machine while the command runs.
//!
//! - Everything that it started goes with it: Ctrl-C and SIGTERM stop the nodes cleanly and remove the directory, unless
//!   it is to be kept or was there before. The same signal again kills them at once.
//! - A node that ends is told, and the others run on. SIGUSR1 starts all that have ended.
//! - It has failed if a node failed by itself; killing nodes is what a cluster of one's own is for.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind};

use crate::types::NodeId;

use super::arguments::{Dev, Format, Timing};
use super::children::{Afterwards, Child, Children, Directory, Ended, Error, Settings};
use super::column::Column;
use super::exit::Exit;
use super::members;
use super::output::{self, Output};
use super::problem::Problem;
use super::signals::listen_for;
use super::value::Value;

/// The fewest nodes that go on without one.
const NODES_WITH_ONE_TO_SPARE: usize = 3;

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
        out.note("`setpriv` of util-linux is not here: if this process is killed with -9, its nodes stay");
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
    let nodes = match children.children().count() {
        1 => "a node".to_owned(),
        many => format!("{many} nodes"),
    };
    out.note(&format!("starting {nodes} in {directory}"));
    if let Some(warning) = members::survives_no_loss(children.children().count()) {
        out.note(warning);
    }
    tokio::select! {
        up = children.bring_up() => up?,
        () = signals.end() => return Ok(Exit::Done),
    }
    let cluster = Cluster::of(children, children.leader().await);
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
fn revive(out: &Output, children: &mut Children) -> Result<(), Error> {
    for node in those(children, |child| child.pid.is_none()) {
        children.start(node)?;
        out.note(&format!("node {node} is started again"));
    }
    Ok(())
}

/// Kills the nodes that run, and names them.
async fn kill_all(children: &mut Children) -> Result<Vec<NodeId>, Error> {
    let running = those(children, |child| child.pid.is_some());
    for node in &running {
        children.kill(*node).await?;
    }
    Ok(running)
}

fn those(children: &Children, are: impl Fn(&Child<'_>) -> bool) -> Vec<NodeId> {
    children.children().filter(are).map(|child| child.node).collect()
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

#[derive(Debug)]
struct NodeRow {
    node_id: u64,
    client_address: String,
    peer_address: String,
    pid: Option<u32>,
    data: String,
    log: String,
}

impl From<Child<'_>> for NodeRow {
    fn from(child: Child<'_>) -> Self {
        Self {
            node_id: child.node.0,
            client_address: child.client_address.to_string(),
            peer_address: child.peer_address.to_string(),
            pid: child.pid,
            data: child.data.display().to_string(),
            log: child.log.display().to_string(),
        }
    }
}

fn node_columns() -> Vec<Column<NodeRow>> {
    vec![
        Column::new("node_id", "NODE", |node: &NodeRow| node.node_id),
        Column::new("client_address", "CLIENTS", |node: &NodeRow| node.client_address.clone()),
        Column::new("peer_address", "PEERS", |node: &NodeRow| node.peer_address.clone()),
        Column::json("pid", |node: &NodeRow| Value::or_null(node.pid)),
        Column::shown("PID", |node: &NodeRow| node.pid),
        Column::json("data", |node: &NodeRow| node.data.clone()),
        Column::new("log", "LOG", |node: &NodeRow| node.log.clone()).spare(),
    ]
}

#[derive(Debug)]
struct Cluster {
    directory: String,
    /// All client addresses, as `--server` and `ONCELOG_SERVER` take them.
    server: String,
    leader_id: Option<u64>,
    nodes: Vec<NodeRow>,
}

impl Cluster {
    fn of(children: &Children, leader: Option<NodeId>) -> Self {
        Self {
            directory: children.directory().path().display().to_string(),
            server: children.addresses().collect::<Vec<_>>().join(","),
            leader_id: leader.map(|leader| leader.0),
            nodes: children.children().map(NodeRow::from).collect(),
        }
    }

    /// As JSON it is one document, or one line that holds all.
    fn print(&self, out: &mut Output) -> Result<(), Problem> {
        if matches!(out.format(), Format::Table | Format::Plain | Format::Csv) {
            return out.rows(&node_columns(), &self.nodes);
        }
        let nodes: serde_json::Value = self.nodes.iter().map(|node| output::object(&node_columns(), node)).collect();
        let columns = [
            Column::given_json("directory", self.directory.clone()),
            Column::given_json("server", self.server.clone()),
            Column::given_json("leader_id", Value::or_null(self.leader_id)),
            Column::given_json("nodes", nodes),
        ];
        out.one(&columns, &())
    }

    /// What a person may try now, in another shell.
    fn to_try(&self, program: &str, is_to_go: bool) -> String {
        let victim = self.nodes.iter().find(|node| Some(node.node_id) == self.leader_id).or(self.nodes.first());
        let pid = victim.and_then(|node| node.pid).unwrap_or_default();
        let then = if self.nodes.len() < NODES_WITH_ONE_TO_SPARE {
            "a crash; here it is told how to start it again"
        } else {
            "the leader; append once more: still the same answer"
        };
        let goes = if is_to_go { " and removes their directory" } else { "" };
        format!(
            "
Try, in another shell:

  export ONCELOG_SERVER={server}
  {program} append orders 'two tickets' --id pay-7   # and again: the same answer, replayed
  kill -9 {pid}   # {then}
  {program} read orders

Ctrl-C stops the nodes{goes}.",
            server = self.server,
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

    fn cluster() -> Cluster {
        let node = |node_id: u64| NodeRow {
            node_id,
            client_address: format!("127.0.0.1:{node_id}0"),
            peer_address: format!("127.0.0.1:{node_id}1"),
            pid: Some(4_710).filter(|_| node_id == 2),
            data: format!("d/node-{node_id}/data"),
            log: format!("d/node-{node_id}/log"),
        };
        Cluster {
            directory: "d".to_owned(),
            server: "127.0.0.1:10,127.0.0.1:20".to_owned(),
            leader_id: Some(2),
            nodes: vec![node(1), node(2)],
        }
    }

    fn printed(format: Format) -> String {
        output::printed(format, |out| cluster().print(out))
    }

    #[test]
    fn what_runs_where_is_printed_for_people_and_for_programs() {
        let table = "\
NODE  CLIENTS       PEERS         PID   LOG
1     127.0.0.1:10  127.0.0.1:11  -     d/node-1/log
2     127.0.0.1:20  127.0.0.1:21  4710  d/node-2/log
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
        let text = cluster().to_try("oncelog", true);
        assert!(text.contains("\n  export ONCELOG_SERVER=127.0.0.1:10,127.0.0.1:20\n"), "{text}");
        assert!(text.contains("\n  kill -9 4710   # a crash"), "{text}");
        let mut three = cluster();
        three.nodes.extend(cluster().nodes.pop());
        let text = three.to_try("oncelog", true);
        assert!(text.contains("\n  kill -9 4710   # the leader"), "{text}");
    }

    #[test]
    fn a_path_is_quoted_as_a_shell_needs_it() {
        let words = ["/tmp/a-b_1.c", "", "a b", "it's"].map(quoted);
        assert_eq!(words, ["/tmp/a-b_1.c", "''", "'a b'", r"'it'\''s'"]);
    }
}
