//! A run: a load from many clients, faults one after the other and in pairs, and the oracle again and again.
//!
//! - A seed makes the schedule of faults ([`schedule`](crate::schedule)), not what real processes make of it.
//! - After each step, a write that is sent when all is healed has to be acknowledged in time.
//! - A run goes in cycles ([`attack`](crate::attack)). After each, all is healed and quiet, every replica is read in full,
//!   and the oracle judges all that happened so far. What must never be ends the run.
//! - At the end all that nobody knows of is sent again to other nodes, and again after whatever might forget it
//!   ([`rounds`]).

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::alarm::{Endings, alarm};
use crate::attack::{Attack, BEFORE_FAULTS};
use crate::binary;
use crate::clock;
use crate::cluster::{Cluster, Network, Settings};
use crate::faults::{KINDS, Kind, Need};
use crate::history::{Again, History, Meant, Recovery};
use crate::judgement::{self, Recorded};
use crate::links::router;
use crate::oracle::Dump;
use crate::rounds;
use crate::seeded::Subject;
use crate::skip;
use crate::striking::is_met;
use crate::wait;

/// The first cycle's time under load. Each takes twice as long as the one before, up to [`CYCLE`].
const FIRST_CYCLE: Duration = Duration::from_secs(10);
/// A later cycle's time under load.
const CYCLE: Duration = Duration::from_secs(40);
/// A cycle takes so many times as long as the judging before it, at least.
const JUDGING_SHARE: u32 = 4;
/// How much a run has to have acknowledged for each second of faults: a small part of what a slow machine does under them.
const MEANT_PER_SECOND: usize = 20;

/// What a run is to be.
#[derive(Debug)]
pub struct Plan {
    /// For how long faults are made.
    pub time: Duration,
    /// The seed of the schedule.
    pub seed: u64,
    /// Which kinds of fault.
    pub kinds: Vec<Kind>,
    /// How many nodes.
    pub nodes: u64,
    /// The profile of their timeouts.
    pub timing: Timing,
    /// What carries all that they and clients send.
    pub network: Network,
    /// What they run.
    pub subject: Subject,
}

/// A profile of timeouts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Timing {
    /// For nodes that are near each other.
    #[default]
    Fast,
    /// What a node has when nothing is said.
    Default,
}

impl Timing {
    /// As `oncelog serve` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Default => "default",
        }
    }
}

impl Plan {
    /// Whether it needs the build of `oncelog` for tests: a clock of its own is for that alone.
    pub fn needs_build_for_tests(&self) -> bool {
        self.subject != Subject::Shipped
            || self.kinds.iter().any(|kind| kind.needs.contains(&Need::Clock)) && is_met(Need::Clock).is_ok()
    }

    /// Builds what is under test, unless it is built.
    fn build(&self) {
        binary::ordinary();
        if self.needs_build_for_tests() {
            binary::chaos();
        }
    }

    /// The command that runs the same schedule again.
    pub fn command(&self) -> String {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
        let seconds = self.time.as_secs();
        format!(
            "cargo run -p cluster-tests -- chaos{} --seconds {seconds} --seed {} --nodes {} --timing {} --network {} --faults {}",
            self.subject.argument(),
            self.seed,
            self.nodes,
            self.timing.name(),
            self.network.name(),
            kinds.join(",")
        )
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// All that happened, and what the oracle says of it.
    pub recorded: Recorded,
    /// For how long there were a load and faults.
    pub loaded: Duration,
}

/// Runs a plan, whose history goes to the file as it happens, and judges what is there in the end. Progress goes to standard
/// error.
///
/// A cluster that does not come back is no reason to lose what was seen: that is judged as far as it goes, with the replicas
/// that can still be read.
pub async fn run(plan: &Plan, file: &Path) -> Ran {
    // A build takes minutes, and the history's clock begins with its file.
    plan.build();
    let history = Arc::new(History::in_file(file));
    match AssertUnwindSafe(start(plan)).catch_unwind().await {
        Ok(cluster) => attack(plan, &cluster, &history).await,
        Err(panic) => history.end(Some(wait::sentence(&*panic))),
    }
    let recorded = Recorded::read(file).expect("read what was just written");
    Ran { recorded, loaded: history.loaded() }
}

/// Attacks a cluster to the end, or until something breaks the run off, and remembers what the replicas hold then.
async fn attack(plan: &Plan, cluster: &Cluster, history: &Arc<History>) {
    let endings = Endings::default();
    let ended = tokio::select! {
        ended = AssertUnwindSafe(to_the_end(plan, cluster, history, &endings)).catch_unwind() => ended,
        alarm = alarm(cluster, history, &endings) => {
            eprintln!("{:>5} s  node {} raises the alarm: {}", alarm.at.as_secs(), alarm.node, alarm.said);
            history.remember(alarm);
            history.cut_short();
            Ok(judgement::readable(cluster).await)
        }
    };
    match ended {
        Ok(replicas) => {
            history.look(&replicas);
            history.end(None);
        }
        Err(panic) => {
            history.look(&judgement::readable(cluster).await);
            history.end(Some(wait::sentence(&*panic)));
        }
    }
}

/// The replicas are those at the end, or when there was something that must never be.
async fn to_the_end(plan: &Plan, cluster: &Cluster, history: &Arc<History>, endings: &Endings) -> Vec<Dump> {
    let mut meant = meant(plan, cluster, history);
    history.remember(meant.clone());
    let mut attack = Attack::new(plan, cluster, history, endings);
    let mut time = FIRST_CYCLE;
    while !attack.is_over() {
        attack.cycle(time).await;
        agree(cluster, history).await;
        let begun = Instant::now();
        let replicas = judgement::replicas(cluster, &cluster.ids()).await;
        let reading = begun.elapsed();
        let found = judgement::so_far(history, &replicas);
        let took = begun.elapsed();
        eprintln!(
            "{:>5} s  after {} s of load: all replicas read in {:.1} s, and judged in {:.1} s",
            history.now().as_secs(),
            history.loaded().as_secs(),
            reading.as_secs_f64(),
            took.saturating_sub(reading).as_secs_f64()
        );
        if !found.is_empty() {
            history.cut_short();
            return replicas;
        }
        time = next_cycle(time, took);
    }
    let seconds = usize::try_from(plan.time.as_secs()).unwrap_or(usize::MAX);
    meant.acknowledged = meant.acknowledged.max(seconds.saturating_mul(MEANT_PER_SECOND));
    // What is seen once a second misses some.
    meant.leader_changes = attack.changes() / 2;
    history.remember(meant);
    rounds::play(cluster, history).await
}

/// How long the next cycle is, after one that took so long and so long a judging: a long run has more to judge each time.
fn next_cycle(cycle: Duration, judging: Duration) -> Duration {
    (2 * cycle).min(CYCLE).max(judging * JUDGING_SHARE)
}

/// Starts a cluster that can have all faults of a plan that this machine can do.
async fn start(plan: &Plan) -> Cluster {
    let needs = |need| plan.kinds.iter().any(|kind| kind.needs.contains(&need)) && is_met(need).is_ok();
    let settings = Settings {
        ids: (1..=plan.nodes).collect(),
        arguments: rounds::arguments(),
        disks: needs(Need::Disks),
        network: plan.network,
        clock_of: needs(Need::Clock).then_some(plan.nodes),
        timing: plan.timing.name(),
        ..plan.subject.settings()
    };
    Cluster::start_with("chaos", &settings).await
}

fn meant(plan: &Plan, cluster: &Cluster, history: &History) -> Meant {
    // What it showed when the history began.
    let begun_ms = u64::try_from(history.now().as_millis()).expect("a run is short");
    Meant {
        seed: plan.seed,
        faults: plan.kinds.iter().map(|kind| kind.name.to_owned()).collect(),
        acknowledged: BEFORE_FAULTS,
        leader_changes: 0,
        nodes: cluster.ids(),
        has_all: skip::has_all(),
        wall_ms: clock::wall_ms() - begun_ms,
        command: plan.command(),
    }
}

/// Waits until all nodes have applied the same.
async fn agree(cluster: &Cluster, history: &History) {
    let healed = history.now();
    cluster.agreed(&cluster.ids()).await;
    let recovery = Recovery { fault: "the load".to_owned(), again: Again::Agrees, healed, seen: Some(history.now()) };
    history.remember(recovery);
}

/// What carries all that is sent, as one asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Carried {
    /// Loopback alone: connections are refused and reset as in life; faults that cut or slow the network are left out
    Direct,
    /// Relays of the harness in front of every node; needs no rights
    Relays,
    /// A network namespace for each node, and a router between them; needs root
    Namespaces,
    /// One of these that this machine can have, drawn by the seed
    Any,
}

impl Carried {
    /// The network of a run with this seed; why this machine can't have it otherwise.
    pub fn network(self, seed: u64) -> Result<Network, String> {
        let networks = match self {
            Self::Direct => vec![Network::Direct],
            Self::Relays => vec![Network::Relays],
            Self::Namespaces => {
                router::is_possible().map_err(|why| format!("no run with --network namespaces: {why}"))?;
                vec![Network::Namespaces]
            }
            Self::Any if router::is_possible().is_ok() => {
                vec![Network::Direct, Network::Relays, Network::Namespaces]
            }
            Self::Any => vec![Network::Direct, Network::Relays],
        };
        let drawn = StdRng::seed_from_u64(seed).random_range(0..networks.len());
        networks.get(drawn).copied().ok_or_else(|| "there is no network".to_owned())
    }
}

/// The kinds of these names, or all, each once, of those that a network can have. What is no name, but a name up to one of
/// its dashes, stands for all that begin so.
pub fn kinds(names: &[String], network: Network) -> Result<Vec<Kind>, String> {
    let possible = || KINDS.iter().copied().filter(|kind| kind.is_for(network));
    if names.is_empty() {
        return Ok(possible().collect());
    }
    let mut found = Vec::new();
    for name in names {
        let group = format!("{name}-");
        let exact = KINDS.iter().filter(|kind| kind.name == name);
        let begins = KINDS.iter().filter(|kind| kind.name.starts_with(&group));
        let meant: Vec<Kind> = match exact.copied().next() {
            Some(kind) => vec![kind],
            None => begins.copied().collect(),
        };
        if meant.is_empty() {
            let all: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            return Err(format!("there is no fault {name}; there are: {}", all.join(", ")));
        }
        if !meant.iter().any(|kind| kind.is_for(network)) {
            return Err(format!("there can be no fault {name} with --network {}", network.name()));
        }
        for kind in meant.into_iter().filter(|kind| kind.is_for(network)) {
            if !found.iter().any(|known: &Kind| known.name == kind.name) {
                found.push(kind);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout;
    use crate::oracle::PROPERTIES;

    #[test]
    fn the_page_has_every_fault_and_every_property() {
        let page = std::fs::read_to_string(checkout::repository().join("src/docs/chaos.md")).unwrap();
        for kind in &KINDS {
            assert!(page.contains(&format!("\n| `{}` | ", kind.name)), "{}", kind.name);
        }
        for property in &PROPERTIES {
            let row = format!("\n| {} | {}", property.name, property.sentence);
            assert!(page.contains(&row), "the page lacks this row:{row}");
        }
        let rows = |begin: &str| page.lines().filter(|line| line.starts_with(begin)).count();
        assert_eq!((rows("| `"), rows("| P")), (KINDS.len(), PROPERTIES.len()));
    }

    #[test]
    fn a_fault_that_is_not_there_is_told_with_all_that_are() {
        let count = |names: &[&str]| relayed(names).unwrap().len();
        assert_eq!(count(&[]), KINDS.len());
        assert_eq!((count(&["kill-all"]), count(&["links", "kill-all"])), (1, 5));
        assert_eq!((count(&["cut-power"]), count(&["cut", "cut-power"])), (1, 3));
        let why = relayed(&["kill-cat"]).unwrap_err();
        assert!(why.contains("kill-cat") && why.contains("kill-leader, kill-follower"), "{why}");
    }

    #[test]
    fn a_network_has_only_the_faults_that_it_can_have() {
        let count = |names: &[&str], network| named(names, network).map(|kinds| kinds.len());
        assert_eq!(count(&["links"], Network::Namespaces), Ok(1));
        assert!(count(&[], Network::Direct).unwrap() < count(&[], Network::Namespaces).unwrap());
        for (name, network) in [("part-leader", Network::Direct), ("links-late", Network::Namespaces)] {
            let why = count(&[name], network).unwrap_err();
            assert!(why.contains(name) && why.contains(network.name()), "{why}");
        }
    }

    #[test]
    fn the_seed_draws_the_network_and_the_network_is_named_again() {
        for seed in 0..50 {
            assert_eq!(Carried::Any.network(seed), Carried::Any.network(seed));
            assert_eq!(Carried::Relays.network(seed), Ok(Network::Relays));
        }
        let drawn: Vec<Network> = (0..50).map(|seed| Carried::Any.network(seed).unwrap()).collect();
        assert!(drawn.contains(&Network::Direct) && drawn.contains(&Network::Relays));
    }

    fn named(names: &[&str], network: Network) -> Result<Vec<Kind>, String> {
        kinds(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), network)
    }

    fn relayed(names: &[&str]) -> Result<Vec<Kind>, String> {
        named(names, Network::Relays)
    }

    #[test]
    fn the_command_that_runs_it_again_names_all_of_it() {
        let kinds = relayed(&["kill-all", "snapshot"]).unwrap();
        let network = Network::Direct;
        let plan = Plan {
            time: Duration::from_mins(1),
            seed: 7,
            kinds,
            nodes: 5,
            timing: Timing::Default,
            network,
            subject: Subject::Shipped,
        };
        let command = "cargo run -p cluster-tests -- chaos --seconds 60 --seed 7 --nodes 5 --timing default \
                       --network direct --faults kill-all,snapshot";
        assert_eq!(plan.command(), command);

        // What all kinds are printed as is read as all kinds again, in their order.
        let names = |kinds: &[Kind]| kinds.iter().map(|kind| kind.name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&super::kinds(&names(&KINDS), Network::Relays).unwrap()), names(&KINDS));
    }
}
