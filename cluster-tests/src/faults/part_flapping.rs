//! The leader is cut off and comes back, again and again, faster than an election.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::network::{between, lift};
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::links::Rule;

pub(super) const KIND: Kind = Kind {
    name: "part-flapping",
    needs: &[Need::Links],
    takes: None,
    holds: Hold::Links,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let leader = site.leader().await;
    let directions = between(&[leader.id], &site.others(leader.id));
    let pauses: Vec<Duration> = (0..8).map(|_| Duration::from_millis(random.random_range(50..800))).collect();
    let layer = Arc::new(site.links().lay());
    let flapping = tokio::spawn({
        let layer = Arc::clone(&layer);
        async move {
            for pause in pauses.iter().cycle() {
                layer.rule(directions.iter().copied(), Rule::CUT);
                sleep(*pause).await;
                layer.clear();
                sleep(*pause).await;
            }
        }
    });
    let what = format!("{leader}, is cut off and comes back again and again");
    Ok(Strike::new(what, Lasts::LONG, move |_| {
        Box::pin(async move {
            flapping.abort();
            // It may stand at any point: only when it is gone nothing is cut again.
            drop(flapping.await);
            lift(&layer)
        })
    }))
}
