//! The leader gets a twentieth of a processor.

use super::{Kind, Lasts, Strike};
use crate::cgroup::Cgroup;
use crate::cluster::Cluster;
use crate::history::Effective;

pub(super) const KIND: Kind = Kind {
    name: "processor-short",
    needs: &[],
    changes_leader: false,
    install: |cluster, _| Box::pin(install(cluster)),
};

/// Of each tenth of a second.
const MICROSECONDS: u32 = 5_000;

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    let process = cluster.node(leader).pid().ok_or_else(|| format!("node {leader} does not run"))?;
    let group = Cgroup::with_little_time(process, MICROSECONDS)?;
    let what = format!("node {leader}, which led, gets a twentieth of a processor");
    Ok(Strike::new(what, Lasts::LONG, move |_| {
        Box::pin(async move { if group.took_effect() { Effective::Installed } else { Effective::Indeterminate } })
    }))
}
