//! The power of the leader and of as many followers as make a majority is cut at once.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::{Hold, Kind, Lasts, Need, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "cut-power-majority",
    needs: &[Need::Disks],
    takes: Some("power"),
    holds: Hold::Nodes,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let leader = site.leader().await;
    let mut followers = site.others(leader.id);
    followers.shuffle(random);
    followers.truncate(site.ids().len() / 2);
    let struck: Vec<u64> = std::iter::once(leader.id).chain(followers).collect();
    site.cut_power_of(&struck);
    let what = format!("power cut of the nodes {struck:?}, a majority");
    Ok(Strike::healed_at_once(what, Lasts::LONG, move |cluster| struck.iter().for_each(|id| cluster.node(*id).start())))
}
