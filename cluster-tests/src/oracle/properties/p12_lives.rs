//! P12: liveness: within 10 s of healing writes succeed, replicas agree within 60 s, no term has two leaders, no node ends
//! by itself, and the run came to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{Again, Alarm, Alarming};
use crate::oracle::Evidence;

const WRITES_AGAIN: Duration = Duration::from_secs(10);
const AGREED_AGAIN: Duration = Duration::from_mins(1);

pub(super) const PROPERTY: Property = Property { name: "P12", sentence: "it comes back by itself", judge, judged };

/// Terms alone say little: without a fault there was nothing to come back from.
fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.recoveries.len()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    if let Some(why) = &evidence.events.broken_off {
        report(format!("the run broke off: {why}"));
    }
    for alarm in evidence.events.alarms.iter().filter(|alarm| alarm.what == Alarming::Ended) {
        let Alarm { node, at, said, .. } = alarm;
        report(format!("{at:?} after the start node {node} ended by itself, and no fault was to end it: {said}"));
    }
    for recovery in &evidence.events.recoveries {
        let took = recovery.seen.map(|seen| seen.saturating_sub(recovery.healed));
        let (what, most) = match recovery.again {
            Again::Writes => ("a write succeeds", WRITES_AGAIN),
            Again::Agrees => ("replicas agree", AGREED_AGAIN),
        };
        if took.is_none_or(|took| took > most) {
            report(format!("after {}, {what} after {took:?}; at most {most:?} is allowed", recovery.fault));
        }
    }
    let mut leaders: BTreeMap<u64, u64> = BTreeMap::new();
    for seen in evidence.events.statuses.iter().filter(|seen| seen.leads) {
        let leader = *leaders.entry(seen.term).or_insert(seen.node);
        if leader != seen.node {
            report(format!("nodes {leader} and {} both lead in term {}", seen.node, seen.term));
        }
    }
}
