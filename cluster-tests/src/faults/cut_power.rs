//! The power of all nodes is cut: what was not synced is gone.

use futures::future::ready;

use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "cut-power",
    needs: &[Need::Disks],
    changes_leader: true,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

fn install(cluster: &Cluster) -> Strike {
    cluster.cut_power();
    Strike::healed_at_once("power cut of all nodes".to_owned(), Lasts::MOMENT, Cluster::start_all)
}
