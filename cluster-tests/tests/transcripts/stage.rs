//! Where a transcript is played: a directory, a shell, and three nodes that it can take away and give back.
//!
//! The directions (`% …`) that a transcript can give:
//!
//! - `no cluster` or `three empty nodes`, first of all: otherwise three nodes are a cluster that node 1 leads. Without a
//!   cluster `$CLIENTS` and `$PEERS` are addresses on which one may listen.
//! - `pause 2 3`, `resume 2 3`, `kill 2 3`, `start 2 3`: what the nodes make of it is waited for.
//! - `varies term, applied_index`: from here on, columns and fields whose values say nothing.
//! - `Ctrl-C after TEXT`: the next command runs until it has printed the text, and then somebody ends it.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use cluster_tests::addresses::Addresses;
use cluster_tests::binary;
use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::launcher::{Launcher, Mounts};
use cluster_tests::scratch::Scratch;
use cluster_tests::wait::{PATIENCE, until};
use tokio::sync::SemaphorePermit;

use crate::normal::{Normal, csv_headings, is_heading, wrapped};
use crate::run::{COLUMNS, Run};
use crate::script::{Command, Line, Printed, Writer, lines};

/// How often a cluster is made until node 1 leads it, as it nearly always does.
const CLUSTERS: usize = 5;

/// The place, and how things stand there.
pub(crate) struct Stage {
    cluster: Option<Cluster>,
    /// The nodes that are paused or killed.
    away: BTreeSet<u64>,
    directory: PathBuf,
    variables: Vec<(String, String)>,
    normal: Normal,
    interrupt: Option<String>,
    launcher: Launcher,
    _free: Addresses,
    _scratch: Scratch,
}

impl Stage {
    /// Plays a transcript, and returns what it is now.
    pub(crate) async fn play(turn: &SemaphorePermit<'static>, name: &str, transcript: &str) -> String {
        let mut written = lines(transcript);
        let begin = written.iter().position(|line| matches!(line, Line::Direction(_) | Line::Command(_)));
        let set = begin.and_then(|begin| written.get(begin).cloned());
        let cluster = match &set {
            Some(Line::Direction(text)) if text == "no cluster" => None,
            Some(Line::Direction(text)) if text == "three empty nodes" => Some(empty_nodes(turn, name).await),
            _ => Some(led_by_the_first(turn, name).await),
        };
        let mut stage = Self::new(name, cluster);
        let mut writer = Writer::default();
        for line in written.drain(..) {
            match &line {
                Line::Comment(_) => writer.prepare(&line),
                Line::Direction(direction) => {
                    if set.as_ref() != Some(&line) || !is_a_set(direction) {
                        stage.follow(direction).await;
                    }
                    writer.prepare(&line);
                }
                Line::Command(command) => writer.command(command, &stage.run(command).await),
            }
        }
        writer.finish()
    }

    fn new(name: &str, cluster: Option<Cluster>) -> Self {
        let scratch = Scratch::new(&format!("transcripts-{name}"));
        let [directory, programs] = ["here", "programs"].map(|name| scratch.path().join(name));
        fs::create_dir(&directory).expect("make the directory in which commands run");
        let mut variables: Vec<(String, String)> = [
            ("PATH", binary::on_path(&programs)),
            ("HOME", directory.display().to_string()),
            ("TMPDIR", directory.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm".to_owned()),
            ("COLUMNS", COLUMNS.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let host = nix::unistd::gethostname().expect("this machine has a name").to_string_lossy().into_owned();
        let mut known = vec![
            (binary::ordinary().display().to_string(), "oncelog".to_owned()),
            (directory.display().to_string(), "<directory>".to_owned()),
            (format!("{host}/"), "<host>/".to_owned()),
        ];
        let free = Addresses::reserve();
        let first = if let Some(cluster) = &cluster {
            let addresses: Vec<_> = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();
            variables.push(("ONCELOG_SERVER".to_owned(), addresses.join(",")));
            cluster.node(1).plan().client_address
        } else {
            let address = |name: &str, address: SocketAddr| (name.to_owned(), address.to_string());
            variables.extend([address("CLIENTS", free.client(1)), address("PEERS", free.peer(1))]);
            free.client(1)
        };
        let first = first.ip().to_string();
        known.push((first.trim_end_matches('1').to_owned(), "127.127.127.".to_owned()));
        let normal = Normal { known, varies: Vec::new() };
        let launcher = Launcher::new(Mounts::Shared);
        let away = BTreeSet::new();
        Self { cluster, away, directory, variables, normal, interrupt: None, launcher, _free: free, _scratch: scratch }
    }

    async fn follow(&mut self, direction: &str) {
        let (verb, rest) = direction.split_once(' ').unwrap_or((direction, ""));
        match verb {
            "varies" => self.normal.varies.extend(rest.split(", ").map(str::to_owned)),
            "Ctrl-C" => self.interrupt = rest.strip_prefix("after ").map(str::to_owned),
            "pause" | "kill" | "resume" | "start" => {
                let nodes = rest
                    .split(' ')
                    .map(|node| node.parse().unwrap_or_else(|_| panic!("`% {direction}`: {node} is no node")));
                self.change(verb, &nodes.collect::<Vec<u64>>()).await;
            }
            _ => panic!("`% {direction}` is no direction"),
        }
    }

    /// Takes nodes away or gives them back, and waits until the others have seen it.
    async fn change(&mut self, verb: &str, nodes: &[u64]) {
        let cluster = self.cluster.as_ref().expect("only a cluster has nodes");
        for id in nodes {
            let node = cluster.node(*id);
            match verb {
                "pause" => node.pause(),
                "kill" => node.kill(),
                "resume" => node.resume(),
                _ => node.start(),
            }
            if matches!(verb, "pause" | "kill") {
                self.away.insert(*id)
            } else {
                self.away.remove(id)
            };
        }
        let here: Vec<u64> = cluster.ids().into_iter().filter(|id| !self.away.contains(id)).collect();
        if here.len() > self.away.len() {
            cluster.serving(&here).await;
        } else {
            until("no node serves without a majority", PATIENCE, || async {
                let statuses = cluster.statuses(&here).await;
                let serving = statuses.into_iter().flatten().find(|status| status.serving);
                serving.map_or(Ok(()), |status| Err(format!("node {} serves", status.node_id)))
            })
            .await;
        }
    }

    /// Runs a command once, or once in every format, and returns what it printed without what differs.
    async fn run(&mut self, command: &Command) -> Vec<(Option<&'static str>, Printed)> {
        let interrupt = self.interrupt.take();
        let mut all = Vec::new();
        for (format, text) in command.runs() {
            let mut run = Run::start(&self.launcher, &text, command.is_in_terminal, &self.directory, &self.variables);
            if let Some(after) = &interrupt {
                run.interrupt_after(after).await;
            }
            all.push((format, text, run.ended().await));
        }
        let csv = all.iter().find(|(format, ..)| *format == Some("csv"));
        let headings = csv.map(|(.., printed)| csv_headings(&printed.out));
        let normal = |(format, text, printed): (Option<&'static str>, String, Printed)| {
            let kind = Command::format(&text);
            let mut out = self.normal.answer(&printed.out, kind, headings.as_deref());
            if command.is_in_terminal {
                assert_fits(&text, &self.normal.text(&printed.out));
                out = wrapped(&out, COLUMNS.into());
            }
            (format, Printed { out, err: self.normal.text(&printed.err), code: printed.code })
        };
        all.into_iter().map(normal).collect()
    }
}

fn is_a_set(direction: &str) -> bool {
    ["no cluster", "three empty nodes"].contains(&direction)
}

/// A table of lines that a terminal breaks can't be read.
fn assert_fits(command: &str, shown: &str) {
    let tables = shown.lines().skip_while(|line| !is_heading(line)).take_while(|line| !line.is_empty());
    for line in tables {
        let width = line.chars().count();
        assert!(
            width <= COLUMNS.into(),
            "`{command}` prints a table of {width} columns in a terminal of {COLUMNS}:\n{shown}"
        );
    }
}

async fn empty_nodes(turn: &SemaphorePermit<'static>, name: &str) -> Cluster {
    let cluster = Cluster::start_within(turn, name, &Settings::default()).await;
    until("all nodes answer", PATIENCE, || async {
        cluster.statuses(&cluster.ids()).await.into_iter().collect::<Result<Vec<_>, _>>()
    })
    .await;
    cluster
}

async fn led_by_the_first(turn: &SemaphorePermit<'static>, name: &str) -> Cluster {
    for _ in 0..CLUSTERS {
        let cluster = Cluster::start_within(turn, name, &Settings::default()).await;
        cluster.init().await;
        if cluster.leader().await == 1 {
            return cluster;
        }
    }
    panic!("node 1, which makes the cluster, leads none of {CLUSTERS}")
}
