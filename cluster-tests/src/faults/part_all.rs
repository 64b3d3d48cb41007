//! No node sees any other: nobody can be acknowledged anything.

use futures::future::ready;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-all",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

fn install(cluster: &Cluster) -> Strike {
    let all = cluster.ids();
    let what = "every node is cut off from every other".to_owned();
    strike(cluster, what, between(&all, &all), Rule::CUT, Lasts::LONG)
}
