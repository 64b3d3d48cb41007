//! A bit of a follower's Raft log rots.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rand::rngs::StdRng;

use super::spoiled::{strike, write_ahead};
use super::{Kind, Strike, follower};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "log-rotten",
    needs: &[],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let follower = follower(cluster, random).await;
    Ok(strike(cluster, follower, format!("a bit of the Raft log of node {follower}, a follower, rots"), rot))
}

/// Early in the file: what was synced long ago.
fn rot(data: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(write_ahead(data)?)?;
    let place = file.metadata()?.len() / 4;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place)?;
    file.write_all_at(&byte.map(|byte| byte ^ 1), place)
}
