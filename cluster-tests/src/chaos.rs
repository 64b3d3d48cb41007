//! A run: a load from many clients, one fault after the other, and the oracle at the end.
//!
//! - A seed makes the schedule of faults, not what real processes make of it.
//! - After each fault, a write that is sent when it is healed has to be acknowledged in time.
//! - At the end all that nobody knows of is sent again to other nodes, and again after whatever might forget it
//!   ([`rounds`]).

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

use crate::clock::{self, Clock};
use crate::cluster::{Cluster, Settings};
use crate::disk;
use crate::faults::{KINDS, Kind, Lasts, Need};
use crate::history::{Again, Effective, Fault, History, Meant, Recovery};
use crate::judgement::Recorded;
use crate::load::Load;
use crate::oracle::Dump;
use crate::rounds;
use crate::sample;
use crate::wait;

/// After that a write must have succeeded; it is waited for a little longer, to say how long it took.
const WRITES_PATIENCE: Duration = Duration::from_secs(30);
/// How long one of these writes may take.
const PROBE: Duration = Duration::from_millis(500);
/// Who sends them, in the history.
const PROBER: usize = 1_000;
/// What is acknowledged before the first fault comes.
const MEANT_AT_LEAST: usize = 100;
/// How much a run has to have acknowledged for each second of faults: a small part of what a slow machine does under them.
const MEANT_PER_SECOND: usize = 20;
/// Between two faults, at most.
const REST_MS: u64 = 3_000;

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
        self.kinds.iter().any(|kind| kind.needs.contains(&Need::Clock)) && is_met(Need::Clock).is_ok()
    }

    /// The command that runs the same schedule again.
    pub fn command(&self) -> String {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
        let seconds = self.time.as_secs();
        format!(
            "cargo run -p cluster-tests -- chaos --seconds {seconds} --seed {} --nodes {} --timing {} --faults {}",
            self.seed,
            self.nodes,
            self.timing.name(),
            kinds.join(",")
        )
    }
}

/// Runs a plan, whose history goes to the file as it happens, and judges what is there in the end. Progress goes to standard
/// error.
///
/// A cluster that does not come back is no reason to lose what was seen: that is judged as far as it goes, without what the
/// replicas hold at the end.
pub async fn run(plan: &Plan, file: &Path) -> Recorded {
    let history = Arc::new(History::in_file(file));
    match AssertUnwindSafe(run_to_the_end(plan, &history)).catch_unwind().await {
        Ok(replicas) => {
            history.look(&replicas);
            history.end(None);
        }
        Err(panic) => history.end(Some(wait::sentence(&*panic))),
    }
    Recorded::read(file).expect("read what was just written")
}

async fn run_to_the_end(plan: &Plan, history: &Arc<History>) -> Vec<Dump> {
    let needs = |need| plan.kinds.iter().any(|kind| kind.needs.contains(&need)) && is_met(need).is_ok();
    let settings = Settings {
        ids: (1..=plan.nodes).collect(),
        arguments: rounds::arguments(),
        disks: needs(Need::Disks),
        links: needs(Need::Links),
        clock_of: needs(Need::Clock).then_some(plan.nodes),
        timing: plan.timing.name(),
        ..Settings::default()
    };
    let cluster = Cluster::start_with("chaos", &settings).await;
    // What it showed when the history began.
    let begun_ms = u64::try_from(history.now().as_millis()).expect("a run is short");
    let wall_ms = clock::wall_ms() - begun_ms;
    let mut meant = Meant {
        seed: plan.seed,
        faults: plan.kinds.iter().map(|kind| kind.name.to_owned()).collect(),
        acknowledged: MEANT_AT_LEAST,
        leader_changes: 0,
        nodes: cluster.ids(),
        wall_ms,
        command: plan.command(),
    };
    history.remember(meant.clone());
    let load = Load::start_all(&cluster, history);
    load.acknowledged_more(MEANT_AT_LEAST).await;

    let mut random = StdRng::seed_from_u64(plan.seed);
    let end = Instant::now() + plan.time;
    let (mut number, mut changes) = (0, 0);
    // Each kind comes once before any comes again.
    while Instant::now() < end || number < plan.kinds.len() {
        let kind = match plan.kinds.get(number) {
            Some(kind) => kind,
            None => plan.kinds.get(random.random_range(0..plan.kinds.len())).expect("at least one kind"),
        };
        eprintln!("{:>5} s  {} …", history.now().as_secs(), kind.name);
        let effective = strike(kind, &cluster, history, &mut random).await;
        changes += usize::from(kind.changes_leader && effective == Effective::Installed);
        number += 1;
        eprintln!(
            "{:>5} s  {:>8} acknowledged  worst gap {:>5} ms  {number} faults, the last: {} ({effective:?})",
            history.now().as_secs(),
            history.acknowledged(),
            history.worst_gap().as_millis(),
            kind.name
        );
        sleep(Duration::from_millis(random.random_range(0..REST_MS))).await;
    }
    load.stop().await;
    agree(&cluster, history).await;
    let seconds = usize::try_from(plan.time.as_secs()).unwrap_or(usize::MAX);
    meant.acknowledged = meant.acknowledged.max(seconds.saturating_mul(MEANT_PER_SECOND));
    meant.leader_changes = changes / 2;
    history.remember(meant);

    rounds::play(&cluster, history).await
}

/// Whether this machine has what a fault needs; if not, why.
fn is_met(need: Need) -> Result<(), String> {
    match need {
        Need::Disks => disk::are_possible(),
        Need::Clock if !Clock::is_there() => Err("libfaketime is missing: scripts/setup installs it".to_owned()),
        Need::Clock | Need::Links => Ok(()),
    }
}

/// Installs a fault, has it last and heals it; then the cluster has to come back. Says whether it took effect.
async fn strike(kind: &Kind, cluster: &Cluster, history: &History, random: &mut StdRng) -> Effective {
    let begun = history.now();
    let name = || kind.name.to_owned();
    let installed = match kind.needs.iter().try_for_each(|need| is_met(*need)) {
        Ok(()) => (kind.install)(cluster, random).await,
        Err(why) => Err(why),
    };
    let struck = match installed {
        Ok(struck) => struck,
        Err(what) => {
            let effective = Effective::Skipped;
            let fault = Fault { kind: name(), what, begun, healed: Some(begun), effective };
            history.fault(fault);
            return effective;
        }
    };
    // Known before it is healed: if that fails, the history shows what was done.
    let effective = Effective::Indeterminate;
    let fault = Fault { kind: name(), what: struck.what, begun, healed: None, effective };
    let number = history.fault(fault);
    last(cluster, struck.lasts).await;
    let effective = (struck.heal)(cluster).await;
    let healed = history.now();
    history.healed(number, healed, effective);
    let seen = written(cluster, history).await;
    let recovery = Recovery { fault: name(), again: Again::Writes, healed, seen };
    history.remember(recovery);
    cluster.serving(&cluster.ids()).await;
    effective
}

/// Waits as long as a fault is to last.
async fn last(cluster: &Cluster, lasts: Lasts) {
    if let Some(leader) = lasts.until_another_leads {
        cluster.leader_among(&cluster.others(leader)).await;
    }
    sleep(lasts.longer).await;
}

/// When a write that was sent from now on is acknowledged.
async fn written(cluster: &Cluster, history: &History) -> Option<Duration> {
    let end = Instant::now() + WRITES_PATIENCE;
    let clients = cluster.clients(PROBE);
    let id = sample::id(PROBER, 1);
    let payloads = sample::payloads(&id, 1, 1);
    let operation = history.operation(PROBER, "probes", &id, &payloads);
    for (node, client) in clients.iter().cycle() {
        let attempt = history.invoke(operation, *node);
        let answer = client.append("probes", &id, &payloads).await;
        let acknowledged = answer.is_ok();
        history.complete(attempt, answer);
        if acknowledged {
            return Some(history.now());
        }
        if Instant::now() >= end {
            return None;
        }
        sleep(Duration::from_millis(10)).await;
    }
    None
}

/// Waits until all nodes have applied the same.
async fn agree(cluster: &Cluster, history: &History) {
    let healed = history.now();
    cluster.agreed(&cluster.ids()).await;
    let recovery = Recovery { fault: "the load".to_owned(), again: Again::Agrees, healed, seen: Some(history.now()) };
    history.remember(recovery);
}

/// The kinds of these names, or all, each once. What is no name, but a name up to one of its dashes, stands for all that
/// begin so.
pub fn kinds(names: &[String]) -> Result<Vec<Kind>, String> {
    if names.is_empty() {
        return Ok(KINDS.to_vec());
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
        for kind in meant {
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
        assert_eq!(kinds(&[]).unwrap().len(), KINDS.len());
        assert_eq!(kinds(&["kill-all".to_owned()]).unwrap().len(), 1);
        assert_eq!(kinds(&["links".to_owned(), "kill-all".to_owned()]).unwrap().len(), 5);
        assert_eq!(kinds(&["cut-power".to_owned()]).unwrap().len(), 1);
        assert_eq!(kinds(&["cut".to_owned(), "cut-power".to_owned()]).unwrap().len(), 3);
        let why = kinds(&["kill-cat".to_owned()]).unwrap_err();
        assert!(why.contains("kill-cat") && why.contains("kill-leader, kill-follower"), "{why}");
    }

    #[test]
    fn the_command_that_runs_it_again_names_all_of_it() {
        let kinds = kinds(&["kill-all".to_owned(), "snapshot".to_owned()]).unwrap();
        let plan = Plan { time: Duration::from_mins(1), seed: 7, kinds, nodes: 5, timing: Timing::Default };
        let command = "cargo run -p cluster-tests -- chaos --seconds 60 --seed 7 --nodes 5 --timing default --faults \
                       kill-all,snapshot";
        assert_eq!(plan.command(), command);

        // What all kinds are printed as is read as all kinds again, in their order.
        let names = |kinds: &[Kind]| kinds.iter().map(|kind| kind.name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&super::kinds(&names(&KINDS)).unwrap()), names(&KINDS));
    }
}
