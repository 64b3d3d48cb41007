//! The leader's disk takes its time to sync.

use super::traced::strike;
use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind =
    Kind { name: "fsync-slow", needs: &[], changes_leader: false, install: |cluster, _| Box::pin(install(cluster)) };

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let what = format!("every sync of node {leader}, which leads, takes 200 ms more");
    strike(cluster, leader, what, "delay_enter=200000", Lasts::LONG).await
}
