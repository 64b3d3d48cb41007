//! What the faults of syncing share: `strace` in a node's way to its disk.

use super::{Lasts, Strike, start_again};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::tracer::Tracer;
use crate::wait::{PATIENCE, until};

/// Has the node's syncs done in this way.
pub(super) async fn strike(
    cluster: &Cluster,
    id: u64,
    what: String,
    how: &str,
    lasts: Lasts,
) -> Result<Strike, String> {
    let tracer = attach(cluster, id, how).await?;
    Ok(Strike::new(what, lasts, move |_| Box::pin(async move { effective(tracer) })))
}

/// Has the node's syncs fail: it has to end by itself, and starts again.
pub(super) async fn strike_dead(cluster: &Cluster, id: u64, what: String, lasts: Lasts) -> Result<Strike, String> {
    let tracer = attach(cluster, id, "error=EIO").await?;
    Ok(Strike::new(what, lasts, move |cluster| {
        Box::pin(async move {
            let node = cluster.node(id);
            until(&format!("node {id}, which can't sync, ends"), PATIENCE, || async {
                node.ended().map(drop).ok_or_else(|| "it runs".to_owned())
            })
            .await;
            let effective = effective(tracer);
            start_again(cluster, id);
            effective
        })
    }))
}

/// Has the node's syncs done in this way, and nothing else.
pub(super) async fn attach(cluster: &Cluster, id: u64, how: &str) -> Result<Tracer, String> {
    let process = cluster.node(id).pid().ok_or_else(|| format!("node {id} does not run"))?;
    Tracer::of_syncs(process, how, &cluster.directory().join("strace")).await
}

/// Lets go of the node, and says whether it synced meanwhile.
pub(super) fn effective(tracer: Tracer) -> Effective {
    if tracer.detach() > 0 { Effective::Installed } else { Effective::Indeterminate }
}
