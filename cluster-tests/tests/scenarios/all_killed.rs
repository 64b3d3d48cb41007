//! All nodes are killed at once, several times, while clients append.

use std::sync::Arc;

use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::judge;
use cluster_tests::load::Load;

#[tokio::test(flavor = "multi_thread")]
async fn appends_survive_a_kill_of_all_nodes() {
    let cluster = Cluster::start("all-killed").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);

    for _ in 0..5 {
        load.acknowledged_more(200).await;
        history.mark("kill -9 of all nodes");
        cluster.kill_all();
        cluster.start_all();
        cluster.serving(&cluster.ids()).await;
    }
    load.acknowledged_more(200).await;
    load.stop().await;
    judge(&cluster, &history).await;

    // Once more with nobody writing: what the judgement itself resent is still there, too.
    history.mark("kill -9 of all nodes");
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    judge(&cluster, &history).await;
}
