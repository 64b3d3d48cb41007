//! kill -9 of all nodes, as close together as it goes.

use super::{Kind, Strike};

pub(super) const KIND: Kind = Kind {
    name: "kill-all",
    needs_disks: false,
    changes_leader: true,
    strike: |cluster, _| {
        Box::pin(async move {
            cluster.kill_all();
            cluster.start_all();
            Strike::installed("kill -9 of all nodes".to_owned())
        })
    },
};
