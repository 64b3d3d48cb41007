//! kill -9 of a follower; it starts again a little later.

use rand::RngExt as _;
use tokio::time::sleep;

use super::{Kind, LONG, Strike};

pub(super) const KIND: Kind = Kind {
    name: "kill-follower",
    needs_disks: false,
    changes_leader: false,
    strike: |cluster, random| {
        Box::pin(async move {
            let followers = cluster.others(cluster.leader().await);
            let number = random.random_range(0..followers.len());
            let follower = *followers.get(number).expect("a cluster of more than one node");
            cluster.node(follower).kill();
            sleep(LONG).await;
            cluster.node(follower).start();
            Strike::installed(format!("kill -9 of node {follower}, a follower"))
        })
    },
};
