//! `dev`: a cluster on this machine while the command runs.
//!
//! - Everything that it started goes with it: Ctrl-C, SIGTERM and the end of the terminal stop the nodes cleanly and remove
//!   the directory, unless it is to be kept or was there before. Such a signal again kills them at once.
//! - A node that ends is told, and the others run on. SIGUSR1 starts all that have ended.
//! - It has failed if a node failed by itself; killing nodes is what a cluster of one's own is for.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind};

use super::arguments::{Dev, Format, Timing, word};
use super::children::{Cluster, Ended, Node};
use super::column::{Column, Trait};
use super::exit::Exit;
use super::members;
use super::output::{self, Output};
use super::problem::Problem;
use super::signals::{Signals, listen_for};
use super::value::Value;

pub(super) async fn run(out: &mut Output, dev: &Dev) -> Result<Exit, Problem> {
    let (mut end, mut revive) = (Signals::listen()?, listen_for(SignalKind::user_defined1())?);
    let mut cluster = Cluster::prepare(dev).await?;
    if !cluster.launch.binds {
        out.note("`setpriv` (util-linux) is missing: if this process is killed with -9, its nodes go on running");
    }
    let lived = live(out, &mut cluster, &mut end, &mut revive).await;
    let hurry = async { _ = end.next().await };
    for node in cluster.stop(hurry).await? {
        out.note(&format!("node {node} was killed before it had stopped"));
    }
    let rest = if cluster.directory.is_to_go {
        "the nodes are stopped, and their directory is removed".to_owned()
    } else {
        format!("the nodes are stopped; to start them again: {}", again(&cluster.directory.path, dev.timing))
    };
    cluster.directory.clear_away()?;
    out.note(&rest);
    lived
}

/// Brings the cluster up, says what runs where, and watches it until a signal ends it.
async fn live(
    out: &mut Output,
    cluster: &mut Cluster,
    end: &mut Signals,
    revive: &mut Signal,
) -> Result<Exit, Problem> {
    let count = cluster.nodes.len();
    let nodes = if count == 1 { "a node".to_owned() } else { format!("{count} nodes") };
    out.note(&format!("starting {nodes} in {}", cluster.directory.path.display()));
    if let Some(warning) = members::survives_no_loss(count) {
        out.note(warning);
    }
    tokio::select! {
        up = cluster.bring_up() => up?,
        _number = end.next() => return Ok(Exit::Done),
    }
    let leader = cluster.leader().await;
    print(out, cluster, leader)?;
    out.flush()?;
    if out.format() == Format::Table {
        out.note(&to_try(cluster, leader, &this_program()));
    }

    let mut exit = Exit::Done;
    loop {
        tokio::select! {
            // In this order: whoever kills a node and then asks for it back means that one, too.
            biased;
            ended = cluster.ended() => exit = exit.worse(tell(out, ended?)),
            _number = end.next() => return Ok(exit),
            _asked = revive.recv() => for node in cluster.start()? {
                out.note(&format!("node {node} is started again"));
            },
        }
    }
}

/// Tells that a node has ended, and what that makes of this command.
fn tell(out: &Output, ended: Ended) -> Exit {
    let advice = format!("The other nodes run on. To start it again: kill -USR1 {}", std::process::id());
    if ended.is_failure {
        out.report(&Problem::failure(ended.story, advice));
        return Exit::Failure;
    }
    out.note(&format!("{}\n{advice}", ended.story));
    Exit::Done
}

fn columns() -> Vec<Column<Node>> {
    vec![
        Column::new("node_id", "NODE", |node: &Node| node.id),
        Column::new("client_address", "CLIENTS", |node: &Node| node.client_address.to_string()),
        Column::new("peer_address", "PEERS", |node: &Node| node.peer_address.to_string()),
        Column::new("pid", "PID", |node: &Node| Value::or_null(node.pid())),
        Column::json("data", |node: &Node| node.data().display().to_string()),
        Column::new("log", "LOG", |node: &Node| node.log().display().to_string()).with(Trait::NotInTable),
    ]
}

/// All client addresses, as `--server` and `ONCELOG_SERVER` take them.
fn server(cluster: &Cluster) -> String {
    cluster.nodes.iter().map(|node| node.client_address.to_string()).collect::<Vec<_>>().join(",")
}

/// What runs where. As JSON it is one document, or one line that holds all.
fn print(out: &mut Output, cluster: &Cluster, leader: Option<u64>) -> Result<(), Problem> {
    if matches!(out.format(), Format::Table | Format::Plain | Format::Csv) {
        return out.rows(&columns(), &cluster.nodes);
    }
    let nodes: serde_json::Value = cluster.nodes.iter().map(|node| output::object(&columns(), node)).collect();
    let document = [
        Column::given_json("directory", cluster.directory.path.display().to_string()),
        Column::given_json("server", server(cluster)),
        Column::given_json("leader_id", Value::or_null(leader)),
        Column::given_json("nodes", nodes),
    ];
    out.one(&document, &())
}

/// What a person may try now, in another shell.
fn to_try(cluster: &Cluster, leader: Option<u64>, program: &str) -> String {
    let Cluster { nodes, directory, .. } = cluster;
    let victim = nodes.iter().find(|node| Some(node.id) == leader).or(nodes.first());
    let pid = victim.and_then(Node::pid).unwrap_or_default();
    let then = match members::losses_survived(nodes.len()) {
        0 => "the cluster stops, and you are told how to start the node again",
        _ => "the leader; append again: still the same answer",
    };
    let goes = if directory.is_to_go { " and removes their directory" } else { "" };
    format!(
        "
Logs: {directory}/node-NUMBER/log

Try, in another shell:

  export ONCELOG_SERVER={server}
  {program} append orders 'two tickets' --id pay-7   # again: the same answer
  kill -9 {pid}   # {then}
  {program} read orders

Ctrl-C stops the nodes{goes}.",
        directory = directory.path.display(),
        server = server(cluster),
    )
}

/// The command that continues a cluster.
fn again(directory: &Path, timing: Timing) -> String {
    let timing = if timing == Timing::Default { String::new() } else { format!(" --timing {}", word(&timing)) };
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
    use tokio::process::Command;

    use super::*;

    /// A cluster in a directory, and the process of its second node, which alone runs.
    async fn cluster(directory: &Path, nodes: u8) -> (Cluster, u32) {
        let dev = Dev { nodes: Some(nodes), directory: Some(directory.to_owned()), ..Dev::default() };
        let mut cluster = Cluster::prepare(&dev).await.unwrap();
        let process = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
        let pid = process.id().unwrap();
        cluster.nodes[1].process = Some(process);
        (cluster, pid)
    }

    #[tokio::test]
    async fn what_runs_where_is_printed_for_people_and_for_programs() {
        let directory = tempfile::tempdir().unwrap();
        let (cluster, pid) = cluster(directory.path(), 2).await;
        let printed = |format| output::printed(format, |out| print(out, &cluster, Some(2)));
        let [[c1, p1], [c2, p2]] = [0, 1].map(|at| [cluster.nodes[at].client_address, cluster.nodes[at].peer_address]);
        let rows = format!("1     {c1}  {p1}  -\n2     {c2}  {p2}  {pid}\n");
        assert_eq!(printed(Format::Table), "NODE  CLIENTS          PEERS            PID\n".to_owned() + &rows);
        let path = directory.path().canonicalize().unwrap().display().to_string();
        let plain = format!("1\t{c1}\t{p1}\t-\t{path}/node-1/log\n2\t{c2}\t{p2}\t{pid}\t{path}/node-2/log\n");
        assert_eq!(printed(Format::Plain), plain);
        let line = printed(Format::Jsonl);
        assert_eq!(line.lines().count(), 1, "{line}");
        let [line, document] = [line, printed(Format::Json)].map(|text| serde_json::from_str(&text).unwrap());
        assert_eq!(line, document);
        let line: serde_json::Value = line;
        assert_eq!((&line["directory"], &line["leader_id"]), (&path.clone().into(), &2.into()));
        let data = format!("{path}/node-2/data");
        assert_eq!((&line["nodes"][1]["pid"], &line["nodes"][1]["data"]), (&pid.into(), &data.into()));
        assert_eq!(line["server"], format!("{c1},{c2}"));
    }

    #[tokio::test]
    async fn the_leader_is_the_one_to_kill() {
        for (count, then) in [(2, "the cluster stops"), (3, "the leader")] {
            let directory = tempfile::tempdir().unwrap();
            let (cluster, pid) = cluster(directory.path(), count).await;
            let text = to_try(&cluster, Some(2), "oncelog");
            assert!(text.contains(&format!("\n  export ONCELOG_SERVER={}\n", server(&cluster))), "{text}");
            assert!(text.contains(&format!("\n  kill -9 {pid}   # {then}")), "{text}");
        }
    }

    #[test]
    fn a_path_is_quoted_as_a_shell_needs_it() {
        let words = ["/tmp/a-b_1.c", "", "a b", "it's"].map(quoted);
        assert_eq!(words, ["/tmp/a-b_1.c", "''", "'a b'", r"'it'\''s'"]);
    }
}
