//! The file system of the leader finds an error in itself and takes no more writes.

use super::{Kind, Lasts, Need, Strike, if_ended};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "disk-fails",
    needs: &[Need::Disks],
    changes_leader: true,
    install: |cluster, _| Box::pin(install(cluster)),
};

async fn install(cluster: &Cluster) -> Result<Strike, String> {
    let leader = cluster.leader().await;
    cluster.disk(leader).break_down()?;
    let what = format!("the file system of node {leader}, which led, takes no more writes");
    Ok(Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = if_ended(cluster, leader);
            cluster.node(leader).kill();
            cluster.disk(leader).unmount();
            cluster.disk(leader).repair();
            cluster.disk(leader).mount();
            cluster.node(leader).start();
            effective
        })
    }))
}
