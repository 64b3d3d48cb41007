//! The end of a follower's Raft log is gone, with what it has acknowledged.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use rand::rngs::StdRng;

use super::spoiled::{strike, write_ahead};
use super::{Hold, Kind, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "log-truncated",
    needs: &[],
    takes: None,
    holds: Hold::Data,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let follower = site.follower(random).await;
    Ok(strike(site, follower, format!("the end of the Raft log of {follower}, is gone"), truncate))
}

fn truncate(data: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(write_ahead(data)?)?;
    file.set_len(file.metadata()?.len() / 2)
}
