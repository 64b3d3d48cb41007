//! A short run of all faults, judged by the oracle, and judged once more from its file.

use std::sync::Arc;
use std::time::Duration;

use cluster_tests::chaos::{Plan, Timing, kinds, run};
use cluster_tests::history::Effective;
use cluster_tests::judgement::Recorded;
use cluster_tests::oracle;
use cluster_tests::scratch::Scratch;
use cluster_tests::skip;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_must_never_be_happens_under_all_faults_in_turn() {
    if skip::unless_root("nothing_that_must_never_be_happens_under_all_faults_in_turn") {
        return;
    }
    let scratch = Scratch::new("chaos-history");
    let file = scratch.path().join("history.jsonl");
    let plan = Plan {
        time: Duration::from_mins(4),
        seed: 7,
        kinds: kinds(&[]).expect("all there are"),
        nodes: 3,
        timing: Timing::Fast,
    };
    let Recorded { events, mut replicas, violations } = run(&plan, &file).await;
    assert_eq!(violations, [], "the same schedule again: {}; its history: {}", plan.command(), file.display());

    // A record that rots in the file is found there.
    for fault in events.faults.iter().filter(|fault| fault.effective == Effective::Skipped) {
        skip::notice(&format!("the fault {}", fault.kind), &fault.what);
    }
    let log = replicas.first_mut().and_then(|replica| replica.logs.values_mut().next()).expect("a log");
    Arc::make_mut(log).records.first_mut().expect("a record").content.bytes += 1;
    assert!(!oracle::judge(&events, &replicas).is_empty());
}
