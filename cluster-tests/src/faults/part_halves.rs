//! The nodes fall apart into a majority and a minority, and the leader is in the minority.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-halves",
    needs: &[Need::Links],
    takes: Some("cut"),
    holds: Hold::Links,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let leader = site.leader().await;
    let mut majority = site.others(leader.id);
    majority.shuffle(random);
    let followers = majority.split_off(site.ids().len() / 2 + 1);
    let minority: Vec<u64> = std::iter::once(leader.id).chain(followers).collect();
    let what = format!("the nodes {minority:?}, where the leader is, and {majority:?} are cut off from each other");
    let directions = between(&minority, &majority);
    Ok(strike(site, what, directions, Rule::CUT, Lasts::long_after_another_leads(leader.id)).at(leader))
}
