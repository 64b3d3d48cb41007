//! The leader gets hardly any more memory: sooner or later the kernel ends it.

use super::{Kind, Lasts, Strike, start_again};
use crate::cgroup::Cgroup;
use crate::cluster::Cluster;
use crate::history::Effective;

pub(super) const KIND: Kind =
    Kind { name: "memory-short", needs: &[], changes_leader: false, install: |cluster, _| Box::pin(install(cluster)) };

/// Beside what it has.
const BYTES: u64 = 2 << 20;

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let process = cluster.node(leader).pid().ok_or_else(|| format!("node {leader} does not run"))?;
    let group = Cgroup::with_little_memory(process, BYTES)?;
    let what = format!("node {leader}, which led, gets no more than 2 MiB more memory");
    Ok(Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = if group.took_effect() { Effective::Installed } else { Effective::Indeterminate };
            start_again(cluster, leader);
            effective
        })
    }))
}
