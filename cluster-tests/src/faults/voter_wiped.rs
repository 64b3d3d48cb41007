//! A voter comes back with nothing: it could have forgotten what it promised.

use std::fs;
use std::io;
use std::path::Path;

use rand::rngs::StdRng;

use super::spoiled::strike;
use super::{Hold, Kind, Site, Strike};

pub(super) const KIND: Kind = Kind {
    name: "voter-wiped",
    needs: &[],
    takes: None,
    holds: Hold::Data,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let follower = site.follower(random).await;
    Ok(strike(site, follower, format!("{follower}, comes back with nothing"), wipe))
}

fn wipe(data: &Path) -> io::Result<()> {
    fs::remove_dir_all(data)
}
