//! The leader can open no more files and take no more connections.

use std::time::Duration;

use super::{Hold, Kind, Lasts, Site, Strike, limits, start_again};
use crate::history::Effective;

pub(super) const KIND: Kind = Kind {
    name: "descriptors-short",
    needs: &[],
    takes: None,
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

/// How long a client asks.
const ASKING: Duration = Duration::from_secs(1);
/// How many clients come.
const NEWCOMERS: usize = 3;

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let process = site.node(leader.id).pid().ok_or_else(|| format!("{leader}, does not run"))?;
    let next = limits::next_file(process)?;
    let most = limits::most_files(process)?;
    // The soft limit alone: whoever may lower the hard one may not always raise it again.
    limits::set(process, &format!("--nofile={next}:"))?;
    // Whoever comes now finds it full, unless it has closed something just then.
    let mut effective = Effective::Indeterminate;
    for _ in 0..NEWCOMERS {
        if site.node(leader.id).client_with_deadline(ASKING).status().await.is_err() {
            effective = Effective::Installed;
        }
    }
    let what = format!("{leader}, can open no file with a number from {next} on");
    let strike = Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            // The same process has to go on; one that has ended by itself is started again.
            if cluster.node(leader.id).pid().is_none() {
                start_again(cluster, leader.id);
                return Effective::Installed;
            }
            match limits::set(process, &format!("--nofile={most}:")) {
                Ok(()) => effective,
                Err(_) => Effective::Indeterminate,
            }
        })
    });
    Ok(strike.at(leader))
}
