//! Two parts see each other only through one node that sees both.

use futures::future::ready;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-bridge",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, random| Box::pin(ready(Ok(install(site, random)))),
};

fn install(site: Site<'_>, random: &mut StdRng) -> Strike {
    let mut left = site.ids();
    left.shuffle(random);
    let bridge = left.pop().expect("a node");
    let right = left.split_off(left.len() / 2);
    let what = format!("only node {bridge} sees both {left:?} and {right:?}");
    strike(site, what, between(&left, &right), Rule::CUT, Lasts::LONG)
}
