//! The power of all nodes is cut: what was not synced is gone.

use super::{Kind, Strike};

pub(super) const KIND: Kind = Kind {
    name: "cut-power",
    needs_disks: true,
    changes_leader: true,
    strike: |cluster, _| {
        Box::pin(async move {
            cluster.cut_power();
            cluster.start_all();
            Strike::installed("power cut of all nodes".to_owned())
        })
    },
};
