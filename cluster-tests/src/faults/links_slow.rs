//! Little gets through between nodes.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-slow",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

const RULE: Rule = Rule {
    cut: false,
    late: Duration::ZERO,
    jitter: Duration::ZERO,
    lost_of_thousand: 0,
    bytes_per_second: Some(100_000),
};

fn install(site: Site<'_>) -> Strike {
    let (all, what) = (site.ids(), "no more than 100 kB a second from any node to any other".to_owned());
    strike(site, what, between(&all, &all), RULE, Lasts::LONG)
}
