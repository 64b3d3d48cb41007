//! A node applies what its own disk does not have, because the disk has something else at that index, and crashes.

use std::time::Duration;

use cluster_tests::history::{Again, Recovery};
use cluster_tests::oracle::Violation;
use cluster_tests::wait::{PATIENCE, until};
use tokio::time::{Instant, sleep};

use super::trial::Trial;
use super::{caught, clean};

const SHORT: Duration = Duration::from_millis(150);
/// How long it may take until all have applied the same.
const AGREEING: Duration = Duration::from_secs(10);

async fn a_leader_comes_back_with_what_is_to_be_cut_off(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("gate", bug).await;
    let old = trial.cluster.leader().await;
    let left = trial.cluster.others(old);
    trial.append(old, "order-1").await;
    // Several entries that the old leader alone has.
    trial.kill(&left);
    for number in 0..4 {
        let lost = trial.choose(&format!("lost-{number}"), &["nobody else hears of it"]);
        drop(trial.send(old, &lost, SHORT).await);
    }
    trial.cluster.node(old).kill();
    trial.start(&left);
    let next = trial.cluster.leader_among(&left).await;
    trial.append_marked(next, "order-2").await;

    let healed = trial.history.now();
    trial.cluster.node(old).start();
    if bug.is_some() {
        trial.crashed_and_started(old).await;
        trial.ended(old).await;
        // It will not start by itself: the state has what the log has not.
        until("the node says why", PATIENCE, || async {
            let said = trial.cluster.node(old).said();
            if said.contains("but the log ends at") { Ok(()) } else { Err(said) }
        })
        .await;
    }
    let seen = agree(&trial).await;
    let judged = if seen.is_some() { trial.cluster.ids() } else { left };
    let recovery = Recovery { fault: "kill of the leader".to_owned(), again: Again::Agrees, healed, seen };
    trial.history.remember(recovery);
    trial.judged_at(&judged).await
}

/// When all have applied the same, if they come to that.
async fn agree(trial: &Trial) -> Option<Duration> {
    let (ids, end) = (trial.cluster.ids(), Instant::now() + AGREEING);
    while Instant::now() < end {
        if trial.cluster.agreement(&ids).await.is_ok() {
            return Some(trial.history.now());
        }
        sleep(SHORT).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_goes_by_the_index_is_caught() {
    clean(&a_leader_comes_back_with_what_is_to_be_cut_off(None).await);
    caught("P12", &a_leader_comes_back_with_what_is_to_be_cut_off(Some("gate-by-index")).await);
}
