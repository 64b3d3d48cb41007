//! The leader is killed again and again while clients append.

use std::sync::Arc;

use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::judge;
use cluster_tests::load::Load;

const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn appends_survive_twenty_kills_of_the_leader() {
    let cluster = Cluster::start("leader-killed").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);

    let mut term = 0;
    for _ in 0..KILLS {
        load.acknowledged_more(50).await;
        let leader = cluster.leader().await;
        let led = cluster.node(leader).status().await.map_or(term, |status| status.term);
        assert!(led > term || term == 0, "the killed leader's successor leads in a later term than {term}, not {led}");
        term = led;

        history.mark(format!("kill -9 of node {leader}, which leads"));
        cluster.node(leader).kill();
        cluster.leader_among(&cluster.others(leader)).await;
        // The two that are left serve clients without it.
        load.acknowledged_more(50).await;

        history.mark(format!("start of node {leader}"));
        cluster.node(leader).start();
        cluster.serving(&cluster.ids()).await;
    }
    load.stop().await;
    judge(&cluster, &history).await;
}
