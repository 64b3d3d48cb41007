//! The leader gets hardly any more memory: sooner or later the kernel ends it.

use super::{Hold, Kind, Lasts, Site, Strike, start_again};
use crate::cgroup::Cgroup;
use crate::history::Effective;

pub(super) const KIND: Kind = Kind {
    name: "memory-short",
    needs: &[],
    takes: Some("memory"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

/// Beside what it has.
const BYTES: u64 = 2 << 20;

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let process = site.node(leader.id).pid().ok_or_else(|| format!("{leader}, does not run"))?;
    let group = Cgroup::with_little_memory(process, BYTES)?;
    let what = format!("{leader}, gets no more than 2 MiB more memory");
    let strike = Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = if group.took_effect() { Effective::Installed } else { Effective::Indeterminate };
            start_again(cluster, leader.id);
            effective
        })
    });
    Ok(strike.at(leader))
}
