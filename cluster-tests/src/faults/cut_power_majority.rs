//! The power of the leader and of as many followers as make a majority is cut at once.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "cut-power-majority",
    needs: &[Need::Disks],
    changes_leader: true,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let mut followers = cluster.others(leader);
    followers.shuffle(random);
    followers.truncate(cluster.ids().len() / 2);
    let struck: Vec<u64> = std::iter::once(leader).chain(followers).collect();
    cluster.cut_power_of(&struck);
    let what = format!("power cut of the nodes {struck:?}, a majority");
    Ok(Strike::healed_at_once(what, Lasts::LONG, move |cluster| struck.iter().for_each(|id| cluster.node(*id).start())))
}
