//! What a crash leaves behind when something is not written, or not in one piece.

use std::fs::OpenOptions;

use cluster_tests::oracle::Violation;
use cluster_tests::wait::{PATIENCE, until};

use super::trial::{ODD, Trial};
use super::{caught, clean};

/// The bug crashes the node between the two halves of a write; without it, the node is killed behind the whole.
async fn a_node_crashes_while_it_applies(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::at_one("crash-in-apply", bug).await;
    let leader = trial.cluster.leader().await;
    trial.append(leader, "order-1").await;
    trial.agreed().await;
    trial.append_marked(leader, "order-2").await;
    if bug.is_some() {
        trial.crashed_and_started(ODD).await;
    } else {
        trial.agreed().await;
        trial.cluster.node(ODD).kill();
        trial.cluster.node(ODD).start();
    }
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_crashes_while_it_applies_and_has_no_bug_lacks_nothing() {
    clean(&a_node_crashes_while_it_applies(None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_written_before_its_effects_is_caught() {
    caught("P1", &a_node_crashes_while_it_applies(Some("index-apart-from-effects")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_written_before_their_index_are_caught() {
    caught("P1", &a_node_crashes_while_it_applies(Some("ids-without-their-index")).await);
}

/// In other builds a disk that is full ends the node. Here it is full for one write, and nobody looks.
async fn all_are_killed_after_a_refused_write(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("full-disk", bug).await;
    trial.append(1, "order-1").await;
    trial.append_marked(1, "order-2").await;
    trial.cluster.kill_all();
    trial.cluster.start_all();
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_on_after_a_full_disk_is_caught() {
    clean(&all_are_killed_after_a_refused_write(None).await);
    caught("P1", &all_are_killed_after_a_refused_write(Some("on-after-a-full-disk")).await);
}

/// All logs lose the second half of what was written since they were opened.
async fn the_logs_lose_their_ends(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("short-log", bug).await;
    for number in 0..40 {
        trial.append(1, &format!("order-{number}")).await;
    }
    trial.agreed().await;
    trial.cluster.kill_all();
    for node in trial.cluster.nodes() {
        let directory = node.plan().data.join("raft/log");
        let files = std::fs::read_dir(&directory).expect("list the log").map(|file| file.expect("list the log").path());
        let mut cut = 0;
        for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "log")) {
            let file = OpenOptions::new().write(true).open(&path).expect("open a file of the log");
            let bytes = file.metadata().expect("look at a file of the log").len();
            file.set_len(bytes / 2).expect("cut a file of the log");
            cut += bytes / 2;
        }
        assert!(cut > 0, "{} holds nothing to cut", directory.display());
    }
    trial.cluster.start_all();
    if bug.is_none() {
        until("every node sees that its log has lost something", PATIENCE, || async {
            let blind = trial.cluster.nodes().iter().find(|node| !node.said().contains("was on disk"));
            blind.map_or(Ok(()), |node| Err(format!("node {} does not say so", node.id())))
        })
        .await;
        return Vec::new();
    }
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_end_and_is_accepted_is_caught() {
    clean(&the_logs_lose_their_ends(None).await);
    caught("P1", &the_logs_lose_their_ends(Some("short-wal-accepted")).await);
}

/// All nodes crash, and the leader does not come back.
async fn two_of_three_vote_again(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("votes-again", bug).await;
    let leader = trial.cluster.leader().await;
    trial.watch(&trial.cluster.ids()).await;
    trial.append(leader, "order-1").await;
    trial.cluster.kill_all();
    let left = trial.cluster.others(leader);
    trial.start(&left);
    trial.cluster.leader_among(&left).await;
    trial.watch(&left).await;
    trial.judged_at(&left).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_is_given_twice_is_caught() {
    clean(&two_of_three_vote_again(None).await);
    caught("P12", &two_of_three_vote_again(Some("vote-not-synced")).await);
}
