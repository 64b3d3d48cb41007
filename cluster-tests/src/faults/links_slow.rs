//! Little gets through between nodes.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-slow",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

const RULE: Rule = Rule {
    cut: false,
    late: Duration::ZERO,
    jitter: Duration::ZERO,
    lost_of_thousand: 0,
    bytes_per_second: Some(100_000),
};

fn install(cluster: &Cluster) -> Strike {
    let (all, what) = (cluster.ids(), "no more than 100 kB a second from any node to any other".to_owned());
    strike(cluster, what, between(&all, &all), RULE, Lasts::LONG)
}
