//! All that nodes send each other is late, as between distant places.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-late",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

const RULE: Rule = Rule {
    cut: false,
    late: Duration::from_millis(40),
    jitter: Duration::ZERO,
    lost_of_thousand: 0,
    bytes_per_second: None,
};

fn install(cluster: &Cluster) -> Strike {
    let (all, what) = (cluster.ids(), "all that nodes send each other is 40 ms late".to_owned());
    strike(cluster, what, between(&all, &all), RULE, Lasts::LONG)
}
