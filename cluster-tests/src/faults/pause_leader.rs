//! The leader stands still for longer than an election, with its connections open, and then goes on.

use tokio::time::sleep;

use super::{Kind, LONG, Strike};

pub(super) const KIND: Kind = Kind {
    name: "pause-leader",
    needs_disks: false,
    changes_leader: true,
    strike: |cluster, _| {
        Box::pin(async move {
            let leader = cluster.leader().await;
            cluster.node(leader).pause();
            cluster.leader_among(&cluster.others(leader)).await;
            sleep(LONG).await;
            cluster.node(leader).resume();
            Strike::installed(format!("pause of node {leader}, which led"))
        })
    },
};
