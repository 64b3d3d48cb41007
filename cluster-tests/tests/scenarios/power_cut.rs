//! All nodes lose their power at once: processes die and unsynced bytes are gone. What was acknowledged is there, or the
//! word "acknowledged" means nothing.

use std::path::Path;
use std::sync::Arc;

use cluster_tests::binary;
use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::history::History;
use cluster_tests::judgement::{judge, violations};
use cluster_tests::load::Load;
use cluster_tests::skip;
use cluster_tests::wait::{PATIENCE, until};

async fn cluster_on_disks(name: &str, binary: &Path, variables: Vec<(String, String)>) -> Cluster {
    let settings = Settings { disks: true, binary: binary.to_owned(), variables, ..Settings::default() };
    Cluster::start_with(name, &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_survives_power_cuts_of_all_nodes() {
    if skip::unless_root("everything_acknowledged_survives_power_cuts_of_all_nodes") {
        return;
    }
    let cluster = cluster_on_disks("power-cut", binary::ordinary(), vec![]).await;
    let history = Arc::new(cluster.history());
    for _ in 0..3 {
        let load = Load::start(&cluster, &history);
        load.acknowledged_more(500).await;
        history.mark("power cut of all nodes, under load");
        cluster.cut_power();
        load.stop().await;
        cluster.start_all();
        cluster.serving(&cluster.ids()).await;
        judge(&cluster, &history).await;
    }
}

/// Without this test the one above could be green because its power cuts cut nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_binary_that_does_not_sync_loses_acknowledged_records_in_a_power_cut() {
    if skip::unless_root("a_binary_that_does_not_sync_loses_acknowledged_records_in_a_power_cut") {
        return;
    }
    let cluster =
        cluster_on_disks("power-cut-without-sync", binary::chaos(), vec![binary::bug("nothing-is-synced")]).await;
    let history = Arc::new(cluster.history());

    // It is a sound binary in every other way: a kill of all its processes loses nothing.
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(300).await;
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    load.acknowledged_more(300).await;
    load.stop().await;
    judge(&cluster, &history).await;

    // What is there so far reaches the disks, as it would with time. Only what comes now is at risk.
    cluster.sync_disks();
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(500).await;
    history.mark("power cut of all nodes, under load");
    cluster.cut_power();
    load.stop().await;
    cluster.start_all();

    let lost = what_was_lost(&cluster, &history).await;
    println!("as it must be, the power cut cost: {lost}");
}

/// Waits until the nodes serve again, and lets the oracle name what is gone; or until one of them says that its data is
/// damaged, which is a loss, too. A cluster that lost nothing fails the test.
async fn what_was_lost(cluster: &Cluster, history: &History) -> String {
    let refusal = until("the nodes serve or refuse to", PATIENCE, || async {
        if let Err(ended) = cluster.check_processes(&cluster.ids()) {
            return Ok(Some(ended));
        }
        for status in cluster.statuses(&cluster.ids()).await.into_iter().flatten() {
            if !status.problem.is_empty() {
                return Ok(Some(format!("node {} is set aside: {}", status.node_id, status.problem)));
            }
        }
        cluster.agreement(&cluster.ids()).await.map(|_| None)
    })
    .await;
    if let Some(why) = refusal {
        return why;
    }
    let found = violations(cluster, history, &cluster.ids()).await;
    let lost = found.iter().filter(|violation| violation.property == "P1").count();
    assert!(lost > 0, "nothing was lost: this power cut cuts nothing, so the other test proves nothing");
    format!("{lost} acknowledged records on the three replicas together, as the oracle found")
}
