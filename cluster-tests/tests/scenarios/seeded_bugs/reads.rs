//! Reads that show what is old. The node that has the bug is made to be behind.

use cluster_tests::binary;
use cluster_tests::oracle::Violation;
use cluster_tests::wait::{PATIENCE, until};

use super::trial::{LOG, ODD, Trial};
use super::{caught, clean};

async fn a_follower_that_is_behind_is_asked(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::at_one("behind", bug).await;
    let leader = trial.cluster.leader().await;
    trial.append(leader, "order-1").await;
    trial.agreed().await;
    trial.append_marked(leader, "order-2").await;
    let invoked = trial.history.now();
    let end = trial.cluster.node(ODD).client().end(LOG).await.expect("an end is read");
    trial.history.end_seen(LOG, invoked, end);
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linearizable_read_that_asks_nobody_is_caught() {
    clean(&a_follower_that_is_behind_is_asked(None).await);
    caught("P8", &a_follower_that_is_behind_is_asked(Some("reads-without-read-index")).await);
}

/// The node gets its bug only with its restart: what it applies then takes longer than the look. It is restarted several times,
/// because it shows only if the kill comes before the node has written down that the newest entry is committed.
async fn a_node_is_looked_at_before_and_after_its_restart(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::later_at_one("looked-at", bug, binary::ordinary()).await;
    let leader = trial.cluster.leader().await;
    trial.append(leader, "order-1").await;
    trial.agreed().await;
    let node = trial.cluster.node(ODD);
    until("the node makes a snapshot", PATIENCE, || async {
        node.client().snapshot().await.map_err(|failure| failure.to_string())
    })
    .await;
    for order in 2..6 {
        trial.append_marked(leader, &format!("order-{order}")).await;
        trial.agreed().await;
        trial.look(ODD).await;
        // It has not written down yet that the entry is committed: that comes up to a second later.
        node.kill();
        node.use_binary(binary::chaos());
        node.start();
        trial.look(ODD).await;
        trial.agreed().await;
    }
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_read_of_a_node_that_has_not_caught_up_with_itself_is_caught() {
    clean(&a_node_is_looked_at_before_and_after_its_restart(None).await);
    caught("P9", &a_node_is_looked_at_before_and_after_its_restart(Some("local-reads-while-recovering")).await);
}
