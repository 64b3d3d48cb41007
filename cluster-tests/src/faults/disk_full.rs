//! The leader's disk is full, and a snapshot is asked for that needs room on it.

use super::{Hold, Kind, Lasts, Need, Site, Strike, ended_by, start_again};

pub(super) const KIND: Kind = Kind {
    name: "disk-full",
    needs: &[Need::Disks],
    takes: Some("full disk"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let heard = site.node(leader.id).said().len();
    site.disk(leader.id).fill();
    // What it has reserved would last it for a while. Whether it can answer is of no matter.
    drop(site.node(leader.id).client().snapshot().await);
    let what = format!("the disk of {leader}, is full");
    let strike = Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = ended_by(cluster, leader.id, heard, &["No space left on device"]);
            cluster.disk(leader.id).empty();
            start_again(cluster, leader.id);
            effective
        })
    });
    Ok(strike.at(leader))
}
