//! Faults, each a module that installs it and heals it again.
//!
//! - A fault says whether it took effect. What this machine can't do is skipped, and said to be.
//! - When it is healed, every node runs again; whether the cluster serves is for the run to see.

mod cut_power;
mod kill_all;
mod kill_follower;
mod kill_leader;
mod pause_leader;
mod restart_in_turn;
mod snapshot;

use std::time::Duration;

use futures::future::BoxFuture;
use rand::rngs::StdRng;

use crate::cluster::Cluster;
use crate::history::Effective;

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name, as it is typed and reported.
    pub name: &'static str,
    /// Whether it needs disks whose power can be cut.
    pub needs_disks: bool,
    /// Whether the leader is lost by it.
    pub changes_leader: bool,
    /// Does it, waits as long as it is to last, and undoes it.
    pub strike: for<'a> fn(&'a Cluster, &'a mut StdRng) -> BoxFuture<'a, Strike>,
}

/// What was done.
#[derive(Debug)]
pub struct Strike {
    /// What exactly, in a sentence.
    pub what: String,
    /// Whether it took effect.
    pub effective: Effective,
}

impl Strike {
    fn installed(what: String) -> Self {
        Self { what, effective: Effective::Installed }
    }
}

/// Longer than any election of the fast timeouts.
const LONG: Duration = Duration::from_secs(3);

/// All kinds.
pub const KINDS: [Kind; 7] = [
    kill_leader::KIND,
    kill_follower::KIND,
    kill_all::KIND,
    pause_leader::KIND,
    cut_power::KIND,
    restart_in_turn::KIND,
    snapshot::KIND,
];
