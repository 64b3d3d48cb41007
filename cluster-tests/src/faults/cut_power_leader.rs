//! The power of the leader is cut; it comes back when another leads.

use super::{Hold, Kind, Lasts, Need, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "cut-power-leader",
    needs: &[Need::Disks],
    takes: Some("power"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    site.cut_power_of(&[leader.id]);
    let what = format!("power cut of {leader}");
    let lasts = Lasts::until_another_leads(leader.id);
    Ok(Strike::healed_at_once(what, lasts, move |cluster| cluster.node(leader.id).start()).at(leader))
}
