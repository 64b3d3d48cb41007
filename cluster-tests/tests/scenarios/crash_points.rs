//! A node dies at every crash point, once, and comes back; nothing that must never be happens.

use cluster_tests::crash_points::{Plan, points, run};
use cluster_tests::judgement::Recorded;
use cluster_tests::report::{self, Summary};
use cluster_tests::scratch::Scratch;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_at_any_step_comes_back_with_what_was_promised() {
    let scratch = Scratch::new("crash-points-history");
    let file = scratch.path().join("history.jsonl");
    let plan = Plan { points: points(&[]).expect("all there are"), rounds: 1, seed: 7 };
    let summary = run(&plan, &file).await;
    let mut said = Vec::new();
    report::print(&mut said, &summary).expect("print into memory");
    let said = String::from_utf8_lossy(&said);
    assert!(!summary.broken(), "{said}\nthe same sweep again: {}\nits history: {}", plan.command(), file.display());
    let died = summary.crash_points();
    for point in &plan.points {
        let died = died.get(point.name).unwrap_or_else(|| panic!("nobody died at {}", point.name));
        assert_eq!((died.rounds, died.recoveries.never), (1, 0), "{}", point.name);
    }

    // From its file it comes to the same.
    let Recorded { events, replicas, violations } = Recorded::read(&file).expect("read what was just written");
    assert_eq!(Summary::of(&events, &replicas, &violations, "history.jsonl"), summary);
}
