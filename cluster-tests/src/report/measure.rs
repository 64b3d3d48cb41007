//! Measures a run by its history.
//!
//! - What counts is the first acknowledgement of an id; answers to what is sent again count no more.
//! - The longest gap of a fault is looked for from its begin until a write that was sent after it is acknowledged. A gap
//!   that began before, or ends after that, counts in full. A replay ends no gap: a node that follows gives answers that
//!   it knows even while nobody leads.
//! - What is sent again after the load has ended belongs to no second of the run.

use std::collections::BTreeSet;
use std::time::Duration;

use super::summary::{First, Judged, Mark, Run, Summary};
use crate::crash_points;
use crate::history::{Again, Effective, Events, Fault, Operation};
use crate::oracle::{Dump, Evidence, Violation, of_each_property};

impl Summary {
    /// Of one run, whose history has this name.
    pub fn of(events: &Events, replicas: &[Dump], violations: &[Violation], history: &str) -> Self {
        Self { runs: vec![Run::of(events, replicas, violations, history)] }
    }
}

impl Run {
    /// Of this history and what the oracle said of it.
    pub fn of(events: &Events, replicas: &[Dump], violations: &[Violation], history: &str) -> Self {
        let (acknowledgements, news) = (acknowledgements(events), events.decisions());
        let end = end(events);
        let command = events.meant.as_ref().map(|meant| meant.command.clone()).filter(|command| !command.is_empty());
        let mut run = Self {
            seed: events.meant.as_ref().map(|meant| meant.seed),
            nodes: nodes(events, replicas),
            timing: command.as_deref().and_then(timing),
            command,
            history: history.to_owned(),
            duration_ms: ms(end),
            operations: events.operations.len(),
            attempts: events.operations.iter().map(|operation| operation.attempts.len()).sum(),
            acknowledged: acknowledgements.len(),
            reads: events.ends.len() + events.locals.len(),
            properties: properties(Evidence::of(events, replicas), violations),
            first: violations.iter().min_by_key(|violation| violation.urgency()).map(First::of),
            throughput: throughput(&acknowledgements, end),
            ..Self::default()
        };
        for fault in &events.faults {
            run.add(fault, events, &acknowledgements, &news, end);
        }
        for recovery in &events.recoveries {
            let took = recovery.seen.map(|seen| ms(seen.saturating_sub(recovery.healed)));
            match recovery.again {
                Again::Writes => run.faults.entry(recovery.fault.clone()).or_default().writes.add_one(took),
                Again::Agrees => run.agreed.add_one(took),
            }
        }
        run
    }

    fn add(&mut self, fault: &Fault, events: &Events, acknowledgements: &[Duration], news: &[Duration], end: Duration) {
        let healed = fault.healed.unwrap_or(end);
        let Fault { kind, what, begun, effective, .. } = fault.clone();
        if crash_points::is_one(&kind) {
            self.add_crash(&kind, fault.healed.map(|healed| ms(healed.saturating_sub(begun))));
            // One lane for all of them.
            let (kind, begun_ms, healed_ms) = ("crash points".to_owned(), ms(begun), ms(healed));
            self.marks.push(Mark { kind, what, begun_ms, healed_ms, effective });
            return;
        }
        self.marks.push(Mark { kind, what, begun_ms: ms(begun), healed_ms: ms(healed), effective });
        let kind = self.faults.entry(fault.kind.clone()).or_default();
        match effective {
            Effective::Installed => kind.installed += 1,
            Effective::Indeterminate => kind.indeterminate += 1,
            Effective::Skipped => kind.skipped += 1,
        }
        // What nobody knows to have happened would only make the others look better.
        if effective != Effective::Installed {
            return;
        }
        let until = until(fault, events, end);
        // A fault of a moment is not over before the cluster is back.
        kind.lasted_ms += ms(until.saturating_sub(begun));
        kind.acknowledged += between(acknowledgements, begun, until).len();
        let gap_ms = ms(longest_gap(news, begun, until, end));
        if is_one_of_two(fault, events, end) {
            self.two_at_once.installed += 1;
            self.two_at_once.gaps_ms.push(gap_ms);
        } else {
            kind.gaps_ms.push(gap_ms);
        }
    }
}

/// When a write that was sent after a fault was acknowledged.
fn until(fault: &Fault, events: &Events, end: Duration) -> Duration {
    let Some(healed) = fault.healed else { return end };
    let mut recoveries = events.recoveries.iter();
    // Of a pair, what is waited for begins when both are healed; they are in the order of time.
    let recovered = recoveries
        .find(|recovery| recovery.fault == fault.kind && recovery.healed >= healed && recovery.again == Again::Writes);
    recovered.map_or(healed, |recovery| recovery.seen.unwrap_or(end).max(healed))
}

/// Whether a fault took the leader while the cluster was not back from another one that did, too.
fn is_one_of_two(fault: &Fault, events: &Events, end: Duration) -> bool {
    let took = |fault: &Fault| {
        let mut changes = events.changes.iter();
        changes.any(|change| change.fault == fault.kind && change.at == fault.begun)
    };
    let last = until(fault, events, end);
    let meets = |other: &Fault| other.begun <= last && fault.begun <= until(other, events, end);
    took(fault) && events.faults.iter().any(|other| other.begun != fault.begun && took(other) && meets(other))
}

impl First {
    fn of(violation: &Violation) -> Self {
        Self {
            property: violation.property.to_owned(),
            found: violation.found.clone(),
            at_ms: violation.at.map(ms),
            events: violation.events.clone(),
        }
    }
}

/// When each operation was first acknowledged, in order.
fn acknowledgements(events: &Events) -> Vec<Duration> {
    let acknowledged = |operation: Operation| operation.acknowledged().map(|(completed, _)| completed);
    let mut times: Vec<Duration> = events.operations.iter().filter_map(acknowledged).collect();
    times.sort_unstable();
    times
}

/// When the load had ended, and no fault was left. A run says so by waiting until all nodes agree; of another it is when
/// something new was sent for the last time.
fn end(events: &Events) -> Duration {
    let agrees = events.recoveries.iter().filter(|recovery| recovery.again == Again::Agrees);
    let sent = || events.operations.iter().filter_map(|operation| operation.invoked()).max();
    let load = agrees.map(|recovery| recovery.healed).max().or_else(sent);
    let faults = events.faults.iter().map(|fault| fault.healed.unwrap_or(fault.begun));
    faults.chain(load).max().unwrap_or_default()
}

fn nodes(events: &Events, replicas: &[Dump]) -> usize {
    match &events.meant {
        Some(meant) => meant.nodes.len(),
        None => replicas.iter().map(|replica| replica.node).collect::<BTreeSet<_>>().len(),
    }
}

/// What the command says of timeouts.
fn timing(command: &str) -> Option<String> {
    let mut words = command.split_whitespace().skip_while(|word| *word != "--timing");
    words.nth(1).map(str::to_owned)
}

fn properties(evidence: Evidence<'_>, violations: &[Violation]) -> Vec<Judged> {
    let of = |name: &str| violations.iter().filter(move |violation| violation.property == name).collect::<Vec<_>>();
    of_each_property(|property| {
        let found = of(property.name);
        Judged {
            name: property.name.to_owned(),
            sentence: property.sentence.to_owned(),
            judged: (property.judged)(evidence),
            broken: found.first().map_or(0, |violation| violation.count),
            found: found.iter().map(|violation| violation.found.clone()).collect(),
        }
    })
}

/// Of each whole second: what is left of the last one would look like an outage.
fn throughput(acknowledgements: &[Duration], end: Duration) -> Vec<u32> {
    let second = |second: u64| {
        let begun = Duration::from_secs(second);
        let from = acknowledgements.partition_point(|time| *time < begun);
        let to = acknowledgements.partition_point(|time| *time < begun + Duration::from_secs(1));
        u32::try_from(to - from).unwrap_or(u32::MAX)
    };
    (0..end.as_secs()).map(second).collect()
}

/// The times within these, both included.
fn between(times: &[Duration], from: Duration, to: Duration) -> &[Duration] {
    let first = times.partition_point(|time| *time < from);
    let behind = times.partition_point(|time| *time <= to);
    times.get(first..behind).unwrap_or_default()
}

/// The longest time without one of these that lies, if only in part, within the two. What lies between the run's begin
/// and the first, or behind the last until the run's end, is such a time, too.
fn longest_gap(times: &[Duration], from: Duration, to: Duration, end: Duration) -> Duration {
    let first = times.partition_point(|time| *time <= from);
    let mut before = first.checked_sub(1).and_then(|last| times.get(last)).copied().unwrap_or_default();
    let mut longest = Duration::ZERO;
    for time in times.get(first..).unwrap_or_default() {
        longest = longest.max(time.saturating_sub(before));
        before = *time;
        if before > to {
            return longest;
        }
    }
    longest.max(end.max(to).saturating_sub(before))
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{LeaderChange, Led, Recovery};

    fn at(times: &[u64]) -> Vec<Duration> {
        times.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn a_gap_counts_in_full_if_the_fault_fell_into_any_part_of_it() {
        let times = at(&[100, 200, 900, 1_000, 3_000]);
        let gap = |from, to| {
            let [from, to, end] = [from, to, 3_500].map(Duration::from_millis);
            ms(longest_gap(&times, from, to, end))
        };
        assert_eq!(gap(300, 400), 700, "it begins and ends within");
        assert_eq!(gap(150, 250), 700, "it is healed within");
        assert_eq!(gap(250, 1_100), 2_000, "the longer of two");
        assert_eq!(gap(10, 50), 100, "before the first");
        assert_eq!(gap(3_100, 3_200), 500, "behind the last");
        assert_eq!(gap(3_100, 9_000), 6_000, "never healed in time");
        assert_eq!(ms(longest_gap(&[], Duration::ZERO, Duration::from_secs(2), Duration::from_secs(3))), 3_000);
    }

    /// A fault from `begun` to `healed`, in seconds, of a pair after which a write was acknowledged at 9 s.
    fn of_a_pair(kind: &str, begun: u64, healed: u64) -> (Fault, Recovery) {
        let [begun, healed, both, seen] = [begun, healed, 7, 9].map(Duration::from_secs);
        let effective = Effective::Installed;
        let fault = Fault { kind: kind.to_owned(), what: String::new(), begun, healed: Some(healed), effective };
        (fault, Recovery { fault: kind.to_owned(), again: Again::Writes, healed: both, seen: Some(seen) })
    }

    #[test]
    fn both_faults_of_a_pair_last_until_the_cluster_is_back_after_both() {
        let pair = [of_a_pair("one", 1, 3), of_a_pair("other", 2, 7)];
        let (faults, recoveries) = pair.into_iter().unzip();
        let events = Events { faults, recoveries, ..Events::default() };
        let run = Run::of(&events, &[], &[], "");
        let [one, other] = ["one", "other"].map(|kind| run.faults.get(kind).unwrap());
        assert_eq!((one.lasted_ms, other.lasted_ms), (8_000, 7_000));
        assert_eq!((one.gaps_ms.len(), other.gaps_ms.len()), (1, 1));
    }

    #[test]
    fn two_faults_that_took_the_leader_at_once_have_gaps_of_their_own() {
        let led = |node| Led { node, term: node };
        let (faults, recoveries): (Vec<_>, Vec<_>) =
            [of_a_pair("one", 1, 3), of_a_pair("other", 2, 7)].into_iter().unzip();
        let took = |fault: &Fault| LeaderChange {
            fault: fault.kind.clone(),
            cause: "kill".to_owned(),
            at: fault.begun,
            from: led(1),
            to: None,
        };
        let gaps = |changes: Vec<LeaderChange>| {
            let events =
                Events { faults: faults.clone(), recoveries: recoveries.clone(), changes, ..Events::default() };
            let run = Run::of(&events, &[], &[], "");
            (run.two_at_once.gaps_ms.len(), run.faults.values().map(|kind| kind.gaps_ms.len()).sum::<usize>())
        };
        assert_eq!(gaps(vec![]), (0, 2));
        assert_eq!(gaps(vec![took(&faults[0])]), (0, 2), "the other one struck somebody else");
        assert_eq!(gaps(faults.iter().map(took).collect()), (2, 0));
    }

    #[test]
    fn each_whole_second_has_what_was_acknowledged_in_it() {
        let times = at(&[0, 999, 1_000, 3_100, 3_900]);
        assert_eq!(throughput(&times, Duration::from_millis(3_950)), [2, 1, 0]);
        assert_eq!(between(&times, Duration::from_millis(999), Duration::from_millis(3_100)).len(), 3);
    }

    #[test]
    fn the_command_says_which_timeouts_there_were() {
        assert_eq!(timing("oncelog-chaos chaos --seed 1 --timing fast --nodes 3"), Some("fast".to_owned()));
        assert_eq!(timing("oncelog-chaos chaos --seed 1"), None);
    }
}
