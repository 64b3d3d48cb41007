//! A snapshot is forced on every node, under load, and the log purged behind it.

use super::{Kind, Strike};
use crate::history::Effective;

pub(super) const KIND: Kind = Kind {
    name: "snapshot",
    needs_disks: false,
    changes_leader: false,
    strike: |cluster, _| {
        Box::pin(async move {
            let mut effective = Effective::Installed;
            for node in cluster.nodes() {
                if node.client().snapshot().await.is_err() {
                    effective = Effective::Indeterminate;
                }
            }
            Strike { what: "snapshot and purge on all nodes".to_owned(), effective }
        })
    },
};
