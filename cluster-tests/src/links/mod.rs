//! The network of a cluster as a run wants it: cut, late, lossy or slow, from one end to another, one way or both.
//!
//! - Every connection to a node goes through a relay of the harness, which needs no rights and works on any machine. Which
//!   node a connection of peers comes from tells the process that holds its other end.
//! - A cut keeps connections open and what was sent waiting, as lost packets do, which are sent again: nobody is told anything.
//! - Rules are about one direction between two ends. The harness's own questions go past all of it.

mod owner;
mod relay;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The end that all clients are.
pub const CLIENTS: u64 = 0;

/// What happens to what is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rule {
    /// Nothing gets through.
    pub cut: bool,
    /// Each piece is late by at least this.
    pub late: Duration,
    /// And by up to this more, so that pieces on two connections overtake each other.
    pub jitter: Duration,
    /// Of a thousand pieces so many are lost, and come when they are sent again.
    pub lost_of_thousand: u32,
    /// No more than this in a second.
    pub bytes_per_second: Option<u32>,
}

/// After this a lost piece is sent again: what Linux waits at least.
const SENT_AGAIN: Duration = Duration::from_millis(200);

impl Rule {
    /// Nothing gets through.
    pub const CUT: Self =
        Self { cut: true, late: Duration::ZERO, jitter: Duration::ZERO, lost_of_thousand: 0, bytes_per_second: None };

    /// How late a piece is.
    fn late(&self) -> Duration {
        let mut random = rand::rng();
        let jitter = self.jitter.mul_f64(random.random());
        let lost = random.random_ratio(self.lost_of_thousand.min(1_000), 1_000);
        self.late + jitter + if lost { SENT_AGAIN } else { Duration::ZERO }
    }

    /// How long so many bytes take.
    fn takes(&self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bytes_per_second.map_or(Duration::ZERO, |rate| Duration::from_secs(1) * bytes / rate.max(1))
    }
}

/// What holds from one end to another.
type Rules = BTreeMap<(u64, u64), Rule>;

/// Which process is which node now.
#[derive(Debug, Default)]
pub struct Processes(Mutex<BTreeMap<u64, u32>>);

impl Processes {
    /// A node runs as this process.
    pub fn started(&self, node: u64, process: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(node, process);
    }

    fn all(&self) -> BTreeMap<u64, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A way to a node.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The node.
    pub node: u64,
    /// Where others reach it.
    pub outside: SocketAddr,
    /// Where it listens.
    pub inside: SocketAddr,
    /// Who goes this way.
    pub kind: WayKind,
}

/// Who goes a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayKind {
    /// Clients alone.
    Clients,
    /// Other nodes alone.
    Peers,
}

/// All ways, and their rules.
#[derive(Debug)]
pub struct Links {
    rules: watch::Sender<Rules>,
    touched: Arc<AtomicU64>,
    relays: Vec<AbortHandle>,
}

impl Links {
    /// Opens all ways, with no rule. It needs a runtime.
    pub fn open(ways: &[Way], processes: &Arc<Processes>) -> Self {
        let rules = watch::Sender::new(Rules::new());
        let touched = Arc::new(AtomicU64::new(0));
        let relay = |way: &Way| relay::open(*way, rules.subscribe(), Arc::clone(&touched), Arc::clone(processes));
        let relays = ways.iter().map(relay).collect();
        Self { rules, touched, relays }
    }

    /// Has a rule hold for what one end sends to another.
    pub fn rule(&self, from: u64, to: u64, rule: Rule) {
        self.rules.send_modify(|rules| {
            rules.insert((from, to), rule);
        });
    }

    /// Has a rule hold for what two ends send each other.
    pub fn rule_both(&self, one: u64, other: u64, rule: Rule) {
        self.rule(one, other, rule);
        self.rule(other, one, rule);
    }

    /// Nothing stands in the way of anything any more.
    pub fn heal(&self) {
        self.rules.send_modify(Rules::clear);
    }

    /// How many pieces rules have held up so far.
    pub fn touched(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.relays.iter().for_each(AbortHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, timeout};

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A way to a server that sends back what it gets, as seen by a client.
    async fn echo() -> (Links, TcpStream) {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Way {
            node: 1,
            outside: free.local_addr().unwrap(),
            inside: server.local_addr().unwrap(),
            kind: WayKind::Clients,
        };
        drop(free);
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.unwrap();
        });
        let links = Links::open(&[way], &Arc::new(Processes::default()));
        let client = TcpStream::connect(way.outside).await.unwrap();
        (links, client)
    }

    async fn ping(client: &mut TcpStream) -> Duration {
        let sent = Instant::now();
        client.write_all(b"ping").await.unwrap();
        let mut back = [0; 4];
        timeout(SOON, client.read_exact(&mut back)).await.expect("the echo comes").unwrap();
        assert_eq!(&back, b"ping");
        sent.elapsed()
    }

    #[tokio::test]
    async fn a_cut_holds_what_was_sent_until_it_is_healed() {
        let (links, mut client) = echo().await;
        ping(&mut client).await;
        assert_eq!(links.touched(), 0);
        links.rule(1, CLIENTS, Rule::CUT);
        client.write_all(b"ping").await.unwrap();
        let mut back = [0; 4];
        assert!(timeout(Duration::from_millis(300), client.read(&mut back)).await.is_err(), "nothing comes through");
        assert_eq!(links.touched(), 1);
        links.heal();
        timeout(SOON, client.read_exact(&mut back)).await.expect("it comes when healed").unwrap();
        assert_eq!(&back, b"ping");
    }

    #[tokio::test]
    async fn what_is_late_or_slow_takes_at_least_its_time() {
        let (links, mut client) = echo().await;
        let late = Duration::from_millis(150);
        links.rule(CLIENTS, 1, Rule { late, ..Rule::default() });
        assert!(ping(&mut client).await >= late);
        links.heal();
        links.rule(CLIENTS, 1, Rule { bytes_per_second: Some(20), ..Rule::default() });
        assert!(ping(&mut client).await >= Duration::from_millis(200));
    }

    #[tokio::test]
    async fn the_end_of_one_side_is_told_to_the_other() {
        let (_links, mut client) = echo().await;
        ping(&mut client).await;
        client.shutdown().await.unwrap();
        let mut rest = Vec::new();
        timeout(SOON, client.read_to_end(&mut rest)).await.expect("the end comes").unwrap();
        assert!(rest.is_empty());
    }
}
