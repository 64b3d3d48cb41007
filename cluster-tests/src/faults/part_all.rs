//! No node sees any other: nobody can be acknowledged anything.

use futures::future::ready;

use super::network::{between, strike};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-all",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

fn install(site: Site<'_>) -> Strike {
    let all = site.ids();
    let what = "every node is cut off from every other".to_owned();
    strike(site, what, between(&all, &all), Rule::CUT, Lasts::LONG)
}
