//! The leader gets a twentieth of a processor.

use super::{Hold, Kind, Lasts, Site, Strike};
use crate::cgroup::Cgroup;
use crate::history::Effective;

pub(super) const KIND: Kind = Kind {
    name: "processor-short",
    needs: &[],
    takes: None,
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

/// Of each tenth of a second.
const MICROSECONDS: u32 = 5_000;

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let process = site.node(leader.id).pid().ok_or_else(|| format!("{leader}, does not run"))?;
    let group = Cgroup::with_little_time(process, MICROSECONDS)?;
    let what = format!("{leader}, gets a twentieth of a processor");
    Ok(Strike::new(what, Lasts::LONG, move |_| {
        Box::pin(async move { if group.took_effect() { Effective::Installed } else { Effective::Indeterminate } })
    })
    .at(leader))
}
