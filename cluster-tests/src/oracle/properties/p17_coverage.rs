//! P17: coverage: a run without the faults, workloads, successes and leader changes that it was meant to have is a failure. What
//! the machine can not do is said to be skipped; that is a failure where the machine is to have all that faults need.

use std::collections::BTreeSet;

use super::{Property, Report};
use crate::history::{Done, Effective, done};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P17", sentence: "the run had what it was meant to have", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    // Beside its faults, its successes and the changes of its leader.
    evidence.events.meant.as_ref().map_or(0, |meant| meant.faults.len() + 2)
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let events = evidence.events;
    if events.broken_off.is_some() || events.cut_short {
        // P12 says so, or another property. Nobody knows what would have come.
        return;
    }
    for Done { name, count, least } in done(events).into_iter().filter(|_| !events.workloads.is_empty()) {
        if count < least && events.workloads.iter().any(|meant| meant == name) {
            report(format!("{name}: {least} were meant, and there were {count}"));
        }
    }
    let Some(meant) = &events.meant else {
        return;
    };
    for kind in &meant.faults {
        let mut of_kind = events.faults.iter().filter(|fault| fault.kind == *kind).peekable();
        let happened = of_kind.peek().is_some();
        if !happened || !of_kind.any(|fault| fault.effective != Effective::Indeterminate) {
            report(format!("{kind} was meant, and never took effect"));
        }
    }
    for fault in events.faults.iter().filter(|fault| meant.has_all && fault.effective == Effective::Skipped) {
        report(format!("{} was skipped, and this machine is to have what it needs: {}", fault.kind, fault.what));
    }
    let acknowledged = events.operations.iter().filter(|operation| operation.acknowledged().is_some()).count();
    if acknowledged < meant.acknowledged {
        report(format!("{acknowledged} operations were acknowledged, {} were meant", meant.acknowledged));
    }
    let leads = events.statuses.iter().filter(|seen| seen.leads).map(|seen| (seen.term, seen.node));
    let changes = leads.collect::<BTreeSet<_>>().len().saturating_sub(1);
    if changes < meant.leader_changes {
        report(format!("the leader changed {changes} times, {} were meant", meant.leader_changes));
    }
}
