//! What nodes send each other over different connections overtakes each other.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-reordered",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

const RULE: Rule = Rule {
    cut: false,
    late: Duration::ZERO,
    jitter: Duration::from_millis(80),
    lost_of_thousand: 0,
    bytes_per_second: None,
};

fn install(cluster: &Cluster) -> Strike {
    let (all, what) =
        (cluster.ids(), "what nodes send each other is up to 80 ms late, each piece otherwise".to_owned());
    strike(cluster, what, between(&all, &all), RULE, Lasts::LONG)
}
