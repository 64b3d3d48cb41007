//! kill -9 of a follower; it is away for longer than an election.

use rand::rngs::StdRng;

use super::{Kind, Lasts, Strike, follower};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "kill-follower",
    needs: &[],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let follower = follower(cluster, random).await;
    cluster.node(follower).kill();
    let what = format!("kill -9 of node {follower}, a follower");
    Ok(Strike::healed_at_once(what, Lasts::LONG, move |cluster| cluster.node(follower).start()))
}
