//! The power of the leader is cut; it comes back when another leads.

use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "cut-power-leader",
    needs: &[Need::Disks],
    changes_leader: true,
    install: |cluster, _| Box::pin(install(cluster)),
};

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    cluster.cut_power_of(&[leader]);
    let what = format!("power cut of node {leader}, which led");
    let lasts = Lasts::until_another_leads(leader);
    Ok(Strike::healed_at_once(what, lasts, move |cluster| cluster.node(leader).start()))
}
