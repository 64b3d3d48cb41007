//! The leader is killed and paused while clients append over streams, to the leader and through its followers.

use std::sync::Arc;

use cluster_tests::client::Effect;
use cluster_tests::cluster::Cluster;
use cluster_tests::history::{Attempt, History};
use cluster_tests::judgement::judge;
use cluster_tests::load::Load;
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::wait::{PATIENCE, until};

const KILLS: usize = 20;

/// What became of the attempts made in streams: whether nodes answered, and whether streams broke under them.
#[derive(Debug, Default)]
struct Attempts {
    decided: usize,
    replayed: usize,
    broken: usize,
    unanswered: usize,
}

fn attempts(history: &History, of: impl Fn(&Attempt) -> bool) -> Attempts {
    let operations = history.events().operations;
    let mut found = Attempts::default();
    let attempts = operations.iter().flat_map(|operation| operation.attempts);
    for attempt in attempts.filter(|attempt| attempt.place.is_some() && of(attempt)) {
        match &attempt.answer {
            Some(Ok(acknowledgement)) if acknowledgement.replayed => found.replayed += 1,
            Some(Ok(_)) => found.decided += 1,
            Some(Err(failure)) => {
                assert_eq!(failure.effect, Effect::Unknown, "a broken stream says nothing of an append: {failure}");
                found.broken += 1;
            }
            None => found.unanswered += 1,
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_appends_survive_twenty_kills_of_the_leader() {
    let cluster = Cluster::start("streams-leader-killed").await;
    let history = Arc::new(cluster.history());
    let load = Load::start_streamed(&cluster, &history);
    let kills = LeaderKills::new(&cluster, &history);
    for _ in 0..KILLS {
        load.acknowledged_more(100).await;
        kills.kill_one().await;
    }
    load.acknowledged_more(100).await;
    load.stop().await;

    for id in cluster.ids() {
        let found = attempts(&history, |attempt| attempt.node == id);
        println!("streams to node {id}: {found:?}");
        assert!(found.decided > 0 && found.broken > 0, "such a run proves nothing of node {id}: {found:?}");
    }
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_leave_a_paused_leader_and_what_it_had_is_there_once() {
    let cluster = Cluster::start("streams-leader-paused").await;
    let history = Arc::new(cluster.history());
    let load = Load::start_streamed(&cluster, &history);
    for _ in 0..3 {
        load.acknowledged_more(200).await;
        let paused = cluster.leader().await;
        history.mark(format!("pause of node {paused}, which leads"));
        cluster.node(paused).pause();
        let successor = cluster.leader_among(&cluster.others(paused)).await;
        load.acknowledged_more(200).await;

        // Now it reads what its streams held when it stood still, and what was sent again elsewhere since.
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
    load.acknowledged_more(200).await;
    load.stop().await;
    let found = attempts(&history, |_| true);
    println!("{found:?}");
    assert!(found.broken > 0, "such a run proves nothing: {found:?}");
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_through_a_follower_ends_with_the_leader_and_goes_on_where_it_stopped() {
    let cluster = Cluster::start("streams-through-followers").await;
    let history = Arc::new(cluster.history());
    for _ in 0..5 {
        let leader = cluster.leader().await;
        let followers = cluster.others(leader);
        let load = Load::start_streamed_on(&cluster, &followers, &history);
        load.acknowledged_more(200).await;

        // First it stands still, so that something is on the way to it when it is killed.
        history.mark(format!("pause, then kill -9 of node {leader}, which leads"));
        let broken = attempts(&history, |_| true).broken;
        cluster.node(leader).pause();
        until("followers wait for the leader", PATIENCE, || async {
            let found = attempts(&history, |_| true);
            if found.unanswered + found.broken > broken + 20 { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
        cluster.node(leader).kill();
        // Answers that were on their way back may still come first; no stream outlives its leader.
        until("streams through followers end with their leader", PATIENCE, || async {
            let found = attempts(&history, |_| true);
            if found.broken > broken { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
        load.acknowledged_more(200).await;

        history.mark(format!("start of node {leader}"));
        cluster.node(leader).start();
        cluster.serving(&cluster.ids()).await;
        load.stop().await;
    }
    judge(&cluster, &history).await;
}
