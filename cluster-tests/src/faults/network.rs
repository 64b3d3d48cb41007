//! What the faults of the network share: rules that hold until they are healed.

use super::{Lasts, Site, Strike};
use crate::history::Effective;
use crate::links::{Direction, Layer, Rule};

/// Has a rule hold for all that goes these ways.
pub(super) fn strike(
    site: Site<'_>,
    what: String,
    directions: impl IntoIterator<Item = Direction>,
    rule: Rule,
    lasts: Lasts,
) -> Strike {
    let layer = site.links().lay();
    layer.rule(directions, rule);
    Strike::new(what, lasts, move |_| Box::pin(async move { lift(&layer) }))
}

/// Lifts the rules of one fault. Rules that never held anything up had no effect that anybody knows of.
pub(super) fn lift(layer: &Layer) -> Effective {
    layer.clear();
    if layer.touched() > 0 { Effective::Installed } else { Effective::Indeterminate }
}

/// Both directions between each of some and each of the others.
pub(super) fn between(some: &[u64], others: &[u64]) -> Vec<Direction> {
    let pairs = some.iter().flat_map(|one| others.iter().map(move |other| (*one, *other)));
    let mut directions: Vec<Direction> =
        pairs.filter(|(one, other)| one != other).flat_map(|(one, other)| [(one, other), (other, one)]).collect();
    directions.sort_unstable();
    directions.dedup();
    directions
}
