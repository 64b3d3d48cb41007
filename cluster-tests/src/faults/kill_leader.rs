//! kill -9 of the leader; it starts again when another leads.

use super::{Kind, Strike};

pub(super) const KIND: Kind = Kind {
    name: "kill-leader",
    needs_disks: false,
    changes_leader: true,
    strike: |cluster, _| {
        Box::pin(async move {
            let leader = cluster.leader().await;
            cluster.node(leader).kill();
            cluster.leader_among(&cluster.others(leader)).await;
            cluster.node(leader).start();
            Strike::installed(format!("kill -9 of node {leader}, which led"))
        })
    },
};
