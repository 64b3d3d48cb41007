//! Every node in a network namespace of its own, and a router between them that drops what a run wants dropped.
//!
//! ```text
//!   harness and clients ── router ──┬── node 1      from its peers  198.18.x.1
//!        198.18.x.254               ├── node 2      from clients    198.18.x.102
//!                                   └── node 3      from the harness 198.18.x.203
//! ```
//!
//! - A namespace has no name: a thread of the harness holds it, and whatever it starts. When these are gone, however the run
//!   ended, the kernel removes the namespaces with all links and routes in them.
//! - Each node has two links to the router: one for its peers, and one for clients and the harness.
//! - A cut of one direction is a routing rule that leads into a *hole*: a link on whose other end nobody listens. It counts
//!   what falls in. A rate is a token bucket (`tbf`) on the router's end of the link for peers.
//! - Nothing here needs more than `ip` and `tc` of iproute2, root, and a kernel with `veth`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt as _;

use super::{CLIENTS, Direction, Rule, Rules};
use crate::launcher::Launcher;

/// The first two numbers of all addresses: a range that is kept for tests of networks (RFC 2544).
const NET: [u8; 2] = [198, 18];
/// Where the harness and all clients are.
const HARNESS: u8 = 254;
/// The router's own address, on every link.
const ROUTER: u8 = 253;
/// The greatest id of a node, so that each has three addresses.
const NODES: u64 = 50;
/// How a link to a hole begins.
const HOLE: &str = "hole";

/// The address of a node in a subnet, as one kind of caller reaches it.
#[derive(Debug, Clone, Copy)]
enum Side {
    Peers = 0,
    Clients = 100,
    Harness = 200,
}

/// A namespace, held by a thread.
#[derive(Debug)]
struct Namespace {
    launcher: Launcher,
    /// Where a process finds it to enter it.
    path: PathBuf,
    /// The thread's id, by which `ip` finds it.
    thread: String,
}

impl Namespace {
    fn make() -> Self {
        let launcher = Launcher::with_network();
        let told = launcher.run(|| std::fs::read_link("/proc/thread-self")).expect("the kernel tells a thread's name");
        let thread = told.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { launcher, path: Path::new("/proc").join(told).join("ns/net"), thread }
    }

    /// Changes a setting of this namespace's network.
    fn set(&self, name: &str, value: &'static str) {
        let path = Path::new("/proc/sys/net").join(name);
        let set = self.launcher.run(move || std::fs::write(&path, value));
        set.unwrap_or_else(|error| panic!("set {name} in a network namespace: {error}"));
    }

    /// Runs lines of `ip`, each as one would type it. Says which failed.
    fn ip(&self, lines: &[String]) -> Result<(), String> {
        let lines = lines.join("\n");
        self.launcher.run(move || batch(&lines))
    }

    /// The same where a failure ends the run.
    fn do_ip(&self, lines: &[String]) {
        self.ip(lines).unwrap_or_else(|why| panic!("{why}"));
    }

    fn tc(&self, arguments: &str) -> String {
        let mut command = Command::new("tc");
        command.args(arguments.split_whitespace());
        let output = self.launcher.run(move || command.output()).expect("start tc");
        assert!(output.status.success(), "tc {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn batch(lines: &str) -> Result<(), String> {
    let mut command = Command::new("ip");
    command.args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("ip: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(lines.as_bytes()).map_err(|error| format!("ip: {error}"))?;
    }
    let output = child.wait_with_output().map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip said {said:?} of:\n{lines}")) }
}

/// The router, and the namespaces of all nodes.
#[derive(Debug)]
pub struct Router {
    subnet: u8,
    /// Where all links meet.
    middle: Namespace,
    nodes: BTreeMap<u64, Namespace>,
    /// The directions that have a hole.
    holes: BTreeSet<Direction>,
    /// What is cut now.
    cut: BTreeSet<Direction>,
    /// The rate towards each node that has one, in bytes a second.
    rates: BTreeMap<u64, u32>,
    /// What each meter showed when it was last read.
    read: BTreeMap<Meter, u64>,
}

/// Where the kernel counts what was held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meter {
    Hole(Direction),
    Rate(u64),
}

impl Router {
    /// Makes a namespace for each of these nodes, and joins them. Panics with a sentence where the machine can't.
    pub fn make(ids: &[u64]) -> Self {
        assert!(ids.iter().all(|id| (1..=NODES).contains(id)), "node ids from 1 to {NODES}, not {ids:?}");
        let router = Namespace::make();
        router.set("ipv4/ip_forward", "1");
        // What a node sends to clients need not come on the link on which the router would answer it.
        for of in ["all", "default"] {
            router.set(&format!("ipv4/conf/{of}/rp_filter"), "0");
            // Only what is cut falls into a hole: nothing that IPv6 says by itself.
            router.set(&format!("ipv6/conf/{of}/disable_ipv6"), "1");
        }
        router.do_ip(&["link set lo up".to_owned()]);
        let subnet = join_harness(&router);
        let nodes = ids.iter().map(|id| (*id, join_node(&router, subnet, *id))).collect();
        let (holes, cut, rates, read) = Default::default();
        Self { subnet, middle: router, nodes, holes, cut, rates, read }
    }

    /// The namespace of a node, for processes that are to enter it.
    pub fn namespace(&self, node: u64) -> &Path {
        &self.nodes.get(&node).unwrap_or_else(|| panic!("node {node} has no network namespace")).path
    }

    /// Where its peers reach a node.
    pub fn peers(&self, node: u64) -> IpAddr {
        address(self.subnet, Side::Peers, node)
    }

    /// Where clients reach it.
    pub fn clients(&self, node: u64) -> IpAddr {
        address(self.subnet, Side::Clients, node)
    }

    /// Where the harness reaches it for its own questions.
    pub fn harness(&self, node: u64) -> IpAddr {
        address(self.subnet, Side::Harness, node)
    }

    /// Adds what was held up since the last time to the rules that held it up.
    pub(super) fn count(&mut self, rules: &Rules) {
        let meters = self.meters();
        for (direction, laid) in rules {
            let fallen = self.since(&meters, Meter::Hole(*direction));
            for laid in laid.iter().filter(|laid| laid.rule.cut) {
                laid.touched.fetch_add(fallen, Ordering::Relaxed);
            }
        }
        for node in self.rates.keys() {
            let slowed = self.since(&meters, Meter::Rate(*node));
            let to_it = rules.iter().filter(|((_, to), _)| to == node).flat_map(|(_, laid)| laid);
            let slow = to_it.filter(|laid| laid.rule.bytes_per_second.is_some());
            // A layer counts once, though it has a rule for each direction.
            let layers: BTreeMap<u64, &AtomicU64> = slow.map(|laid| (laid.layer, &*laid.touched)).collect();
            for touched in layers.into_values() {
                touched.fetch_add(slowed, Ordering::Relaxed);
            }
        }
        self.read = meters;
    }

    fn since(&self, meters: &BTreeMap<Meter, u64>, meter: Meter) -> u64 {
        let shows = |meters: &BTreeMap<Meter, u64>| meters.get(&meter).copied().unwrap_or_default();
        shows(meters).saturating_sub(shows(&self.read))
    }

    /// Has these rules hold, and no other.
    pub(super) fn obey(&mut self, rules: &Rules) {
        let cuts = |rule: &Rule| rule.cut;
        let is_cut = |laid: &&super::Laid| cuts(&laid.rule);
        let all = || rules.iter().flat_map(|(direction, laid)| laid.iter().map(move |laid| (*direction, laid)));
        assert!(
            all().all(|(_, laid)| laid.rule.late.is_zero()
                && laid.rule.jitter.is_zero()
                && laid.rule.lost_of_thousand == 0),
            "a router delays and loses nothing: that needs relays"
        );
        let cut: BTreeSet<Direction> = all().filter(|(_, laid)| is_cut(laid)).map(|(direction, _)| direction).collect();
        let mut rates: BTreeMap<u64, u32> = BTreeMap::new();
        for ((_, to), laid) in all() {
            if let Some(rate) = laid.rule.bytes_per_second {
                rates.entry(to).and_modify(|least| *least = rate.min(*least)).or_insert(rate);
            }
        }
        self.cut(cut);
        self.slow(rates);
    }

    fn cut(&mut self, cut: BTreeSet<Direction>) {
        let mut lines = Vec::new();
        for direction in cut.difference(&self.cut) {
            if self.holes.insert(*direction) {
                lines.extend(dig(*direction));
            }
            lines.push(format!("rule add {}", self.way(*direction)));
        }
        for direction in self.cut.difference(&cut) {
            lines.push(format!("rule del {}", self.way(*direction)));
        }
        if !lines.is_empty() {
            self.middle.do_ip(&lines);
        }
        self.cut = cut;
    }

    /// What falls into the hole of a direction.
    fn way(&self, (from, to): Direction) -> String {
        let end = |id, other| match (id, other) {
            (CLIENTS, _) => host(self.subnet, HARNESS),
            (node, CLIENTS) => self.clients(node),
            (node, _) => self.peers(node),
        };
        format!("from {} to {} lookup {}", end(from, to), end(to, from), table((from, to)))
    }

    fn slow(&mut self, rates: BTreeMap<u64, u32>) {
        for node in self.rates.keys().filter(|node| !rates.contains_key(node)) {
            self.middle.tc(&format!("qdisc del dev peer{node} root"));
            self.read.remove(&Meter::Rate(*node));
        }
        for (node, rate) in rates.iter().filter(|(node, rate)| self.rates.get(node) != Some(rate)) {
            self.middle.tc(&format!("qdisc replace dev peer{node} root tbf rate {rate}bps burst 16kb limit 256kb"));
        }
        self.rates = rates;
    }

    /// What all meters show.
    fn meters(&self) -> BTreeMap<Meter, u64> {
        let told = self.middle.launcher.run(|| std::fs::read_to_string("/proc/thread-self/net/dev"));
        let told = told.expect("the kernel counts what its links carry");
        let counts: BTreeMap<&str, u64> = told.lines().filter_map(sent).collect();
        let fallen = |direction: &Direction| counts.get(&*hole(*direction)).copied().unwrap_or_default();
        let holes = self.holes.iter().map(|direction| (Meter::Hole(*direction), fallen(direction)));
        let slowed = |node: &u64| (Meter::Rate(*node), self.slowed(*node));
        holes.chain(self.rates.keys().map(slowed)).collect()
    }

    /// How often something had to wait for its turn.
    fn slowed(&self, node: u64) -> u64 {
        let told = self.middle.tc(&format!("-s -j qdisc show dev peer{node} root"));
        let told: serde_json::Value = serde_json::from_str(&told).expect("tc writes JSON");
        told.pointer("/0/overlimits").and_then(serde_json::Value::as_u64).unwrap_or_default()
    }
}

/// A line of the kernel's table of links: the name, eight numbers of what came, and the bytes and packets that were sent.
fn sent(line: &str) -> Option<(&str, u64)> {
    let (name, numbers) = line.split_once(':')?;
    Some((name.trim(), numbers.split_whitespace().nth(9)?.parse().ok()?))
}

/// Lays a link from the router to the harness in a subnet that nobody has, and returns that.
fn join_harness(router: &Namespace) -> u8 {
    let mut why = String::new();
    for _ in 0..100 {
        let subnet = rand::rng().random();
        let (harness, gateway) = (host(subnet, HARNESS), host(subnet, ROUTER));
        let link = format!("oncelog-{subnet}");
        // By whoever makes the link first the subnet is taken.
        let process = std::process::id();
        if let Err(said) = router.ip(&[format!("link add clients type veth peer name {link} netns {process}")]) {
            why = said;
            continue;
        }
        router.do_ip(&[
            format!("address add {gateway}/32 dev clients"),
            "link set clients up".to_owned(),
            format!("route add {harness}/32 dev clients"),
        ]);
        let lines = [
            format!("address add {harness}/32 dev {link}"),
            format!("link set {link} up"),
            format!("route add {}/24 via {gateway} dev {link} onlink", host(subnet, 0)),
        ];
        batch(&lines.join("\n")).unwrap_or_else(|why| panic!("{why}"));
        return subnet;
    }
    panic!("no network of 198.18.0.0/16 could be made: {why}");
}

/// Makes the namespace of a node, with a link for its peers and one for all others.
fn join_node(router: &Namespace, subnet: u8, node: u64) -> Namespace {
    let namespace = Namespace::make();
    let gateway = host(subnet, ROUTER);
    let [peers, clients, harness] = [Side::Peers, Side::Clients, Side::Harness].map(|side| address(subnet, side, node));
    let thread = &namespace.thread;
    router.do_ip(&[
        format!("link add peer{node} type veth peer name peers netns {thread}"),
        format!("link add client{node} type veth peer name clients netns {thread}"),
        format!("address add {gateway}/32 dev peer{node}"),
        format!("address add {gateway}/32 dev client{node}"),
        format!("link set peer{node} up"),
        format!("link set client{node} up"),
        format!("route add {peers}/32 dev peer{node}"),
        format!("route add {clients}/32 dev client{node}"),
        format!("route add {harness}/32 dev client{node}"),
    ]);
    for of in ["all", "default", "peers", "clients"] {
        namespace.set(&format!("ipv4/conf/{of}/rp_filter"), "0");
    }
    namespace.do_ip(&[
        "link set lo up".to_owned(),
        format!("address add {peers}/32 dev peers"),
        format!("address add {clients}/32 dev clients"),
        format!("address add {harness}/32 dev clients"),
        "link set peers up".to_owned(),
        "link set clients up".to_owned(),
        format!("route add {}/32 via {gateway} dev clients onlink", host(subnet, HARNESS)),
        format!("route add default via {gateway} dev peers onlink src {peers}"),
    ]);
    namespace
}

/// What makes a hole: a link without neighbours, and a table of routes that knows nothing else.
fn dig(direction: Direction) -> Vec<String> {
    let (hole, bottom) = (hole(direction), format!("bottom{}-{}", direction.0, direction.1));
    vec![
        format!("link add {hole} type veth peer name {bottom}"),
        format!("link set {bottom} up"),
        format!("link set {hole} arp off"),
        format!("link set {hole} up"),
        format!("route add default dev {hole} table {}", table(direction)),
    ]
}

fn hole((from, to): Direction) -> String {
    format!("{HOLE}{from}-{to}")
}

/// Of no table that the kernel has already.
fn table((from, to): Direction) -> u64 {
    1_000 + from * 100 + to
}

fn address(subnet: u8, side: Side, node: u64) -> IpAddr {
    let number = u8::try_from(node).expect("a small id");
    host(subnet, side as u8 + number)
}

fn host(subnet: u8, number: u8) -> IpAddr {
    let [first, second] = NET;
    IpAddr::V4(Ipv4Addr::new(first, second, subnet, number))
}

/// Whether this machine can do all that. Tried once.
pub fn is_possible() -> Result<(), String> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    let tried = || {
        if !nix::unistd::geteuid().is_root() {
            return Err("it makes network namespaces, which needs root".to_owned());
        }
        // Whatever is missing, a command or a right of the kernel, ends it with a panic.
        std::panic::catch_unwind(AssertUnwindSafe(|| drop(Router::make(&[1]))))
            .map_err(|_| "it can make no network namespaces: scripts/setup installs iproute2".to_owned())
    };
    TRIED.get_or_init(tried).clone()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::links::Links;
    use crate::skip;

    const PORT: u16 = 7000;
    const SHORT: Duration = Duration::from_millis(500);
    const LONG: Duration = Duration::from_secs(10);

    /// Has a node answer whoever connects; entered as a process of a node would be.
    fn listen(router: &Router, node: u64) -> std::process::Child {
        let script = "
import socket
server = socket.create_server(('0.0.0.0', 7000))
print(flush=True)
while True:
    server.accept()[0].sendall(b'here')
";
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", router.namespace(node).display())).args(["python3", "-c", script]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        child
    }

    /// Whether a node hears another.
    fn hears(router: &Router, node: u64, other: u64) -> bool {
        let address = router.peers(other);
        let script = format!("import socket; socket.create_connection(('{address}', {PORT}), 1).recv(4)[3]");
        let mut command = Command::new("python3");
        command.args(["-c", &script]).stderr(Stdio::null());
        let path = router.namespace(node).to_owned();
        let mut enter = Command::new("nsenter");
        enter.arg(format!("--net={}", path.display())).arg("python3").args(["-c", &script]).stderr(Stdio::null());
        enter.status().unwrap().success()
    }

    async fn reaches(address: IpAddr, patience: Duration) -> bool {
        timeout(patience, tokio::net::TcpStream::connect((address, PORT))).await.is_ok_and(|stream| stream.is_ok())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_router_cuts_clients_and_nodes_one_way_and_says_what_it_dropped() {
        if skip::unless_root("a_router_cuts_clients_and_nodes_one_way_and_says_what_it_dropped") {
            return;
        }
        let router = Router::make(&[1, 2]);
        let mut listeners = [listen(&router, 1), listen(&router, 2)];
        let [clients, harness] = [router.clients(1), router.harness(1)];
        assert!(hears(&router, 1, 2) && hears(&router, 2, 1));
        assert!(reaches(clients, LONG).await && reaches(harness, LONG).await);
        let namespace = |node| router.namespace(node).to_owned();
        let namespaces = [namespace(1), namespace(2)];
        let peer = router.peers(2);
        let links = Arc::new(Links::routed(router));
        let connects = |from: usize| {
            let script = format!("import socket; socket.create_connection(('{peer}', {PORT}), 1)");
            let mut enter = Command::new("nsenter");
            enter.arg(format!("--net={}", namespaces[from].display())).args(["python3", "-c", &script]);
            enter.stderr(Stdio::null()).status().unwrap().success()
        };

        let (one, other) = (links.lay(), links.lay());
        one.rule([(CLIENTS, 1)], Rule::CUT);
        assert!(!reaches(clients, SHORT).await && reaches(harness, LONG).await, "only clients are cut off");
        assert!(one.touched() > 0 && other.touched() == 0 && connects(0));
        other.rule([(2, 1)], Rule::CUT);
        assert!(!connects(0), "no answer comes back");
        assert!(other.touched() > 0);
        one.clear();
        assert!(reaches(clients, LONG).await && !connects(0), "the other cut holds");
        drop(other);
        assert!(connects(0));
        let slow = links.lay();
        slow.rule([(1, 2)], Rule { bytes_per_second: Some(100_000), ..Rule::default() });
        assert!(connects(0));
        drop(slow);
        for listener in &mut listeners {
            listener.kill().unwrap();
            listener.wait().unwrap();
        }
    }
}
