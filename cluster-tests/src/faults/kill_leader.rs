//! kill -9 of the leader; it starts again when another leads.

use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind =
    Kind { name: "kill-leader", needs: &[], changes_leader: true, install: |cluster, _| Box::pin(install(cluster)) };

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    cluster.node(leader).kill();
    let what = format!("kill -9 of node {leader}, which led");
    let lasts = Lasts::until_another_leads(leader);
    Ok(Strike::healed_at_once(what, lasts, move |cluster| cluster.node(leader).start()))
}
