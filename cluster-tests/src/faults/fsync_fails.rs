//! The leader's disk fails to sync: it must not answer for what it may have lost, and ends.

use super::traced::strike_dead;
use super::{Hold, Kind, Lasts, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "fsync-fails",
    needs: &[],
    takes: Some("failing disk"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let what = format!("every sync of {leader}, fails");
    strike_dead(site, leader, what, Lasts::until_another_leads(leader.id)).await
}
