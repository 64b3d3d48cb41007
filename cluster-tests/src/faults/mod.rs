//! Faults, each a module that installs it and heals it again.
//!
//! - A fault says whether it took effect. What this machine can't do is skipped, and said to be.
//! - Between the two it lasts as long as it says. When it is healed, every node that it has struck runs again; whether the
//!   cluster serves is for the run to see.
//! - Two faults may last at once. A fault leaves alone what the other one has in its hand ([`Site`]), and undoes only what
//!   it has done itself. Which faults go together is said in one place ([`can_share`]).

mod clients_cut;
mod clock_jumps;
mod cut_power;
mod cut_power_leader;
mod cut_power_majority;
mod descriptors_short;
mod disk_fails;
mod disk_full;
mod disk_hangs;
mod follower_behind;
mod fsync_fails;
mod fsync_lies;
mod fsync_slow;
mod kill_all;
mod kill_follower;
mod kill_leader;
mod limits;
mod links_late;
mod links_lossy;
mod links_reordered;
mod links_slow;
mod log_rotten;
mod log_truncated;
mod memory_short;
mod network;
mod part_all;
mod part_bridge;
mod part_flapping;
mod part_follower;
mod part_halves;
mod part_leader;
mod part_one_way;
mod pause_leader;
mod processor_short;
mod restart_in_turn;
mod share;
mod site;
mod snapshot;
mod spoiled;
mod stop_leader;
mod traced;
mod voter_wiped;

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use rand::rngs::StdRng;

pub use self::share::{Hold, can_share, comes_first};
pub use self::site::{Site, Target};
use crate::cluster::{Cluster, Network};
use crate::history::Effective;

/// What a fault needs of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Each node has a disk of its own; that needs root.
    Disks,
    /// What nodes and clients send can be cut, or made slow.
    Links,
    /// What they send can be late, lost or overtaken: only relays do that.
    Relays,
    /// A node's wall clock can be put wrong; that needs libfaketime.
    Clock,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name, as it is typed and reported.
    pub name: &'static str,
    /// What it needs.
    pub needs: &'static [Need],
    /// How the leader is lost by it, in a word; none if it should stay.
    pub takes: Option<&'static str>,
    /// What it has in its hand as long as it lasts.
    pub holds: Hold,
    /// Does it. Says why if this machine can't.
    pub install: for<'a> fn(Site<'a>, &'a mut StdRng) -> BoxFuture<'a, Result<Strike, String>>,
}

impl Kind {
    /// Whether nodes may end by themselves while it lasts.
    pub fn may_end_nodes(&self) -> bool {
        let ending = ["power", "full disk", "failing disk", "memory"];
        // A node that can't open its next file ends; mostly it needs none for so long.
        let is_short_of_files = self.name == descriptors_short::KIND.name;
        let takes_one = self.takes.is_some_and(|takes| ending.contains(&takes));
        is_short_of_files || takes_one || matches!(self.holds, Hold::Data | Hold::Alone)
    }

    /// Whether it can be had in a network of this kind.
    pub fn is_for(&self, network: Network) -> bool {
        self.needs.iter().all(|need| match need {
            Need::Links => network != Network::Direct,
            Need::Relays => network == Network::Relays,
            Need::Disks | Need::Clock => true,
        })
    }
}

/// Undoes a fault, and says whether it took effect.
type Heal = Box<dyn for<'a> FnOnce(&'a Cluster) -> BoxFuture<'a, Effective> + Send>;

/// A fault that is installed.
pub struct Strike {
    /// What exactly, in a sentence.
    pub what: String,
    /// For how long.
    pub lasts: Lasts,
    /// The one node that it is aimed at; none if there are several.
    pub node: Option<u64>,
    /// Undoes it.
    pub heal: Heal,
}

impl Strike {
    fn new(
        what: impl Into<String>,
        lasts: Lasts,
        heal: impl for<'a> FnOnce(&'a Cluster) -> BoxFuture<'a, Effective> + Send + 'static,
    ) -> Self {
        Self { what: what.into(), lasts, node: None, heal: Box::new(heal) }
    }

    /// The same, aimed at one node.
    fn at(self, target: Target) -> Self {
        Self { node: Some(target.id), ..self }
    }

    /// One that took effect for certain, and is undone in no time.
    fn healed_at_once(what: String, lasts: Lasts, heal: impl FnOnce(&Cluster) + Send + 'static) -> Self {
        Self::new(what, lasts, move |cluster| {
            heal(cluster);
            Box::pin(async { Effective::Installed })
        })
    }
}

impl fmt::Debug for Strike {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Strike").field("what", &self.what).field("lasts", &self.lasts).finish_non_exhaustive()
    }
}

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasts {
    /// At least until another node than this one leads.
    pub until_another_leads: Option<u64>,
    /// And so long.
    pub longer: Duration,
}

impl Lasts {
    /// No longer than it takes to do it.
    const MOMENT: Self = Self { until_another_leads: None, longer: Duration::ZERO };
    /// Longer than any election of the fast timeouts.
    const LONG: Self = Self { until_another_leads: None, longer: Duration::from_secs(3) };

    /// Until the node has a successor.
    fn until_another_leads(leader: u64) -> Self {
        Self { until_another_leads: Some(leader), longer: Duration::ZERO }
    }

    /// And for long after that.
    fn long_after_another_leads(leader: u64) -> Self {
        Self { until_another_leads: Some(leader), ..Self::LONG }
    }
}

/// All kinds.
pub const KINDS: [Kind; 36] = [
    kill_leader::KIND,
    kill_follower::KIND,
    kill_all::KIND,
    stop_leader::KIND,
    pause_leader::KIND,
    cut_power::KIND,
    cut_power_majority::KIND,
    cut_power_leader::KIND,
    restart_in_turn::KIND,
    snapshot::KIND,
    follower_behind::KIND,
    part_leader::KIND,
    part_follower::KIND,
    part_halves::KIND,
    part_bridge::KIND,
    part_one_way::KIND,
    part_flapping::KIND,
    part_all::KIND,
    clients_cut::KIND,
    links_late::KIND,
    links_lossy::KIND,
    links_reordered::KIND,
    links_slow::KIND,
    fsync_fails::KIND,
    fsync_slow::KIND,
    fsync_lies::KIND,
    disk_hangs::KIND,
    disk_full::KIND,
    disk_fails::KIND,
    clock_jumps::KIND,
    processor_short::KIND,
    memory_short::KIND,
    descriptors_short::KIND,
    voter_wiped::KIND,
    log_rotten::KIND,
    log_truncated::KIND,
];

/// Starts a node again, whether the fault has ended it or not.
fn start_again(cluster: &Cluster, id: u64) {
    cluster.node(id).kill();
    cluster.node(id).start();
}

/// Whether a node has ended by itself, and has named the reason since its log was so long.
fn ended_by(cluster: &Cluster, id: u64, heard: usize, reasons: &[&str]) -> Effective {
    let node = cluster.node(id);
    let said = node.said();
    let named = said.get(heard..).is_some_and(|said| reasons.iter().any(|reason| said.contains(reason)));
    if node.pid().is_none() && named { Effective::Installed } else { Effective::Indeterminate }
}
