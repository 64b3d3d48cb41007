//! Leaders that promise what only they know, and die.

use std::time::Duration;

use cluster_tests::history::Round;
use cluster_tests::oracle::Violation;
use futures::future::join_all;

use super::trial::{MARK, Trial};
use super::{caught, clean};

const SHORT: Duration = Duration::from_secs(1);

/// Nobody but the leader hears of a command and its retries, and the leader is gone.
async fn a_leader_dies_with_what_it_alone_has(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("lost-leader", bug).await;
    let leader = trial.cluster.leader().await;
    let left = trial.cluster.others(leader);
    trial.append(leader, "order-1").await;
    let order = trial.choose("order-2", &["a promise"]);
    trial.kill(&left);
    join_all((0..3).map(|_| trial.send(leader, &order, SHORT))).await;
    trial.cluster.node(leader).kill();
    trial.start(&left);
    trial.judged_at(&left).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_dies_alone_and_has_no_bug_has_promised_nothing() {
    clean(&a_leader_dies_with_what_it_alone_has(None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_commit_is_caught() {
    caught("P1", &a_leader_dies_with_what_it_alone_has(Some("answer-before-commit")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_to_a_retry_is_caught() {
    caught("P1", &a_leader_dies_with_what_it_alone_has(Some("early-answer-to-a-retry")).await);
}

async fn a_retry_comes_to_the_next_leader(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("next-leader", bug).await;
    let leader = trial.cluster.leader().await;
    let order = trial.append(leader, "order-1").await;
    trial.agreed().await;
    let left = trial.cluster.others(leader);
    trial.cluster.node(leader).kill();
    let next = trial.cluster.leader_among(&left).await;
    trial.done(next, &order).await;
    trial.judged_at(&left).await
}

#[tokio::test(flavor = "multi_thread")]
async fn dedup_in_the_memory_of_one_leader_is_caught() {
    clean(&a_retry_comes_to_the_next_leader(None).await);
    caught("P2", &a_retry_comes_to_the_next_leader(Some("dedup-of-one-leader")).await);
}

/// A command is lost on its way, and its id is sent again to every node.
async fn a_lost_command_is_sent_again(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("staged-id", bug).await;
    let order = trial.choose("order-1", &[MARK]);
    for node in trial.cluster.ids() {
        // It may be silence: that is for the oracle to judge.
        drop(trial.send(node, &order, SHORT).await);
    }
    let now = trial.history.now();
    let round = Round { name: "the lost command".to_owned(), begun: now, ended: now };
    trial.history.round(round);
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_blocks_its_own_retry_is_caught() {
    clean(&a_lost_command_is_sent_again(None).await);
    caught("P13", &a_lost_command_is_sent_again(Some("staged-id-stays")).await);
}

/// Of a majority that has a record, one node is gone and the other has lost its memory. What happens without the bug,
/// `strangers` tells: the wiped node is refused.
async fn a_wiped_node_votes(bug: &str) -> Vec<Violation> {
    let trial = Trial::everywhere("wiped-voter", Some(bug)).await;
    let leader = trial.cluster.leader().await;
    let followers = trial.cluster.others(leader);
    let &[wiped, late] = followers.as_slice() else { panic!("{followers:?} should be two") };
    trial.cluster.node(late).kill();
    trial.append(leader, "order-1").await;
    trial.cluster.node(wiped).kill();
    trial.cluster.node(leader).kill();
    trial.cluster.node(wiped).wipe();
    trial.cluster.node(wiped).start();
    trial.cluster.node(late).start();
    trial.judged_at(&followers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_node_id_is_caught() {
    caught("P1", &a_wiped_node_votes("reused-node-id").await);
}
