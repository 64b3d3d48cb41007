//! A voter comes back with nothing: it could have forgotten what it promised.

use std::fs;
use std::io;
use std::path::Path;

use rand::rngs::StdRng;

use super::spoiled::strike;
use super::{Kind, Strike, follower};
use crate::cluster::Cluster;

pub(super) const KIND: Kind = Kind {
    name: "voter-wiped",
    needs: &[],
    changes_leader: false,
    install: |cluster, random| Box::pin(install(cluster, random)),
};

async fn install(cluster: &Cluster, random: &mut StdRng) -> Result<Strike, String> {
    let follower = follower(cluster, random).await;
    Ok(strike(cluster, follower, format!("node {follower}, a follower, comes back with nothing"), wipe))
}

fn wipe(data: &Path) -> io::Result<()> {
    fs::remove_dir_all(data)
}
