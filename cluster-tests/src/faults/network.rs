//! What the faults of the network share: rules that hold until they are healed.

use super::{Lasts, Strike};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::links::Rule;

/// One direction between two ends.
pub(super) type Direction = (u64, u64);

/// Has a rule hold for all that goes these ways.
pub(super) fn strike(
    cluster: &Cluster,
    what: String,
    directions: impl IntoIterator<Item = Direction>,
    rule: Rule,
    lasts: Lasts,
) -> Strike {
    let before = cluster.links().touched();
    for (from, to) in directions {
        cluster.links().rule(from, to, rule);
    }
    Strike::new(what, lasts, move |cluster| Box::pin(async move { heal(cluster, before) }))
}

/// Lets everything through again. Rules that never held anything up had no effect that anybody knows of.
pub(super) fn heal(cluster: &Cluster, touched_before: u64) -> Effective {
    cluster.links().heal();
    let touched = cluster.links().touched() > touched_before;
    if touched { Effective::Installed } else { Effective::Indeterminate }
}

/// Both directions between each of some and each of the others.
pub(super) fn between(some: &[u64], others: &[u64]) -> Vec<Direction> {
    let pairs = some.iter().flat_map(|one| others.iter().map(move |other| (*one, *other)));
    pairs.filter(|(one, other)| one != other).flat_map(|(one, other)| [(one, other), (other, one)]).collect()
}
