//! A rolling restart: each node is asked to end, and starts again; the next when the cluster serves.

use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;
use crate::wait::{PATIENCE, until};

pub(super) const KIND: Kind = Kind {
    name: "restart-in-turn",
    needs: &[],
    changes_leader: true,
    install: |cluster, _| Box::pin(install(cluster)),
};

async fn install(cluster: &Cluster) -> Result<Strike, String> {
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
    Ok(Strike::healed_at_once("restart of all nodes, one after the other".to_owned(), Lasts::MOMENT, |_| ()))
}
