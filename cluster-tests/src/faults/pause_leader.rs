//! The leader stands still for longer than an election, with its connections open, and then goes on.

use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind =
    Kind { name: "pause-leader", needs: &[], changes_leader: true, install: |cluster, _| Box::pin(install(cluster)) };

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    cluster.node(leader).pause();
    let what = format!("pause of node {leader}, which led");
    let lasts = Lasts::long_after_another_leads(leader);
    Ok(Strike::healed_at_once(what, lasts, move |cluster| cluster.node(leader).resume()))
}
