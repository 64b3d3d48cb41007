//! A node dies at every crash point, once, and comes back; nothing that must never be happens.

use cluster_tests::crash_points::{Plan, points, run};
use cluster_tests::scratch::Scratch;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_at_any_step_comes_back_with_what_was_promised() {
    let scratch = Scratch::new("crash-points-history");
    let file = scratch.path().join("history.jsonl");
    let plan = Plan { points: points(&[]).expect("all there are"), rounds: 1, seed: 7 };
    let found = run(&plan, &file).await;
    assert!(found.wrong.is_empty(), "{}\nthe same sweep again: {}", found.wrong.join("\n"), plan.command());
    for point in &plan.points {
        assert_eq!(found.deaths.get(point.name).map(|deaths| deaths.count), Some(1), "{}", point.name);
    }
}
