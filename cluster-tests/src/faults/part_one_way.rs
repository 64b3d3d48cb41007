//! The leader hears nobody, or nobody hears it.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::network::strike;
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-one-way",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let leader = site.leader().await;
    let deaf = random.random();
    let others = site.others(leader.id).into_iter();
    let directions = others.map(|other| if deaf { (other, leader.id) } else { (leader.id, other) });
    let what = if deaf { "hears none of the other nodes" } else { "is heard by none of the other nodes" };
    Ok(strike(site, format!("{leader}, {what}"), directions, Rule::CUT, Lasts::LONG).at(leader))
}
