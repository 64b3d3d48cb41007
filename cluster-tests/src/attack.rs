//! A load on a cluster and the faults of a schedule, in cycles: between two of them nobody sends anything, and all is healed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

use crate::alarm::Endings;
use crate::binary;
use crate::chaos::Plan;
use crate::cluster::Cluster;
use crate::faults::Kind;
use crate::history::{Effective, History};
use crate::leaders::Leaders;
use crate::load::Load;
use crate::schedule::{Schedule, Step};
use crate::striking::{Striking, Struck};
use crate::wait::{PATIENCE, until};

/// What is acknowledged in each cycle before its first fault comes.
pub const BEFORE_FAULTS: usize = 100;
/// Between two steps, at most.
const REST_MS: u64 = 2_000;
/// How often a fault is made, at most, until it is known to have taken effect.
const TRIES: usize = 3;

/// An attack, between two cycles.
#[derive(Debug)]
pub struct Attack<'a> {
    cluster: &'a Cluster,
    history: &'a Arc<History>,
    /// For how long there is to be a load, at least.
    time: Duration,
    /// Whether it goes on until each kind of fault was made.
    covers_all: bool,
    leaders: Leaders,
    schedule: Schedule,
    /// What was done of each kind so far.
    done: BTreeMap<&'static str, Done>,
    /// How often another leader followed one that a fault had taken.
    changes: usize,
    /// Whether nodes may end by themselves.
    endings: &'a Endings,
    /// Of the rests between two steps.
    random: StdRng,
    /// A node that its seeded bug is still to end.
    ends: Option<u64>,
}

/// What was done of a kind.
#[derive(Debug, Clone, Copy)]
struct Done {
    kind: Kind,
    tries: usize,
    /// Whether it took effect, or this machine can't do it.
    settled: bool,
}

impl<'a> Attack<'a> {
    /// Tells what is to come.
    pub fn new(plan: &Plan, cluster: &'a Cluster, history: &'a Arc<History>, endings: &'a Endings) -> Self {
        let schedule = Schedule::new(plan.seed, &plan.kinds, plan.network);
        eprintln!("the schedule until each fault was made once, after which it goes on:");
        for (number, step) in (1..).zip(Schedule::first_round(plan.seed, &plan.kinds, plan.network)) {
            eprintln!("{number:>5}  {step}");
        }
        let leaders = Leaders::watch(cluster, history);
        let (time, random, ends) = (plan.time, StdRng::seed_from_u64(plan.seed), plan.subject.ends());
        let covers_all = plan.subject.is_sound();
        Self {
            cluster,
            history,
            time,
            covers_all,
            leaders,
            schedule,
            done: BTreeMap::new(),
            changes: 0,
            endings,
            random,
            ends,
        }
    }

    /// Puts the load on the cluster, makes faults for so long or until the attack is over, and stops the load.
    pub async fn cycle(&mut self, time: Duration) {
        self.endings.are_expected(self.ends.is_some());
        self.history.begin_load();
        let load = Load::start_all(self.cluster, self.history);
        load.acknowledged_more(BEFORE_FAULTS).await;
        if let Some(node) = self.ends.take() {
            self.has_ended(node).await;
            self.endings.are_expected(false);
        }
        let end = Instant::now() + time;
        while Instant::now() < end
            && let Some(step) = self.next()
        {
            self.strike(&step).await;
        }
        load.stop().await;
        self.history.end_load();
    }

    /// Waits until its bug has ended a node, and starts it again without the bug.
    async fn has_ended(&self, id: u64) {
        let node = self.cluster.node(id);
        until(&format!("its bug has ended node {id}"), PATIENCE, || async {
            node.ended().map(drop).ok_or_else(|| "it runs".to_owned())
        })
        .await;
        node.reap();
        node.use_binary(binary::ordinary());
        node.start();
        self.cluster.serving(&[id]).await;
    }

    /// Whether there was a load for as long as there should be, and each kind of fault at least once if that is to be.
    pub fn is_over(&self) -> bool {
        let has_all = self.schedule.has_drawn_all() && self.unsettled().is_none();
        self.history.loaded() >= self.time && (has_all || !self.covers_all)
    }

    /// How often another leader followed one that a fault had taken.
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// The next step. In the end a kind of which nobody knows whether it took effect comes again, alone.
    fn next(&mut self) -> Option<Step> {
        if self.is_over() {
            return None;
        }
        if self.history.loaded() < self.time || !self.schedule.has_drawn_all() {
            return self.schedule.next();
        }
        self.unsettled().map(|kind| Step::alone(kind, self.random.random()))
    }

    fn unsettled(&self) -> Option<Kind> {
        let mut unsettled = self.done.values().filter(|done| !done.settled && done.tries < TRIES);
        unsettled.next().map(|done| done.kind)
    }

    async fn strike(&mut self, step: &Step) {
        eprintln!("{:>5} s  {step} …", self.history.now().as_secs());
        let striking = Striking { cluster: self.cluster, history: self.history, leaders: &self.leaders };
        self.endings.are_those_of(step.kinds());
        let Struck { effects, changes } = striking.step(step).await;
        self.endings.are_expected(false);
        self.changes += changes;
        for (kind, effective) in &effects {
            let done = self.done.entry(kind.name).or_insert(Done { kind: *kind, tries: 0, settled: false });
            done.tries += 1;
            done.settled |= *effective != Effective::Indeterminate;
        }
        let effects: Vec<String> =
            effects.iter().map(|(kind, effective)| format!("{} ({effective:?})", kind.name)).collect();
        eprintln!(
            "{:>5} s  {:>8} acknowledged  worst gap {:>5} ms  {} faults, the last: {}",
            self.history.now().as_secs(),
            self.history.acknowledged(),
            self.history.worst_gap().as_millis(),
            self.done.values().map(|done| done.tries).sum::<usize>(),
            effects.join(", ")
        );
        sleep(Duration::from_millis(self.random.random_range(0..REST_MS))).await;
    }
}
