//! kill -9 of all nodes, as close together as it goes.

use futures::future::ready;

use super::{Kind, Lasts, Strike};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "kill-all",
    needs: &[],
    changes_leader: true,
    install: |cluster, _| Box::pin(ready(Ok(install(cluster)))),
};

fn install(cluster: &Cluster) -> Strike {
    cluster.kill_all();
    Strike::healed_at_once("kill -9 of all nodes".to_owned(), Lasts::MOMENT, Cluster::start_all)
}
