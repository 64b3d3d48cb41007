//! A follower is cut off from all others; its elections must not disturb the rest when it comes back.

use rand::rngs::StdRng;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-follower",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let follower = site.follower(random).await;
    let what = format!("{follower}, is cut off from the other nodes");
    Ok(strike(site, what, between(&[follower.id], &site.others(follower.id)), Rule::CUT, Lasts::LONG).at(follower))
}
