//! The leader's disk hangs: each sync takes seconds, and so does all that waits for it.

use std::time::Duration;

use super::traced::strike;
use super::{Hold, Kind, Lasts, Site, Strike};

pub(super) const KIND: Kind =
    Kind { name: "disk-hangs", needs: &[], takes: None, holds: Hold::Node, install: |site, _| Box::pin(install(site)) };

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let what = format!("the disk of {leader}, hangs: every sync takes 2.5 s more");
    strike(site, leader, what, Duration::from_millis(2_500), Lasts::LONG).await
}
