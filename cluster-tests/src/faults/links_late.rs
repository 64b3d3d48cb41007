//! All that nodes send each other is late, as between distant places.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-late",
    needs: &[Need::Relays],
    takes: None,
    holds: Hold::Links,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

const RULE: Rule = Rule {
    cut: false,
    late: Duration::from_millis(40),
    jitter: Duration::ZERO,
    lost_of_thousand: 0,
    bytes_per_second: None,
};

fn install(site: Site<'_>) -> Strike {
    let (all, what) = (site.ids(), "all that nodes send each other is 40 ms late".to_owned());
    strike(site, what, between(&all, &all), RULE, Lasts::LONG)
}
