//! The leader is cut off from all others, and clients still reach it: it must not answer for a cluster that has gone on.

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-leader",
    needs: &[Need::Links],
    takes: Some("cut"),
    holds: Hold::Links,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let what = format!("{leader}, is cut off from the other nodes");
    let directions = between(&[leader.id], &site.others(leader.id));
    Ok(strike(site, what, directions, Rule::CUT, Lasts::long_after_another_leads(leader.id)).at(leader))
}
