//! kill -9 of all nodes, as close together as it goes.

use futures::future::ready;

use super::{Hold, Kind, Lasts, Site, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "kill-all",
    needs: &[],
    takes: Some("kill"),
    holds: Hold::Nodes,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

fn install(site: Site<'_>) -> Strike {
    site.kill_all();
    Strike::healed_at_once("kill -9 of all nodes".to_owned(), Lasts::MOMENT, Cluster::start_all)
}
