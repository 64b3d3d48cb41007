//! A node's wall clock jumps by an hour or a year, forth or back.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::clock;
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::peer;

pub(super) const KIND: Kind = Kind {
    name: "clock-jumps",
    needs: &[Need::Clock],
    takes: None,
    holds: Hold::Clock,
    install: |site, random| Box::pin(install(site, random)),
};

const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(365 * 24);
/// How long the node may take to say what its clock shows.
const ASKING: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);

#[expect(clippy::unused_async, reason = "every fault is installed in the same way")]
async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let (id, clock) = site.cluster().clock();
    let (by, how_far) = if random.random() { (HOUR, "an hour") } else { (YEAR, "a year") };
    let ahead = random.random();
    if ahead {
        clock.set_ahead(by);
    } else {
        clock.set_behind(by);
    }
    let what = format!("the clock of node {id} is {how_far} {}", if ahead { "ahead" } else { "behind" });
    Ok(Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let effective = shows(cluster, id, by, ahead).await;
            cluster.clock().1.set_ahead(Duration::ZERO);
            effective
        })
    }))
}

/// Whether the node tells its peers a time that is as wrong as it should be. One that does not run tells nothing.
async fn shows(cluster: &Cluster, id: u64, by: Duration, ahead: bool) -> Effective {
    let end = Instant::now() + ASKING;
    while Instant::now() < end {
        if let Ok(told) = peer::wall_ms(cluster, id).await {
            let right = clock::wall_ms();
            let off =
                Duration::from_millis(if ahead { told.saturating_sub(right) } else { right.saturating_sub(told) });
            if off + by / 2 > by {
                return Effective::Installed;
            }
        }
        sleep(POLL).await;
    }
    Effective::Indeterminate
}
