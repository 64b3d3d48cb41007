//! A follower sleeps until the others have purged what it lacks; it is awake again when this begins, and has to get a snapshot.

use rand::rngs::StdRng;

use super::{Hold, Kind, Lasts, Site, Strike};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::wait::{PATIENCE, until};

pub(super) const KIND: Kind = Kind {
    name: "follower-behind",
    needs: &[],
    takes: None,
    holds: Hold::Behind,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let sleeper = site.follower(random).await;
    let node = site.node(sleeper.id);
    let status = node.status().await.map_err(|failure| failure.to_string())?;
    let slept_at = status.last_index;
    node.kill();
    for other in site.others(sleeper.id) {
        purged_beyond(site.cluster(), other, slept_at).await;
    }
    node.start();
    let what = format!("{sleeper}, comes back when all that it lacks is purged");
    let strike = Strike::new(what, Lasts::MOMENT, move |cluster| {
        Box::pin(async move {
            installed(cluster, sleeper.id, slept_at).await;
            Effective::Installed
        })
    });
    Ok(strike.at(sleeper))
}

/// Waits until a node has purged what follows an index. It is the load that adds what can be purged.
async fn purged_beyond(cluster: &Cluster, id: u64, index: u64) {
    let client = cluster.node(id).asked_within(PATIENCE);
    until(&format!("node {id} purges what node another lacks"), PATIENCE, || async {
        let made = client.snapshot().await.map_err(|failure| failure.to_string())?;
        if made.purged_index > index { Ok(()) } else { Err(format!("it has purged {} of {index}", made.purged_index)) }
    })
    .await;
}

async fn installed(cluster: &Cluster, id: u64, slept_at: u64) {
    until(&format!("node {id} installs a snapshot"), PATIENCE, || async {
        let status = cluster.node(id).status().await.map_err(|failure| failure.to_string())?;
        let snapshot = status.snapshot_index;
        if snapshot > slept_at { Ok(()) } else { Err(format!("its snapshot is of {snapshot}")) }
    })
    .await;
}
