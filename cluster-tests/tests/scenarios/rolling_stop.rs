//! The leader is told to stop, as an operator does it, again and again while stock clients ask all nodes. Whoever has to ask
//! again is told so by a reason for that: a node that stops is neither overloaded nor broken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster_tests::client::{Client, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::judge;
use cluster_tests::load::Load;
use cluster_tests::proto::Consistency;
use cluster_tests::wait::{PATIENCE, until};

const STOPS: usize = 8;
const READERS_AT_A_NODE: usize = 4;
const READ_DEADLINE: Duration = Duration::from_secs(5);

/// Looks an id up again and again. Returns what it was told instead of an answer.
async fn look(client: Client, stop: Arc<AtomicBool>) -> Vec<Failure> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match client.lookup("nobody-sent-it", Consistency::Linearizable).await {
            Ok(_) => {}
            Err(failure) => {
                failures.push(failure);
                // A node that is down refuses at once.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    failures
}

fn blames_the_node(failure: &Failure) -> bool {
    // How tonic's client calls it when it was about to use a connection that the node has just closed in good order.
    let is_of_the_client = failure.reason.is_empty() && failure.message.starts_with("h2 protocol error");
    let is_of_a_kind = ["Internal", "ResourceExhausted"].contains(&failure.code.as_str());
    ["OVERLOADED", "INTERNAL"].contains(&failure.reason.as_str()) || is_of_a_kind && !is_of_the_client
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_stopped_in_turn_are_neither_overloaded_nor_broken() {
    let cluster = Cluster::start("rolling-stop").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = cluster
        .nodes()
        .iter()
        .flat_map(|node| std::iter::repeat_n(node, READERS_AT_A_NODE))
        .map(|node| tokio::spawn(look(node.client_with_deadline(READ_DEADLINE), Arc::clone(&stop))))
        .collect();

    for _ in 0..STOPS {
        load.acknowledged_more(100).await;
        let leader = cluster.leader().await;
        history.mark(format!("SIGTERM of node {leader}, which leads"));
        cluster.node(leader).terminate();
        let status = until("the node ends", PATIENCE, || async {
            cluster.node(leader).ended().ok_or_else(|| "it runs".to_owned())
        })
        .await;
        assert!(status.success(), "node {leader} ended with {status}");
        cluster.node(leader).reap();
        cluster.node(leader).start();
        cluster.serving(&cluster.ids()).await;
    }
    load.stop().await;
    stop.store(true, Ordering::Relaxed);

    let events = history.events();
    let attempts = events.operations.iter().flat_map(|operation| operation.attempts);
    let mut failures: Vec<Failure> = attempts.filter_map(|attempt| attempt.answer?.err()).collect();
    for reader in readers {
        failures.extend(reader.await.expect("a reader does not panic"));
    }
    let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
    for failure in &failures {
        *told.entry((failure.code.clone(), failure.reason.clone())).or_default() += 1;
    }
    println!("told instead of an answer: {told:?}");
    let blaming: Vec<_> = failures.iter().filter(|failure| blames_the_node(failure)).collect();
    assert!(blaming.is_empty(), "{} of {}, first of all {}", blaming.len(), failures.len(), blaming[0]);
    judge(&cluster, &history).await;
}
