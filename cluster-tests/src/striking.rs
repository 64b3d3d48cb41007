//! Carries out one step of a schedule: installs its faults, has them last, heals them, and waits for the cluster.
//!
//! - Each fault is in the history with its own times and with whether it took effect. Beside a pair the cluster has to come
//!   back when both are healed.
//! - A fault of a pair does not wait for what the other one may prevent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::disk;
use crate::faults::{Kind, Lasts, Need, Site, Strike};
use crate::history::{Again, Effective, Fault, History, LeaderChange, Recovery};
use crate::leaders::Leaders;
use crate::sample;
use crate::schedule::{Drawn, Order, Step, When};

/// After that a write must have succeeded; it is waited for a little longer, to say how long it took.
const WRITES_PATIENCE: Duration = Duration::from_secs(30);
/// How long one of these writes may take.
const PROBE: Duration = Duration::from_millis(500);
/// Who sends them, in the history.
const PROBER: usize = 1_000;
/// How long another leader is waited for while two faults last: together they may leave none.
const LEADER_PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// Where steps are carried out.
#[derive(Debug)]
pub struct Striking<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Where all is remembered.
    pub history: &'a Arc<History>,
    /// Who knows who leads.
    pub leaders: &'a Leaders,
}

/// What came of a step.
#[derive(Debug)]
pub struct Struck {
    /// Whether each of its faults took effect.
    pub effects: Vec<(Kind, Effective)>,
    /// How often another leader followed one that a fault had taken.
    pub changes: usize,
}

/// A fault that lasts.
struct Ongoing {
    kind: Kind,
    /// Its number in the history.
    number: usize,
    begun: Duration,
    strike: Strike,
}

/// A fault that is over.
#[derive(Debug)]
struct Over {
    kind: Kind,
    begun: Duration,
    node: Option<u64>,
    effective: Effective,
}

impl Striking<'_> {
    /// Carries out a step, until the cluster is back.
    pub async fn step(&self, step: &Step) -> Struck {
        let none = BTreeSet::new();
        let first = self.begin(step.first, Site::alone(self.cluster, &none)).await;
        let over = match (step.second, first) {
            (None, Err(skipped)) => vec![skipped],
            (None, Ok(first)) => {
                self.last(first.strike.lasts).await;
                vec![self.heal(first).await]
            }
            (Some(second), Err(skipped)) => {
                let second = self.begin(second.drawn, Site::alone(self.cluster, &none)).await;
                vec![skipped, self.end(second).await]
            }
            (Some(second), Ok(first)) => self.both(first, second.drawn, second.when, second.order).await,
        };
        self.come_back(&over).await;
        let changes: Vec<LeaderChange> = over.iter().filter_map(|over| self.change(over)).collect();
        for change in &changes {
            self.history.remember(change.clone());
        }
        let effects = over.into_iter().map(|over| (over.kind, over.effective)).collect();
        Struck { effects, changes: changes.iter().filter(|change| change.to.is_some()).count() }
    }

    async fn both(&self, first: Ongoing, second: Drawn, when: When, order: Order) -> Vec<Over> {
        if when == When::WhenHealed {
            self.last_at_most(first.strike.lasts).await;
            let first = self.heal(first).await;
            let none = BTreeSet::new();
            // The cluster may still be on its way back.
            let second = self.begin(second, Site::beside(self.cluster, &none)).await;
            return vec![first, self.end(second).await];
        }
        if when == When::WhileItLasts {
            self.last_at_most(first.strike.lasts).await;
        }
        let held = first.held();
        let second = match self.begin(second, Site::beside(self.cluster, &held)).await {
            Ok(second) => second,
            Err(skipped) => {
                self.last_at_most(first.strike.lasts).await;
                return vec![self.heal(first).await, skipped];
            }
        };
        let (first_lasts, second_lasts) = (first.strike.lasts, second.strike.lasts);
        match order {
            Order::FirstFirst => {
                self.last_at_most(first_lasts).await;
                let first = self.heal(first).await;
                self.last_at_most(second_lasts).await;
                vec![first, self.heal(second).await]
            }
            Order::SecondFirst => {
                self.last_at_most(second_lasts).await;
                let second = self.heal(second).await;
                self.last_at_most(first_lasts).await;
                vec![self.heal(first).await, second]
            }
        }
    }

    /// Installs a fault, if this machine can.
    async fn begin(&self, drawn: Drawn, site: Site<'_>) -> Result<Ongoing, Over> {
        let Drawn { kind, seed } = drawn;
        let begun = self.history.now();
        let installed = match kind.needs.iter().try_for_each(|need| is_met(*need)) {
            Ok(()) => (kind.install)(site, &mut StdRng::seed_from_u64(seed)).await,
            Err(why) => Err(why),
        };
        let fault = |what, healed, effective| Fault { kind: kind.name.to_owned(), what, begun, healed, effective };
        match installed {
            Ok(strike) => {
                // Known before it is healed: if that fails, the history shows what was done.
                let number = self.history.fault(fault(strike.what.clone(), None, Effective::Indeterminate));
                Ok(Ongoing { kind, number, begun, strike })
            }
            Err(why) => {
                let effective = Effective::Skipped;
                self.history.fault(fault(why, Some(begun), effective));
                Err(Over { kind, begun, node: None, effective })
            }
        }
    }

    async fn end(&self, begun: Result<Ongoing, Over>) -> Over {
        match begun {
            Ok(ongoing) => {
                self.last_at_most(ongoing.strike.lasts).await;
                self.heal(ongoing).await
            }
            Err(skipped) => skipped,
        }
    }

    async fn heal(&self, ongoing: Ongoing) -> Over {
        let Ongoing { kind, number, begun, strike } = ongoing;
        let node = strike.node;
        let effective = (strike.heal)(self.cluster).await;
        self.history.healed(number, self.history.now(), effective);
        Over { kind, begun, node, effective }
    }

    /// Waits as long as a fault is to last.
    async fn last(&self, lasts: Lasts) {
        if let Some(leader) = lasts.until_another_leads {
            self.cluster.leader_among(&self.cluster.others(leader)).await;
        }
        sleep(lasts.longer).await;
    }

    /// The same where another fault may leave no leader.
    async fn last_at_most(&self, lasts: Lasts) {
        let end = Instant::now() + LEADER_PATIENCE;
        if let Some(leader) = lasts.until_another_leads {
            let others = self.cluster.others(leader);
            while self.cluster.led_by(&others).await.is_none() && Instant::now() < end {
                sleep(POLL).await;
            }
        }
        sleep(lasts.longer).await;
    }

    /// Waits until the cluster is back after all of a step's faults, and remembers how long it took.
    async fn come_back(&self, over: &[Over]) {
        let mut struck = over.iter().filter(|over| over.effective != Effective::Skipped).peekable();
        if struck.peek().is_none() {
            return;
        }
        let healed = self.history.now();
        let seen = self.written().await;
        for over in struck {
            let recovery = Recovery { fault: over.kind.name.to_owned(), again: Again::Writes, healed, seen };
            self.history.remember(recovery);
        }
        self.cluster.serving(&self.cluster.ids()).await;
    }

    /// How a fault took the leader, if it did.
    fn change(&self, over: &Over) -> Option<LeaderChange> {
        let cause = over.kind.takes.filter(|_| over.effective == Effective::Installed)?;
        let from = self.leaders.at(over.begun).filter(|led| over.node.is_none_or(|node| node == led.node))?;
        Some(LeaderChange {
            fault: over.kind.name.to_owned(),
            cause: cause.to_owned(),
            at: over.begun,
            from,
            to: self.leaders.after(from),
        })
    }

    /// When a write that was sent from now on is acknowledged.
    async fn written(&self) -> Option<Duration> {
        let history = self.history;
        let end = Instant::now() + WRITES_PATIENCE;
        let clients = self.cluster.clients(PROBE);
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
}

impl Ongoing {
    /// The nodes that no other fault may strike.
    fn held(&self) -> BTreeSet<u64> {
        self.strike.node.filter(|_| self.kind.holds.has_a_node()).into_iter().collect()
    }
}

/// Whether this machine has what a fault needs; if not, why.
pub fn is_met(need: Need) -> Result<(), String> {
    match need {
        Need::Disks => disk::are_possible(),
        Need::Clock if !Clock::is_there() => Err("libfaketime is missing: scripts/setup installs it".to_owned()),
        // Without these a fault is not drawn at all.
        Need::Clock | Need::Links | Need::Relays => Ok(()),
    }
}
