//! A node's wall clock jumps by an hour or a year, forth or back.

use std::time::Duration;

use futures::future::ready;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{Kind, Lasts, Need, Strike};
use crate::cluster::Cluster;
use crate::history::Effective;

pub(super) const KIND: Kind = Kind {
    name: "clock-jumps",
    needs: &[Need::Clock],
    changes_leader: false,
    install: |cluster, random| Box::pin(ready(Ok(install(cluster, random)))),
};

const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(365 * 24);

fn install(cluster: &Cluster, random: &mut StdRng) -> Strike {
    let (id, clock) = cluster.clock();
    let (by, how_far) = if random.random() { (HOUR, "an hour") } else { (YEAR, "a year") };
    let ahead = random.random();
    if ahead {
        clock.set_ahead(by);
    } else {
        clock.set_behind(by);
    }
    let what = format!("the clock of node {id} is {how_far} {}", if ahead { "ahead" } else { "behind" });
    Strike::new(what, Lasts::LONG, |cluster| Box::pin(async { heal(cluster) }))
}

fn heal(cluster: &Cluster) -> Effective {
    let (id, clock) = cluster.clock();
    clock.set_ahead(Duration::ZERO);
    let maps = cluster.node(id).pid().and_then(|process| std::fs::read_to_string(format!("/proc/{process}/maps")).ok());
    let goes_by_it = maps.is_some_and(|maps| maps.contains("libfaketime"));
    if goes_by_it { Effective::Installed } else { Effective::Indeterminate }
}
