//! What nodes send each other over different connections overtakes each other.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-reordered",
    needs: &[Need::Relays],
    takes: None,
    holds: Hold::Links,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

const RULE: Rule = Rule {
    cut: false,
    late: Duration::ZERO,
    jitter: Duration::from_millis(80),
    lost_of_thousand: 0,
    bytes_per_second: None,
};

fn install(site: Site<'_>) -> Strike {
    let (all, what) = (site.ids(), "what nodes send each other is up to 80 ms late, each piece otherwise".to_owned());
    strike(site, what, between(&all, &all), RULE, Lasts::LONG)
}
