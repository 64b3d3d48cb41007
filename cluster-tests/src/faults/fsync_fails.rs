//! The leader's disk fails to sync: it must not answer for what it may have lost, and ends.

use super::traced::strike_dead;
use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind =
    Kind { name: "fsync-fails", needs: &[], changes_leader: true, install: |cluster, _| Box::pin(install(cluster)) };

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let what = format!("every sync of node {leader}, which led, fails");
    strike_dead(cluster, leader, what, Lasts::until_another_leads(leader)).await
}
