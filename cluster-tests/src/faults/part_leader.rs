//! The leader is cut off from all others, and clients still reach it: it must not answer for a cluster that has gone on.

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-leader",
    needs: &[Need::Links],
    changes_leader: true,
    install: |cluster, _| Box::pin(install(cluster)),
};

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let what = format!("node {leader}, which led, is cut off from the other nodes");
    let directions = between(&[leader], &cluster.others(leader));
    Ok(strike(cluster, what, directions, Rule::CUT, Lasts::long_after_another_leads(leader)))
}
