//! Clients are cut off from some nodes, or all: either nothing of theirs arrives, or they hear no answer.

use futures::future::ready;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::{CLIENTS, Rule};

pub(super) const KIND: Kind = Kind {
    name: "clients-cut",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, random| Box::pin(ready(Ok(install(site, random)))),
};

fn install(site: Site<'_>, random: &mut StdRng) -> Strike {
    let nodes: Vec<u64> = site.ids().into_iter().filter(|_| random.random_ratio(2, 3)).collect();
    let nodes = if nodes.is_empty() { site.ids() } else { nodes };
    let (directions, how): (Vec<_>, _) = if random.random() {
        (between(&[CLIENTS], &nodes), "nothing gets through between clients and")
    } else {
        (nodes.iter().map(|node| (*node, CLIENTS)).collect(), "clients hear no answer from")
    };
    strike(site, format!("{how} the nodes {nodes:?}"), directions, Rule::CUT, Lasts::LONG)
}
