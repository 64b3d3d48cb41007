//! The leader is cut off and comes back, again and again, faster than an election.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::network::{between, heal};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-flapping",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let directions = between(&[leader], &cluster.others(leader));
    let pauses: Vec<Duration> = (0..8).map(|_| Duration::from_millis(random.random_range(50..800))).collect();
    let links = Arc::clone(cluster.links());
    let before = links.touched();
    let flapping = tokio::spawn(async move {
        for pause in pauses.iter().cycle() {
            for (from, to) in &directions {
                links.rule(*from, *to, Rule::CUT);
            }
            sleep(*pause).await;
            links.heal();
            sleep(*pause).await;
        }
    });
    let what = format!("node {leader}, which led, is cut off and comes back again and again");
    Ok(Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            flapping.abort();
            // It may stand at any point: only when it is gone nothing is cut again.
            drop(flapping.await);
            heal(cluster, before)
        })
    }))
}
