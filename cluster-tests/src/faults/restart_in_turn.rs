//! A rolling restart: each node is asked to end, and starts again; the next when the cluster serves.

use super::{Kind, Strike};
use crate::wait::{PATIENCE, until};

pub(super) const KIND: Kind = Kind {
    name: "restart-in-turn",
    needs_disks: false,
    changes_leader: true,
    strike: |cluster, _| {
        Box::pin(async move {
            for node in cluster.nodes() {
                node.terminate();
                until(&format!("node {} ends", node.id()), PATIENCE, || async {
                    node.ended().map(drop).ok_or_else(|| "it runs".to_owned())
                })
                .await;
                node.reap();
                node.start();
                cluster.serving(&cluster.ids()).await;
            }
            Strike::installed("restart of all nodes, one after the other".to_owned())
        })
    },
};
