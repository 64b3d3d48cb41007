//! A snapshot is forced on every node, under load, and the log purged behind it.

use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::wait::PATIENCE;

pub(super) const KIND: Kind =
    Kind { name: "snapshot", needs: &[], changes_leader: false, install: |cluster, _| Box::pin(install(cluster)) };

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let mut effective = Effective::Installed;
    for node in cluster.nodes() {
        if node.client_with_deadline(PATIENCE).snapshot().await.is_err() {
            effective = Effective::Indeterminate;
        }
    }
    Ok(Strike::new("snapshot and purge on all nodes", Lasts::MOMENT, move |_| Box::pin(async move { effective })))
}
