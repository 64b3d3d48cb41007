//! The leader hears nobody, or nobody hears it.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::network::strike;
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-one-way",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let deaf = random.random();
    let others = cluster.others(leader).into_iter();
    let directions = others.map(|other| if deaf { (other, leader) } else { (leader, other) });
    let what = if deaf { "hears none of the other nodes" } else { "is heard by none of the other nodes" };
    Ok(strike(cluster, format!("node {leader}, which led, {what}"), directions, Rule::CUT, Lasts::LONG))
}
