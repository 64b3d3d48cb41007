//! Replicas that are not the same, each for its own reason.

use cluster_tests::binary;
use cluster_tests::cluster::Settings;
use cluster_tests::oracle::Violation;
use cluster_tests::wait::{PATIENCE, until};

use super::trial::{Trial, settings};
use super::{caught, clean};

async fn a_replica_gets_an_entry(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::at_one("skipped", bug).await;
    let leader = trial.cluster.leader().await;
    trial.append(leader, "order-1").await;
    trial.append_marked(leader, "order-2").await;
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_skips_an_entry_is_caught() {
    clean(&a_replica_gets_an_entry(None).await);
    caught("P5", &a_replica_gets_an_entry(Some("skipped-entry")).await);
}

/// A node gets a snapshot, leads, and is asked for an id that was in the snapshot.
async fn a_node_leads_that_got_a_snapshot(bug: Option<&str>) -> Vec<Violation> {
    let arguments = ["--keep-entries", "1"].map(str::to_owned).to_vec();
    let variables = bug.map(binary::bug).into_iter().collect();
    let trial = Trial::with("snapshot", Settings { arguments, variables, ..settings() }).await;
    let cluster = &trial.cluster;
    let leader = cluster.leader().await;
    let followers = cluster.others(leader);
    let &[sleeper, other] = followers.as_slice() else { panic!("{followers:?} should be two") };
    cluster.node(sleeper).kill();
    let first = trial.append(leader, "order-0").await;
    for number in 1..10 {
        trial.append(leader, &format!("order-{number}")).await;
    }
    let all = cluster.agreed(&[leader, other]).await.iter().map(|status| status.last_index).max().unwrap_or_default();
    for node in [leader, other] {
        until("the log is purged", PATIENCE, || async {
            let made = cluster.node(node).client().snapshot().await.map_err(|failure| failure.to_string())?;
            if made.purged_index + 5 > all { Ok(()) } else { Err(format!("up to {}", made.purged_index)) }
        })
        .await;
    }
    cluster.node(sleeper).start();
    trial.agreed().await;
    until("the snapshot is there", PATIENCE, || async {
        let status = cluster.node(sleeper).status().await.map_err(|failure| failure.to_string())?;
        if status.snapshot_index > 0 { Ok(()) } else { Err("it has none".to_owned()) }
    })
    .await;

    // The other one lacks the newest entry, so it can't win.
    cluster.node(other).kill();
    trial.append(leader, "order-10").await;
    cluster.node(leader).kill();
    cluster.node(other).start();
    assert_eq!(cluster.leader_among(&followers).await, sleeper);
    trial.done(sleeper, &first).await;
    trial.judged_at(&followers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_without_ids_is_caught() {
    clean(&a_node_leads_that_got_a_snapshot(None).await);
    caught("P2", &a_node_leads_that_got_a_snapshot(Some("snapshot-without-ids")).await);
}
