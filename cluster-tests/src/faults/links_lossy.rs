//! A part of what nodes send each other is lost and sent again.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-lossy",
    needs: &[Need::Links],
    changes_leader: false,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

const RULE: Rule =
    Rule { cut: false, late: Duration::ZERO, jitter: Duration::ZERO, lost_of_thousand: 50, bytes_per_second: None };

fn install(cluster: &Cluster) -> Strike {
    let (all, what) = (cluster.ids(), "of what nodes send each other a twentieth is lost and sent again".to_owned());
    strike(cluster, what, between(&all, &all), RULE, Lasts::LONG)
}
