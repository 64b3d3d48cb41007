//! Two parts see each other only through one node that sees both.

use futures::future::ready;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-bridge",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, random| Box::pin(ready(Ok(install(cluster, random)))),
};

fn install(cluster: &Cluster, random: &mut StdRng) -> Strike {
    let mut left = cluster.ids();
    left.shuffle(random);
    let bridge = left.pop().expect("a node");
    let right = left.split_off(left.len() / 2);
    let what = format!("only node {bridge} sees both {left:?} and {right:?}");
    strike(cluster, what, between(&left, &right), Rule::CUT, Lasts::LONG)
}
