//! P23: a replica's tables agree with each other: what one counts, names or orders by is in the others, and what was
//! deleted or forgotten has left nothing behind.

use super::{Property, Report};
use crate::oracle::Evidence;
use crate::tables::{Table, agreement};

pub(super) const PROPERTY: Property =
    Property { name: "P23", sentence: "a replica's tables agree with each other", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let tables = evidence.replicas.iter().filter_map(|replica| replica.tables.as_ref());
    tables.map(|tables| tables.rows(Table::Small).len() + tables.rows(Table::Ids).len()).sum()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    for replica in evidence.different_tables() {
        let node = replica.node;
        agreement::judge(replica, &mut |found| report(format!("node {node}: {found}")));
    }
}
