//! The leader's disk takes its time to sync.

use std::time::Duration;

use super::traced::strike;
use super::{Hold, Kind, Lasts, Site, Strike};

pub(super) const KIND: Kind =
    Kind { name: "fsync-slow", needs: &[], takes: None, holds: Hold::Node, install: |site, _| Box::pin(install(site)) };

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    let what = format!("every sync of {leader}, takes 200 ms more");
    strike(site, leader, what, Duration::from_millis(200), Lasts::LONG).await
}
