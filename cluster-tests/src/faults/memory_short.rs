//! A follower gets no more memory.

use rand::rngs::StdRng;

use super::{Kind, Lasts, Strike, follower, if_ended, limits, start_again};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "memory-short",
    needs: &[],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let follower = follower(cluster, random).await;
    let process = cluster.node(follower).pid().ok_or_else(|| format!("node {follower} does not run"))?;
    let pages = limits::pages(process)?;
    limits::set(process, &format!("--as={}", pages * limits::PAGE_BYTES))?;
    let what = format!("node {follower}, a follower, gets no more memory");
    Ok(Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = if_ended(cluster, follower);
            start_again(cluster, follower);
            effective
        })
    }))
}
