//! kill -9 of a follower; it is away for longer than an election.

use rand::rngs::StdRng;

use super::{Hold, Kind, Lasts, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "kill-follower",
    needs: &[],
    takes: None,
    holds: Hold::Node,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let follower = site.follower(random).await;
    site.node(follower.id).kill();
    let what = format!("kill -9 of {follower}");
    Ok(Strike::healed_at_once(what, Lasts::LONG, move |cluster| cluster.node(follower.id).start()).at(follower))
}
