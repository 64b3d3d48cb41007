//! A follower is cut off from all others; its elections must not disturb the rest when it comes back.

use rand::rngs::StdRng;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike, follower};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-follower",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let follower = follower(cluster, random).await;
    let what = format!("node {follower}, a follower, is cut off from the other nodes");
    Ok(strike(cluster, what, between(&[follower], &cluster.others(follower)), Rule::CUT, Lasts::LONG))
}
