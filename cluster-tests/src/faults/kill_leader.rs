//! kill -9 of the leader; it starts again when another leads.

use super::{Hold, Kind, Lasts, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "kill-leader",
    needs: &[],
    takes: Some("kill"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    site.node(leader.id).kill();
    let what = format!("kill -9 of {leader}");
    let lasts = Lasts::until_another_leads(leader.id);
    Ok(Strike::healed_at_once(what, lasts, move |cluster| cluster.node(leader.id).start()).at(leader))
}
