//! The end of a follower's Raft log is gone, with what it has acknowledged.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use rand::rngs::StdRng;

use super::spoiled::{strike, write_ahead};
use super::{Kind, Strike, follower};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "log-truncated",
    needs: &[],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let follower = follower(cluster, random).await;
    Ok(strike(cluster, follower, format!("the end of the Raft log of node {follower}, a follower, is gone"), truncate))
}

fn truncate(data: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(write_ahead(data)?)?;
    file.set_len(file.metadata()?.len() / 2)
}
