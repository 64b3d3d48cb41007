//! A bit of a follower's Raft log rots.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rand::rngs::StdRng;

use super::spoiled::{strike, write_ahead};
use super::{Hold, Kind, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "log-rotten",
    needs: &[],
    takes: None,
    holds: Hold::Data,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let follower = site.follower(random).await;
    Ok(strike(site, follower, format!("a bit of the Raft log of {follower}, rots"), rot))
}

/// Early in the file: what was synced long ago.
fn rot(data: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(write_ahead(data)?)?;
    let place = file.metadata()?.len() / 4;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place)?;
    file.write_all_at(&byte.map(|byte| byte ^ 1), place)
}
