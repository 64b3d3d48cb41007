//! One round: a cluster, its load and its history, and what every way needs of them.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::node::{Mortal, armed_by};
use super::{CrashPoint, Plan, Way};
use crate::binary;
use crate::clock;
use crate::cluster::{Cluster, Settings};
use crate::history::{Again, Effective, Fault, History, Meant, Recovery};
use crate::judgement;
use crate::load::Load;
use crate::oracle::{self, Dump};
use crate::scratch::Scratch;

/// Of what a node has said, how many lines are shown.
const SHOWN: usize = 20;
/// What the nodes keep of their logs, so that one is soon behind.
const ARGUMENTS: [&str; 4] = ["--snapshot-entries", "100000", "--keep-entries", "10"];

/// A node that died and does not serve yet.
struct Pending {
    point: &'static str,
    node: u64,
    died: Duration,
    /// Of its death, in the history.
    fault: usize,
}

/// Why a round goes no further.
pub(super) enum Stop {
    /// A node did not die, or otherwise than it was to.
    UnlikeThePlan(String),
    /// The oracle has found what must never be, and finds it in the history again.
    Violations,
}

/// One round.
pub(super) struct Sweep<'a> {
    plan: &'a Plan,
    round: u64,
    pub(super) cluster: Cluster,
    pub(super) history: Arc<History>,
    wall_ms: u64,
    random: Mutex<StdRng>,
    pending: Mutex<Vec<Pending>>,
    /// Goes after the nodes that look into it.
    files: Scratch,
}

impl<'a> Sweep<'a> {
    /// Starts the nodes. They are no cluster yet.
    pub(super) async fn begin(plan: &'a Plan, round: u64, file: &Path) -> Self {
        let files = Scratch::new("crash-files");
        let ids = [1, 2, 3];
        let own = ids.map(|id| (id, armed_by(&files.path().join(id.to_string()))));
        let settings = Settings {
            ids: ids.into(),
            binary: binary::chaos().to_owned(),
            arguments: ARGUMENTS.map(str::to_owned).into(),
            own: own.into(),
            ..Settings::default()
        };
        let cluster = Cluster::start_empty("crash-points", &settings).await;
        let random = Mutex::new(StdRng::seed_from_u64(plan.seed.wrapping_add(round)));
        let history = Arc::new(History::in_file(file));
        Self { plan, round, cluster, history, wall_ms: clock::wall_ms(), random, pending: Mutex::default(), files }
    }

    /// Goes every way and sends again what is to be sent again, up to where something must never be.
    pub(super) async fn play(&self) -> Result<(), Stop> {
        self.round().await?;
        self.mean();
        self.settle().await
    }

    async fn round(&self) -> Result<(), Stop> {
        let of = |way: Way| -> Vec<&'static CrashPoint> {
            self.plan.points.iter().copied().filter(|point| point.way == way).collect()
        };
        self.first_start(&of(Way::First)).await.map_err(Stop::UnlikeThePlan)?;
        self.make_cluster(&of(Way::Init), &of(Way::Adopt)).await.map_err(Stop::UnlikeThePlan)?;
        for way in Way::ALL.into_iter().filter(|way| ![Way::First, Way::Init, Way::Adopt].contains(way)) {
            let points = of(way);
            if points.is_empty() {
                continue;
            }
            let load = Load::start(&self.cluster, &self.history);
            let result = self.go(way, &points, &load).await;
            load.stop().await;
            result.map_err(Stop::UnlikeThePlan)?;
            self.look(&way.to_string()).await?;
        }
        Ok(())
    }

    async fn go(&self, way: Way, points: &[&'static CrashPoint], load: &Load) -> Result<(), String> {
        load.acknowledged_more(20).await;
        match way {
            Way::Torn | Way::Truncate | Way::Behind => return self.chain(way, points, load).await,
            _ => {}
        }
        for point in points {
            match way {
                Way::Start => self.at_a_start(point).await?,
                Way::Vote => self.at_an_election(point).await?,
                Way::Snapshot => self.at_a_snapshot(point).await?,
                Way::Stop => self.at_a_stop(point).await?,
                _ => self.under_load(point).await?,
            }
        }
        Ok(())
    }

    /// A node of this cluster, to be killed.
    pub(super) fn mortal(&self, id: u64) -> Mortal<'_> {
        Mortal { cluster: &self.cluster, id, file: self.files.path().join(id.to_string()) }
    }

    /// A node that does not lead.
    pub(super) async fn follower(&self) -> u64 {
        self.other_than(self.cluster.leader().await)
    }

    /// Any node but this one.
    pub(super) fn other_than(&self, id: u64) -> u64 {
        let others = self.cluster.others(id);
        let chosen = self.random().random_range(0..others.len());
        *others.get(chosen).expect("a cluster has more than one node")
    }

    /// The leader or another, as often one as the other.
    pub(super) async fn any_victim(&self) -> u64 {
        let leader = self.cluster.leader().await;
        let leads = self.random().random_ratio(1, 2);
        if leads { leader } else { self.other_than(leader) }
    }

    /// The how manieth time that a point is reached is the node's last.
    pub(super) fn times(&self, point: &CrashPoint) -> u64 {
        if self.round == 1 { 1 } else { self.random().random_range(1..=point.times) }
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node has died at a point.
    pub(super) fn died(&self, point: &CrashPoint, node: u64) {
        let died = self.history.now();
        let what = format!("node {node} died at {}", point.name);
        let effective = Effective::Installed;
        let fault =
            self.history.fault(Fault { kind: point.name.to_owned(), what, begun: died, healed: None, effective });
        self.pending().push(Pending { point: point.name, node, died, fault });
    }

    /// Starts a node that has died, and waits until it serves.
    pub(super) async fn recover(&self, node: u64) {
        self.mortal(node).disarm();
        self.cluster.node(node).start();
        self.cluster.serving(&[node]).await;
        self.serves(node);
    }

    /// A node that had died serves again.
    pub(super) fn serves(&self, node: u64) {
        let now = self.history.now();
        for Pending { point, died, fault, .. } in self.pending().extract_if(.., |pending| pending.node == node) {
            let (seconds, took) = (now.as_secs(), now.saturating_sub(died).as_millis());
            eprintln!("{seconds:>5} s  {point:<26} node {node} died and served again after {took} ms");
            self.history.healed(fault, now, Effective::Installed);
        }
    }

    /// Has all replicas judged.
    async fn look(&self, after: &str) -> Result<(), Stop> {
        self.agree(after).await;
        let violations = judgement::violations(&self.cluster, &self.history, &self.cluster.ids()).await;
        if violations.is_empty() { Ok(()) } else { Err(Stop::Violations) }
    }

    async fn agree(&self, after: &str) {
        let healed = self.history.now();
        self.cluster.agreed(&self.cluster.ids()).await;
        let recovery =
            Recovery { fault: after.to_owned(), again: Again::Agrees, healed, seen: Some(self.history.now()) };
        self.history.remember(recovery);
    }

    /// Sends again what nobody knows of, before and after all nodes were restarted, and has all replicas judged.
    async fn settle(&self) -> Result<(), Stop> {
        let (cluster, history, ids) = (&self.cluster, &self.history, self.cluster.ids());
        for (after, restarts) in [("all crash points", true), ("a restart of all", false)] {
            judgement::settle(cluster, history, &ids, after).await;
            let violations = judgement::violations(cluster, history, &ids).await;
            if !violations.is_empty() {
                return Err(Stop::Violations);
            }
            if restarts {
                cluster.kill_all();
                cluster.start_all();
                cluster.serving(&ids).await;
            }
        }
        Ok(())
    }

    fn mean(&self) {
        let meant = Meant {
            seed: self.plan.seed,
            faults: self.plan.points.iter().map(|point| point.name.to_owned()).collect(),
            acknowledged: 0,
            leader_changes: 0,
            nodes: self.cluster.ids(),
            has_all: false,
            wall_ms: self.wall_ms,
            command: self.plan.command(),
        };
        self.history.remember(meant);
    }

    /// Ends the history, with the replicas of those nodes that still say what they hold.
    pub(super) async fn end(&self, broken_off: Option<String>) {
        self.mean();
        let mut replicas = Vec::new();
        for node in self.cluster.nodes() {
            if let Ok(replica) = Dump::take(node).await {
                replicas.push(replica);
            }
        }
        oracle::share(&mut replicas);
        self.history.look(&replicas);
        self.history.end(broken_off);
    }

    /// Shows what the nodes said last.
    pub(super) fn last_words(&self) {
        for node in self.cluster.nodes() {
            eprintln!("── the last words of node {} ──\n{}", node.id(), node.last_words(SHOWN));
        }
    }
}
