//! A follower sleeps so long that the log it needs is gone. It gets a snapshot, and the snapshot must hold every id.

use std::sync::Arc;

use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::history::History;
use cluster_tests::judgement::{judge, judge_nodes};
use cluster_tests::load::Load;
use cluster_tests::sample;
use cluster_tests::wait::{PATIENCE, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_behind_the_purge_point_catches_up_and_then_replays_old_ids() {
    let arguments = ["--snapshot-entries", "200", "--keep-entries", "10"].map(str::to_owned).to_vec();
    let cluster = Cluster::start_with("behind-the-purge", &Settings { arguments, ..Settings::default() }).await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(300).await;

    let leader = cluster.leader().await;
    let sleeper = *cluster.others(leader).first().expect("a follower");
    let slept_at = cluster.node(sleeper).status().await.expect("a follower says how it is").last_index;
    history.mark(format!("kill -9 of node {sleeper}, a follower, at index {slept_at}"));
    cluster.node(sleeper).kill();

    let awake = cluster.others(sleeper);
    load.acknowledged_more(1_000).await;
    for id in &awake {
        let node = cluster.node(*id);
        until(&format!("node {id} has purged what node {sleeper} needs"), PATIENCE, || async {
            let made = node.client().snapshot().await.map_err(|failure| failure.to_string())?;
            if made.purged_index > slept_at + 100 {
                Ok(())
            } else {
                Err(format!("it has purged up to {} only; node {sleeper} has {slept_at}", made.purged_index))
            }
        })
        .await;
    }

    // It catches up under load.
    history.mark(format!("start of node {sleeper}"));
    cluster.node(sleeper).start();
    cluster.serving(&[sleeper]).await;
    let caught_up = until("the snapshot is installed", PATIENCE, || async {
        let status = cluster.node(sleeper).status().await.map_err(|failure| failure.to_string())?;
        if status.snapshot_index > slept_at {
            Ok(status)
        } else {
            Err(format!("its snapshot is of {}", status.snapshot_index))
        }
    })
    .await;
    assert!(caught_up.applied_index > slept_at);
    load.stop().await;
    cluster.agreed(&cluster.ids()).await;

    // One of those that saw everything goes. The sleeper is now half of the majority, and answers for old ids.
    let gone = cluster.leader().await;
    let gone = if gone == sleeper { leader } else { gone };
    history.mark(format!("kill -9 of node {gone}"));
    cluster.node(gone).kill();
    let left = cluster.others(gone);
    assert!(left.contains(&sleeper));
    cluster.leader_among(&left).await;
    cluster.serving(&left).await;
    judge_nodes(&cluster, &history, &left).await;
    every_old_id_is_replayed_by(&cluster, &history, sleeper).await;

    history.mark(format!("start of node {gone}"));
    cluster.node(gone).start();
    cluster.serving(&cluster.ids()).await;
    judge(&cluster, &history).await;
}

/// A leader asks for a purge while it is sending what would be purged to a follower that is not there, and makes the next
/// snapshot meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_its_purge_come_to_an_end_while_a_follower_is_away() {
    let cluster = Cluster::start("purge-while-away").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(300).await;
    let leader = cluster.leader().await;
    let sleeper = *cluster.others(leader).first().expect("a follower");
    history.mark(format!("kill -9 of node {sleeper}, a follower"));
    cluster.node(sleeper).kill();

    let client = cluster.node(leader).asked_within(PATIENCE / 4);
    for round in 0..8 {
        load.acknowledged_more(100).await;
        let made = client.snapshot().await.unwrap_or_else(|failure| panic!("round {round}: {failure}"));
        assert!(made.purged_index > 0, "{made:?}");
    }

    cluster.node(sleeper).start();
    cluster.serving(&cluster.ids()).await;
    load.stop().await;
    judge(&cluster, &history).await;
}

/// Not a sample: all that was acknowledged before it slept and while it slept.
async fn every_old_id_is_replayed_by(cluster: &Cluster, history: &History, sleeper: u64) {
    let client = cluster.node(sleeper).client();
    for (number, operation) in history.numbered() {
        let (_, acknowledged) = operation.acknowledged().expect("the judgement has settled everything");
        let payloads = sample::sent(&operation.id, &operation.contents);
        let attempt = history.invoke(number, sleeper);
        let answer = client.append(&operation.log, &operation.id, &payloads).await;
        history.complete(attempt, answer.clone());
        let answer = answer.unwrap_or_else(|failure| panic!("node {sleeper} refuses {}: {failure}", operation.id));
        assert!(answer.replayed, "{} ran twice", operation.id);
        assert_eq!(answer.place, acknowledged.place, "{}", operation.id);
    }
}
