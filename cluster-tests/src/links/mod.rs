//! The network of a cluster as a run wants it: cut, late, lossy or slow, from one end to another, one way or both.
//!
//! - Two carriers obey the same rules. *Relays* of the harness stand in front of every node; they need no rights and work on
//!   any machine. *Namespaces* give every node a network stack of its own behind a router ([`mod@router`]); they need root.
//! - A cut drops or holds what is sent, and tells nobody: connections stay open, as they do when a cable is pulled.
//! - Rules lie in layers. Each fault has its own and lifts only that one, so that two faults stand beside each other: a
//!   direction is cut if any layer cuts it, delays add up, and the lowest rate counts.
//! - Rules are about one direction between two ends. The harness's own questions go past all of them.

mod owner;
mod relay;
pub mod router;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::router::Router;

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

    /// What two rules for the same direction come to.
    fn and(self, other: Self) -> Self {
        let rates = [self.bytes_per_second, other.bytes_per_second];
        Self {
            cut: self.cut || other.cut,
            late: self.late + other.late,
            jitter: self.jitter + other.jitter,
            lost_of_thousand: self.lost_of_thousand.max(other.lost_of_thousand),
            bytes_per_second: rates.into_iter().flatten().min(),
        }
    }

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

/// One direction: from one end to another.
pub type Direction = (u64, u64);

/// A rule of one layer, and how much it has held up.
#[derive(Debug, Clone)]
struct Laid {
    layer: u64,
    rule: Rule,
    touched: Arc<AtomicU64>,
}

impl Laid {
    fn touch(&self) {
        self.touched.fetch_add(1, Ordering::Relaxed);
    }
}

/// What holds from one end to another, by all layers.
type Rules = BTreeMap<Direction, Vec<Laid>>;

/// What all layers together say of a direction; none if they say nothing.
fn composed(laid: &[Laid]) -> Option<Rule> {
    laid.iter().map(|laid| laid.rule).reduce(Rule::and)
}

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

/// All directions, and their rules.
#[derive(Debug)]
pub struct Links {
    /// What relays go by.
    rules: watch::Sender<Rules>,
    layers: AtomicU64,
    carrier: Carrier,
}

/// Who carries what is sent.
#[derive(Debug)]
enum Carrier {
    Relays(Vec<AbortHandle>),
    /// The lock keeps changes of rules in their order.
    Router(Mutex<Router>),
}

impl Links {
    /// Opens relays, with no rule. It needs a runtime.
    pub fn relayed(ways: &[Way], processes: &Arc<Processes>) -> Self {
        let rules = watch::Sender::new(Rules::new());
        let relay = |way: &Way| relay::open(*way, rules.subscribe(), Arc::clone(processes));
        let carrier = Carrier::Relays(ways.iter().map(relay).collect());
        Self { rules, layers: AtomicU64::new(0), carrier }
    }

    /// Has a router obey the rules.
    pub fn routed(router: Router) -> Self {
        let carrier = Carrier::Router(Mutex::new(router));
        Self { rules: watch::Sender::new(Rules::new()), layers: AtomicU64::new(0), carrier }
    }

    /// A new layer, without rules.
    pub fn lay(self: &Arc<Self>) -> Layer {
        let number = self.layers.fetch_add(1, Ordering::Relaxed);
        Layer { links: Arc::clone(self), number, touched: Arc::default() }
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        match &self.carrier {
            Carrier::Relays(_) => self.rules.send_modify(change),
            Carrier::Router(router) => {
                let mut router = lock(router);
                router.count(&self.rules.borrow());
                self.rules.send_modify(change);
                router.obey(&self.rules.borrow());
            }
        }
    }

    /// Adds what a router has held up since it was last asked to what each rule has held up.
    fn count(&self) {
        if let Carrier::Router(router) = &self.carrier {
            lock(router).count(&self.rules.borrow());
        }
    }
}

fn lock(router: &Mutex<Router>) -> MutexGuard<'_, Router> {
    router.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Carrier::Relays(relays) = &self.carrier {
            relays.iter().for_each(AbortHandle::abort);
        }
    }
}

/// The rules of one fault. They are lifted when it goes.
#[derive(Debug)]
pub struct Layer {
    links: Arc<Links>,
    number: u64,
    touched: Arc<AtomicU64>,
}

impl Layer {
    /// Has a rule hold for all that goes these ways.
    pub fn rule(&self, directions: impl IntoIterator<Item = Direction>, rule: Rule) {
        let laid = Laid { layer: self.number, rule, touched: Arc::clone(&self.touched) };
        self.links.change(|rules| {
            for direction in directions {
                rules.entry(direction).or_default().push(laid.clone());
            }
        });
    }

    /// No rule of this layer holds any more.
    pub fn clear(&self) {
        self.links.change(|rules| {
            for laid in rules.values_mut() {
                laid.retain(|laid| laid.layer != self.number);
            }
            rules.retain(|_, laid| !laid.is_empty());
        });
    }

    /// How many pieces or packets its rules have held up so far.
    pub fn touched(&self) -> u64 {
        self.links.count();
        self.touched.load(Ordering::Relaxed)
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, timeout};

    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const THERE: [Direction; 1] = [(CLIENTS, 1)];
    const BACK: [Direction; 1] = [(1, CLIENTS)];

    /// A way to a server that sends back what it gets, as seen by a client.
    async fn echo() -> (Arc<Links>, TcpStream) {
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
        let links = Arc::new(Links::relayed(&[way], &Arc::new(Processes::default())));
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
        let layer = links.lay();
        assert_eq!(layer.touched(), 0);
        layer.rule(BACK, Rule::CUT);
        client.write_all(b"ping").await.unwrap();
        let mut back = [0; 4];
        assert!(timeout(Duration::from_millis(300), client.read(&mut back)).await.is_err(), "nothing comes through");
        assert_eq!(layer.touched(), 1);
        layer.clear();
        timeout(SOON, client.read_exact(&mut back)).await.expect("it comes when healed").unwrap();
        assert_eq!(&back, b"ping");
    }

    #[tokio::test]
    async fn one_of_two_cuts_of_a_direction_holds_when_the_other_is_lifted() {
        let (links, mut client) = echo().await;
        let (one, other) = (links.lay(), links.lay());
        one.rule(BACK, Rule::CUT);
        other.rule(BACK, Rule::CUT);
        client.write_all(b"ping").await.unwrap();
        drop(one);
        let mut back = [0; 4];
        assert!(timeout(Duration::from_millis(300), client.read(&mut back)).await.is_err(), "nothing comes through");
        assert_eq!(other.touched(), 1);
        drop(other);
        timeout(SOON, client.read_exact(&mut back)).await.expect("it comes when both are lifted").unwrap();
    }

    #[tokio::test]
    async fn what_is_late_or_slow_takes_at_least_its_time() {
        let (links, mut client) = echo().await;
        let late = Duration::from_millis(150);
        let layer = links.lay();
        layer.rule(THERE, Rule { late, ..Rule::default() });
        assert!(ping(&mut client).await >= late);
        let second = links.lay();
        second.rule(THERE, Rule { bytes_per_second: Some(20), ..Rule::default() });
        assert!(ping(&mut client).await >= late + Duration::from_millis(200), "both hold");
        assert_eq!((layer.touched(), second.touched()), (2, 1));
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
