//! The end of a run: all that nobody knows of, and a tenth of the rest, is sent again to other nodes, once all is healed
//! and again after everything that might make a cluster forget.
//!
//! - After a forced snapshot and purge on all nodes, and a restart of all.
//! - After a node that lacked what was purged has got it as a snapshot, and leads.
//! - After one more restart of all, which replays entries that no snapshot has.
//!
//! Each round is remembered, and the replicas are judged after each: what must never be ends the rounds, and is there to
//! be judged again.

use std::sync::Arc;

use crate::cluster::Cluster;
use crate::history::{Done, History, done};
use crate::judgement::{self, settle};
use crate::load::Load;
use crate::oracle::Dump;
use crate::wait::{PATIENCE, until};

/// How many entries a node keeps behind a snapshot, so that a node that sleeps for a while is behind it.
const KEPT_ENTRIES: u64 = 500;
/// How many appends are there to be replayed by the last restart.
const REPLAYED: usize = 300;
/// How many leaders are killed, at most, until the one that is to lead does.
const KILLS: usize = 40;

/// What the nodes of such a cluster are to be started with.
pub fn arguments() -> Vec<String> {
    vec!["--keep-entries".to_owned(), KEPT_ENTRIES.to_string()]
}

/// Plays the rounds on a cluster all of whose nodes run, and which was judged before anything is sent again: what failed may
/// not be there. The replicas are those after the last round, or after the first in which there was something that must never
/// be.
pub async fn play(cluster: &Cluster, history: &Arc<History>) -> Vec<Dump> {
    let ids = cluster.ids();
    let mut replicas = Vec::new();
    for round in ROUNDS {
        match round {
            Round::Healing => {}
            Round::Purged => {
                snapshots(cluster, &ids).await;
                restart(cluster).await;
            }
            Round::FreshLeader => lead_after_a_snapshot(cluster, history).await,
            Round::Restarted => {
                // To look at the replicas makes snapshots of them: without more entries a restart would have none to replay.
                let load = Load::start(cluster, history);
                load.acknowledged_more(REPLAYED).await;
                load.stop().await;
                restart(cluster).await;
            }
        }
        settle(cluster, history, &ids, round.after()).await;
        replicas = judgement::replicas(cluster, &ids).await;
        if !judgement::so_far(history, &replicas).is_empty() {
            history.cut_short();
            return replicas;
        }
    }
    let done = done(&history.events()).into_iter();
    let done: Vec<String> = done.map(|Done { name, count, least }| format!("{count} {name} ({least})")).collect();
    eprintln!("done, and what was meant: {}", done.join(", "));
    replicas
}

/// What comes before things are sent again.
#[derive(Debug, Clone, Copy)]
enum Round {
    Healing,
    Purged,
    FreshLeader,
    Restarted,
}

const ROUNDS: [Round; 4] = [Round::Healing, Round::Purged, Round::FreshLeader, Round::Restarted];

impl Round {
    fn after(self) -> &'static str {
        match self {
            Self::Healing => "healing",
            Self::Purged => "snapshot, purge and restart",
            Self::FreshLeader => "a fresh leader",
            Self::Restarted => "a restart of all",
        }
    }
}

async fn restart(cluster: &Cluster) {
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
}

/// Makes a snapshot on each of these nodes and returns the least index that one of them has purged.
async fn snapshots(cluster: &Cluster, ids: &[u64]) -> u64 {
    let mut purged = u64::MAX;
    for id in ids {
        let client = cluster.node(*id).client();
        let made = until(&format!("node {id} makes a snapshot"), PATIENCE, || async {
            client.snapshot().await.map_err(|failure| failure.to_string())
        })
        .await;
        purged = purged.min(made.purged_index);
    }
    purged
}

/// A node sleeps until what it lacks is purged, gets a snapshot, and leads in the end.
async fn lead_after_a_snapshot(cluster: &Cluster, history: &Arc<History>) {
    let leader = cluster.leader().await;
    let sleeper = *cluster.others(leader).first().expect("a follower");
    let slept_at = cluster.node(sleeper).status().await.expect("a follower says how it is").last_index;
    history.mark(format!("kill -9 of node {sleeper}, a follower, at index {slept_at}"));
    cluster.node(sleeper).kill();
    let awake = cluster.others(sleeper);
    let load = Load::start_on(cluster, &awake, history);
    loop {
        load.acknowledged_more(usize::try_from(KEPT_ENTRIES).expect("a small number")).await;
        if snapshots(cluster, &awake).await > slept_at {
            break;
        }
    }
    load.stop().await;

    history.mark(format!("start of node {sleeper}"));
    cluster.node(sleeper).start();
    until(&format!("node {sleeper} has installed a snapshot"), PATIENCE, || async {
        let status = cluster.node(sleeper).status().await.map_err(|failure| failure.to_string())?;
        if status.snapshot_index > slept_at {
            Ok(())
        } else {
            Err(format!("its snapshot is of {}", status.snapshot_index))
        }
    })
    .await;
    cluster.serving(&cluster.ids()).await;
    cluster.agreed(&cluster.ids()).await;
    for _ in 0..KILLS {
        let leader = cluster.leader().await;
        if leader == sleeper {
            history.mark(format!("node {sleeper} leads"));
            return;
        }
        history.mark(format!("kill -9 of node {leader}, which leads"));
        cluster.node(leader).kill();
        cluster.leader_among(&cluster.others(leader)).await;
        history.mark(format!("start of node {leader}"));
        cluster.node(leader).start();
        cluster.serving(&cluster.ids()).await;
    }
    panic!("node {sleeper} does not lead, although {KILLS} others that did were killed");
}
