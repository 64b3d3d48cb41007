//! The leader's disk is full, and a snapshot is asked for that needs room on it.

use super::{Kind, Lasts, Need, Strike, if_ended, start_again};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "disk-full",
    needs: &[Need::Disks],
    changes_leader: true,
    install: |cluster, _| Box::pin(install(cluster)),
};

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    cluster.disk(leader).fill();
    // What it has reserved would last it for a while. Whether it can answer is of no matter.
    drop(cluster.node(leader).client().snapshot().await);
    let what = format!("the disk of node {leader}, which led, is full");
    Ok(Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = if_ended(cluster, leader);
            cluster.disk(leader).empty();
            start_again(cluster, leader);
            effective
        })
    }))
}
