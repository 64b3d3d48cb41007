//! Short runs of faults, judged by the oracle: all faults once, pairs where connections are refused and reset as in life, and
//! partitions between network namespaces. A run is judged from its file.

use std::sync::Arc;
use std::time::Duration;

use cluster_tests::chaos::{Plan, Timing, kinds, run};
use cluster_tests::cluster::Network;
use cluster_tests::history::{Effective, Events};
use cluster_tests::judgement::Recorded;
use cluster_tests::oracle;
use cluster_tests::scratch::Scratch;
use cluster_tests::seeded::Subject;
use cluster_tests::skip;

/// Makes these faults once, or all, and returns what was seen. Whatever must never be fails it.
async fn held(seed: u64, faults: &[&str], network: Network) -> Recorded {
    let scratch = Scratch::new("chaos-history");
    let file = scratch.path().join("history.jsonl");
    let faults: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
    let kinds = kinds(&faults, network).expect("there are such faults");
    // No longer than each of them takes: the seeds are those whose schedules are short.
    let time = Duration::from_secs(1);
    let plan = Plan { time, seed, kinds, nodes: 3, timing: Timing::Fast, network, subject: Subject::Shipped };
    let recorded = run(&plan, &file).await.recorded;
    assert_eq!(recorded.violations, [], "the same schedule again: {}; its history: {}", plan.command(), file.display());
    for fault in recorded.events.faults.iter().filter(|fault| fault.effective == Effective::Skipped) {
        skip::notice(&format!("the fault {}", fault.kind), &fault.what);
    }
    recorded
}

/// Whether two faults lasted at once.
fn has_a_pair(events: &Events) -> bool {
    let faults = || events.faults.iter().enumerate();
    faults().any(|(number, one)| {
        let lasts_into = |other: Duration| one.begun <= other && one.healed.is_some_and(|healed| other < healed);
        faults().any(|(other, fault)| other > number && lasts_into(fault.begun))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_must_never_be_happens_under_all_faults() {
    if skip::unless_root("nothing_that_must_never_be_happens_under_all_faults") {
        return;
    }
    let Recorded { events, mut replicas, .. } = held(261, &[], Network::Relays).await;
    assert!(has_a_pair(&events), "some faults come in pairs");

    // A record that rots in the file is found there.
    let log = replicas.first_mut().and_then(|replica| replica.logs.values_mut().next()).expect("a log");
    Arc::make_mut(log).records.first_mut().expect("a record").content.bytes += 1;
    assert!(!oracle::judge(&events, &replicas).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_of_faults_break_nothing_where_connections_are_refused_and_reset() {
    let faults = ["kill-leader", "kill-follower", "pause-leader", "stop-leader"];
    let Recorded { events, .. } = held(24, &faults, Network::Direct).await;
    assert!(has_a_pair(&events), "some faults come in pairs");
    assert!(events.changes.iter().any(|change| change.to.is_some()), "it is known which fault took the leader");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_by_a_router_breaks_nothing() {
    if skip::unless_root("a_leader_that_is_cut_off_by_a_router_breaks_nothing") {
        return;
    }
    let Recorded { events, .. } = held(7, &["part-leader", "links-slow"], Network::Namespaces).await;
    let cuts = events.changes.iter().filter(|change| change.cause == "cut");
    assert!(cuts.into_iter().any(|change| change.to.is_some()), "another node leads meanwhile");
}
