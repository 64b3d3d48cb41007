//! What differs between a transcript and the next run of the same commands, and nothing else.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use cluster_tests::client::Client;
use cluster_tests::markdown::simple_commands;
use cluster_tests::proto::Role;
use cluster_tests::wait::{PATIENCE, until};
use rand::RngExt as _;

/// Of the ports from the first one on, those that three nodes of `oncelog dev` use.
const OFFSETS: [u16; 6] = [0, 1, 10, 11, 20, 21];
/// As many digits as those of the README have, so that tables keep their widths.
const CANDIDATES: std::ops::Range<u16> = 2_000..9_000;

/// The ports that a transcript names, and those that take their places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    written: u16,
    used: u16,
}

impl Ports {
    /// Chooses ports that nobody uses for a transcript that begins with this command.
    pub(crate) fn choose(first_command: &str) -> Self {
        let mut words = first_command.split_whitespace().skip_while(|word| *word != "--port");
        let written: u16 = words.nth(1).and_then(|port| port.parse().ok()).expect("the first command says --port");
        assert!((1_000..9_000).contains(&written), "the ports have four digits, as those that take their places");
        for _ in 0..1_000 {
            let used = rand::rng().random_range(CANDIDATES);
            let is_free = |offset: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, used + offset)).is_ok();
            if used.abs_diff(written) > 100 && OFFSETS.iter().all(is_free) {
                return Self { written, used };
            }
        }
        panic!("there are no free ports in {CANDIDATES:?}")
    }

    /// The same text with the ports that are used.
    pub(crate) fn exchange(self, text: &str) -> String {
        let addresses = OFFSETS.iter().fold(text.to_owned(), |text, offset| {
            text.replace(&format!("127.0.0.1:{}", self.written + offset), &format!("127.0.0.1:{}", self.used + offset))
        });
        addresses.replace(&format!("--port {}", self.written), &format!("--port {}", self.used))
    }
}

/// What a cluster's nodes are called in what `oncelog dev` printed: every cluster has other ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    directory: String,
    nodes: Vec<NodeNames>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NodeNames {
    number: u64,
    client_address: SocketAddr,
    pid: String,
}

impl Names {
    /// Reads the table of nodes, if this is one.
    pub(crate) fn read(printed: &str) -> Option<Self> {
        let mut names = Self::default();
        let mut lines = printed.lines();
        let headings: Vec<&str> = lines.next()?.split_whitespace().collect();
        let column = |name: &str| headings.iter().position(|heading| *heading == name);
        let (node, clients, pid) = (column("NODE")?, column("CLIENTS")?, column("PID")?);
        for line in lines {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let number: u64 = cells.get(node)?.parse().ok()?;
            if let Some((directory, _)) = cells.last()?.split_once(&format!("/node-{number}/")) {
                directory.clone_into(&mut names.directory);
            }
            names.nodes.push(NodeNames {
                number,
                client_address: cells.get(clients)?.parse().ok()?,
                pid: (*cells.get(pid)?).to_owned(),
            });
        }
        (!names.nodes.is_empty()).then_some(names)
    }

    /// What a command does to processes: each signal, and the node that gets it. A process must be one of the nodes, or
    /// be named as a job of the shell: any other number would be somebody else's process.
    pub(crate) fn signals(&self, command: &str) -> Vec<(String, u64)> {
        assert!(!command.contains("pkill") && !command.contains("killall"), "`{command}` ends what is not its own");
        let mut signals = Vec::new();
        for simple in simple_commands(command) {
            let words: Vec<&str> = simple.split_whitespace().collect();
            let ["kill", arguments @ ..] = words.as_slice() else { continue };
            let signal = arguments.first().filter(|word| word.starts_with('-')).map_or("-TERM", |word| *word);
            for process in arguments.iter().filter(|word| !word.starts_with(['-', '$', '%'])) {
                let node = self.nodes.iter().find(|node| node.pid == *process);
                let node = node.unwrap_or_else(|| panic!("`{command}` ends a process that is none of the nodes"));
                signals.push((signal.to_owned(), node.number));
            }
        }
        signals
    }

    /// The number of the node that leads.
    pub(crate) async fn leader(&self) -> u64 {
        until("a node leads", PATIENCE, || async {
            for node in &self.nodes {
                let status = Client::new(node.client_address, Duration::from_secs(2)).status().await;
                if status.is_ok_and(|status| status.role() == Role::Leader && status.serving) {
                    return Ok(node.number);
                }
            }
            Err("none says so".to_owned())
        })
        .await
    }

    fn node(&self, number: u64) -> &NodeNames {
        self.nodes.iter().find(|node| node.number == number).expect("a node of the cluster")
    }
}

/// What stands for what, where a text about one cluster is told about another.
#[derive(Debug, Default)]
pub(crate) struct Cast {
    exchanges: Vec<(String, String)>,
}

impl Cast {
    /// Node for node, but that the leader here plays the leader of the transcript, and the other way round.
    pub(crate) fn new(written: &Names, written_leader: u64, found: &Names, found_leader: u64) -> Self {
        let plays = |number| match number {
            number if number == written_leader => found_leader,
            number if number == found_leader => written_leader,
            number => number,
        };
        let mut exchanges = Vec::new();
        for node in &written.nodes {
            let actor = found.node(plays(node.number));
            exchanges.push((node.pid.clone(), actor.pid.clone()));
            exchanges.push((node.client_address.to_string(), actor.client_address.to_string()));
        }
        Self { exchanges }
    }

    /// The text, told about the cluster here.
    pub(crate) fn tell(&self, text: &str) -> String {
        let mut told = String::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let is_within_a_number = told.ends_with(|before: char| before.is_ascii_digit());
            let exchange = self.exchanges.iter().find(|(written, _)| {
                let after = rest.strip_prefix(written.as_str());
                !is_within_a_number && after.is_some_and(|after| !after.starts_with(|next: char| next.is_ascii_digit()))
            });
            let (length, new) = match exchange {
                Some((written, found)) => (written.len(), found.as_str()),
                None => (letter.len_utf8(), rest.get(..letter.len_utf8()).unwrap_or_default()),
            };
            told.push_str(new);
            rest = rest.get(length..).unwrap_or_default();
        }
        told
    }
}

/// The text without what differs from run to run, and without the notes of a client that a slow machine lets wait. Where
/// names take part in how wide a table is, its widths are left out.
pub(crate) fn normal(printed: &str, names: &Names) -> String {
    let has_names = Names::read(printed).is_some();
    let lines = printed.lines().filter(|line| !line.starts_with("still trying: ")).map(|line| {
        let words: Vec<String> = line.split(' ').map(|word| normal_word(word, names)).collect();
        if has_names { words.into_iter().filter(|word| !word.is_empty()).collect() } else { words }.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn normal_word(word: &str, names: &Names) -> String {
    if is_time(word) {
        return "<time>".to_owned();
    }
    if let Some(node) = names.nodes.iter().find(|node| node.pid == word) {
        return format!("<process of node {}>", node.number);
    }
    match word.strip_prefix(&names.directory).filter(|_| !names.directory.is_empty()) {
        Some(rest) => format!("<directory>{rest}"),
        None => word.to_owned(),
    }
}

/// Whether it is a time in UTC, to the millisecond.
fn is_time(word: &str) -> bool {
    let shape: String = word.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "NODE  CLIENTS         PEERS           PID   LOG\n\
                         1     127.0.0.1:7420  127.0.0.1:7421  4710  /tmp/a/node-1/log\n\
                         2     127.0.0.1:7430  127.0.0.1:7431  4711  /tmp/a/node-2/log\n";

    #[test]
    fn only_names_and_times_may_differ() {
        let other = TABLE.replace("471", "1001").replace("/tmp/a", "/var/tmp/b").replace("  PID   ", "  PID    ");
        let (names, others) = (Names::read(TABLE).unwrap(), Names::read(&other).unwrap());
        assert_eq!(normal(TABLE, &names), normal(&other, &others));
        for changed in [TABLE.replace("PEERS", "OTHERS"), TABLE.replace("node-2/log", "node-2/log.txt")] {
            assert_ne!(normal(TABLE, &names), normal(&changed, &names), "{changed}");
        }

        let read = "0       2026-11-24T12:17:38.512Z  pay-7  -        two tickets\n";
        let later = read.replace("12:17:38", "23:59:59");
        assert_eq!(normal(read, &names), normal(&later, &names));
        assert_eq!(normal(&format!("still trying: a:1: no answer\n{read}"), &names), normal(read, &names));
        for changed in [read.replace("two ", "two  "), read.replace("0   ", "1   "), read.replace(".512Z", "Z")] {
            assert_ne!(normal(read, &names), normal(&changed, &names), "{changed}");
        }
    }

    #[test]
    fn what_is_no_table_of_nodes_has_no_names() {
        assert_eq!(Names::read(""), None);
        assert_eq!(Names::read("OFFSET  ARRIVAL  SEQUENCE  ID\n0       first    1         pay-7\n"), None);
    }

    #[test]
    fn only_processes_of_the_cluster_get_signals() {
        let names = Names::read(TABLE).unwrap();
        let signals = |command| names.signals(command);
        assert_eq!(signals("kill -9 4711   # the leader"), [("-9".to_owned(), 2)]);
        assert_eq!(signals("kill -CONT 4710; wait %2"), [("-CONT".to_owned(), 1)]);
        assert_eq!(signals("kill 4710; kill -STOP 4711"), [("-TERM".to_owned(), 1), ("-STOP".to_owned(), 2)]);
        for of_nobody in ["kill $!   # 4711", "kill %1", "oncelog append kill 4711"] {
            assert_eq!(signals(of_nobody), [], "{of_nobody}");
        }
        for of_others in ["kill -9 1", "true; kill 47", "pkill oncelog"] {
            assert!(std::panic::catch_unwind(|| names.signals(of_others)).is_err(), "{of_others}");
        }
    }

    #[test]
    fn the_leader_here_plays_the_leader_of_the_transcript() {
        let written = Names::read(TABLE).unwrap();
        let found = Names::read(&TABLE.replace("471", "981")).unwrap();
        let text = "kill 4710; kill 4711, not 14711 or 47110 at 127.0.0.1:7420,127.0.0.1:7430";
        assert_eq!(Cast::new(&written, 1, &found, 1).tell(text), text.replace("kill 471", "kill 981"));
        let swapped = "kill 9811; kill 9810, not 14711 or 47110 at 127.0.0.1:7430,127.0.0.1:7420";
        assert_eq!(Cast::new(&written, 1, &found, 2).tell(text), swapped);
        assert_eq!(Cast::default().tell(text), text);
    }

    #[test]
    fn ports_are_exchanged_and_other_numbers_stay() {
        let ports = Ports { written: 7_420, used: 2_345 };
        let text = "oncelog dev --port 7420  # 127.0.0.1:7441,127.0.0.1:7430 7420 2345";
        assert_eq!(ports.exchange(text), "oncelog dev --port 2345  # 127.0.0.1:2366,127.0.0.1:2355 7420 2345");
    }
}
