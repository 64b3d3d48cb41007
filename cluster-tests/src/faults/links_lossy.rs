//! A part of what nodes send each other is lost and sent again.

use std::time::Duration;

use futures::future::ready;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "links-lossy",
    needs: &[Need::Relays],
    takes: None,
    holds: Hold::Links,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

const RULE: Rule =
    Rule { cut: false, late: Duration::ZERO, jitter: Duration::ZERO, lost_of_thousand: 50, bytes_per_second: None };

fn install(site: Site<'_>) -> Strike {
    let (all, what) = (site.ids(), "of what nodes send each other a twentieth is lost and sent again".to_owned());
    strike(site, what, between(&all, &all), RULE, Lasts::LONG)
}
