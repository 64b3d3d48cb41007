//! The nodes fall apart into a majority and a minority, and the leader is in the minority.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-halves",
    needs: &[Need::Links],
    changes_leader: true,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let mut majority = cluster.others(leader);
    majority.shuffle(random);
    let followers = majority.split_off(cluster.ids().len() / 2 + 1);
    let minority: Vec<u64> = std::iter::once(leader).chain(followers).collect();
    let what = format!("the nodes {minority:?}, where the leader is, and {majority:?} are cut off from each other");
    let directions = between(&minority, &majority);
    Ok(strike(cluster, what, directions, Rule::CUT, Lasts::long_after_another_leads(leader)))
}
