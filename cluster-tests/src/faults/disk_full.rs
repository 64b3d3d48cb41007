//! The leader's disk is full.

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
    let what = format!("the disk of node {leader}, which led, is full");
    Ok(Strike::new(what, Lasts::long_after_another_leads(leader), move |cluster| {
        Box::pin(async move {
            let effective = if_ended(cluster, leader);
            cluster.disk(leader).empty();
            start_again(cluster, leader);
            effective
        })
    }))
}
