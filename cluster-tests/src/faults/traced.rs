//! What the faults of syncing share: `strace` in a node's way to its disk.

use super::{Lasts, Strike};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::tracer::Tracer;

/// Has the node's syncs done in this way; afterwards it is started again if it has ended.
pub(super) async fn strike(
    cluster: &Cluster,
    id: u64,
    what: String,
    how: &str,
    lasts: Lasts,
) -> Result<Strike, String> {
    let process = cluster.node(id).pid().ok_or_else(|| format!("node {id} does not run"))?;
    let tracer = Tracer::of_syncs(process, how, &cluster.directory().join("strace")).await?;
    Ok(Strike::new(what, lasts, move |cluster| {
        Box::pin(async move {
            let meddled = tracer.detach();
            if cluster.node(id).pid().is_none() {
                cluster.node(id).reap();
                cluster.node(id).start();
            }
            if meddled > 0 { Effective::Installed } else { Effective::Indeterminate }
        })
    }))
}
