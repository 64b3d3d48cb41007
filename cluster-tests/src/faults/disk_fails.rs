//! The file system of the leader finds an error in itself and takes no more writes.

use super::{Hold, Kind, Lasts, Need, Site, Strike, ended_by};

pub(super) const KIND: Kind = Kind {
    name: "disk-fails",
    needs: &[Need::Disks],
    takes: Some("failing disk"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let heard = site.node(leader.id).said().len();
    site.disk(leader.id).break_down()?;
    let what = format!("the file system of {leader}, takes no more writes");
    let strike = Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = ended_by(cluster, leader.id, heard, &["Read-only file system", "Input/output error"]);
            cluster.node(leader.id).kill();
            cluster.disk(leader.id).unmount();
            cluster.disk(leader.id).repair();
            cluster.disk(leader.id).mount();
            cluster.node(leader.id).start();
            effective
        })
    });
    Ok(strike.at(leader))
}
