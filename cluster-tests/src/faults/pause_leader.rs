//! The leader stands still for longer than an election, with its connections open, and then goes on.

use super::{Hold, Kind, Lasts, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "pause-leader",
    needs: &[],
    takes: Some("pause"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    site.node(leader.id).pause();
    let what = format!("pause of {leader}");
    let lasts = Lasts::long_after_another_leads(leader.id);
    Ok(Strike::healed_at_once(what, lasts, move |cluster| cluster.node(leader.id).resume()).at(leader))
}
