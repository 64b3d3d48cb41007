//! The power of all nodes is cut: what was not synced is gone.

use futures::future::ready;

use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "cut-power",
    needs: &[Need::Disks],
    takes: Some("power"),
    holds: Hold::Nodes,
    install: |site, _| Box::pin(ready(Ok(install(site)))),
};

fn install(site: Site<'_>) -> Strike {
    site.cut_power();
    Strike::healed_at_once("power cut of all nodes".to_owned(), Lasts::MOMENT, Cluster::start_all)
}
