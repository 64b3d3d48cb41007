//! The leader stands still for longer than an election takes, then goes on as if nothing had happened.

use std::sync::Arc;

use cluster_tests::client::Effect;
use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::judge;
use cluster_tests::load::Load;
use cluster_tests::proto::Consistency;
use cluster_tests::proto::lookup_response::Fate;
use cluster_tests::wait::{PATIENCE, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_leader_is_replaced_and_wakes_up_as_a_follower() {
    let cluster = Cluster::start("leader-paused").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);

    for _ in 0..3 {
        load.acknowledged_more(50).await;
        let paused = cluster.leader().await;
        history.mark(format!("pause of node {paused}, which leads"));
        cluster.node(paused).pause();
        let successor = cluster.leader_among(&cluster.others(paused)).await;
        load.acknowledged_more(50).await;

        // The reader of the load asks every node in turn: what the old leader answers when it wakes must not be stale.
        history.mark(format!("node {paused} goes on"));
        cluster.node(paused).resume();
        cluster.serving(&cluster.ids()).await;
        let term = cluster.node(successor).status().await.unwrap().term;
        until("the old leader has heard of the new term", PATIENCE, || async {
            let status = cluster.node(paused).status().await.map_err(|failure| failure.to_string())?;
            if status.term >= term { Ok(()) } else { Err(format!("it is in term {}", status.term)) }
        })
        .await;
    }
    load.acknowledged_more(50).await;
    load.stop().await;
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_nothing_is_acknowledged_and_a_retry_settles_it() {
    let cluster = Cluster::start("no-majority").await;
    let history = cluster.history();
    let leader = cluster.leader().await;
    for id in cluster.others(leader) {
        cluster.node(id).pause();
    }

    let payloads = cluster_tests::sample::payloads("lonely", 1, 20);
    let operation = history.operation(0, "orders", "lonely", &payloads);
    let attempt = history.invoke(operation, leader);
    let answer = cluster.node(leader).client().append("orders", "lonely", &payloads).await;
    history.complete(attempt, answer.clone());
    let failure = answer.expect_err("no majority has it");

    for id in cluster.others(leader) {
        cluster.node(id).resume();
    }
    cluster.serving(&cluster.ids()).await;
    if failure.effect == Effect::None {
        let looked_up = cluster.node(leader).client().lookup("lonely", Consistency::Linearizable).await.unwrap();
        assert!(matches!(looked_up.fate, Some(Fate::Unknown(_))), "after {failure}: {looked_up:?}");
    }
    // The judgement sends it again, and wants one answer.
    judge(&cluster, &history).await;
}
