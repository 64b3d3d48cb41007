//! The rules by which entries are decided are raised by a command, once every node knows the new ones. A node that meets
//! rules that it lacks stops before it decides anything by others.

use std::collections::BTreeMap;

use cluster_tests::binary;
use cluster_tests::client::{Effect, is_replay};
use cluster_tests::cluster::{Cluster, Own, Settings};
use cluster_tests::command::{SYSTEM, append, applied, command, command_in, found, id, raise, results};
use cluster_tests::proto::action_result::Result as Got;
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::{SubmitRequest, VersionRaised};
use cluster_tests::wait::{PATIENCE, until};

/// The node whose build is behind.
const OLD: u64 = 3;

async fn versions(cluster: &Cluster) -> Vec<(u32, u32)> {
    let statuses = cluster.agreed(&cluster.ids()).await.into_iter();
    statuses.map(|status| (status.machine_version, status.machine_version_known)).collect()
}

async fn refused(cluster: &Cluster, nodes: &[u64], request: &SubmitRequest, why: &str) {
    for node in nodes {
        let failure = cluster.node(*node).client().command(request.clone()).await.expect_err("it is refused");
        let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
        assert_eq!(said, ("FailedPrecondition", "VERSION_UNSUPPORTED", Effect::None), "{failure}");
        assert!(failure.message.contains(why), "node {node} said: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_raised_once_all_nodes_know_it_and_a_node_that_does_not_stops_before_deciding() {
    let own = Own { binary: Some(binary::ordinary().to_owned()), ..Own::default() };
    let own = BTreeMap::from([(OLD, own)]);
    let settings = Settings { binary: binary::chaos().to_owned(), own, ..Settings::default() };
    let cluster = Cluster::start_with("machine-version", &settings).await;
    let client = cluster.node(1).client();
    assert_eq!(versions(&cluster).await, [(1, 2), (1, 2), (1, 1)]);

    let request = command_in(SYSTEM, id("raise"), vec![], vec![raise(2)]);
    refused(&cluster, &cluster.ids(), &request, "node 3 knows no version after 1").await;
    cluster.node(OLD).kill();
    cluster.serving(&cluster.others(OLD)).await;
    refused(&cluster, &cluster.others(OLD), &request, "node 3 does not answer").await;

    cluster.node(OLD).use_binary(binary::chaos());
    cluster.node(OLD).start();
    cluster.serving(&cluster.ids()).await;
    assert_eq!(versions(&cluster).await, [(1, 2), (1, 2), (1, 2)]);
    let raised = cluster.node(2).client().command(request.clone()).await.unwrap();
    assert!(!is_replay(raised.arrival()), "what is refused so is not recorded");
    assert_eq!(results(&raised), [Got::VersionRaised(VersionRaised { version: 2 })]);
    assert_eq!(versions(&cluster).await, [(2, 2), (2, 2), (2, 2)]);
    let lower = client.command(command_in(SYSTEM, id("lower"), vec![], vec![raise(1)])).await.unwrap_err();
    assert_eq!(*found(&lower).1, Found::VersionInForce(2));
    refused(
        &cluster,
        &[1],
        &command_in(SYSTEM, id("raise-3"), vec![], vec![raise(3)]),
        "node 1 knows no version after 2",
    )
    .await;

    cluster.node(OLD).kill();
    cluster.serving(&cluster.others(OLD)).await;
    for node in cluster.others(OLD) {
        let again = cluster.node(node).client().command(request.clone()).await.expect("a known id needs nobody's word");
        assert!(is_replay(again.arrival()));
    }
    applied(client, command("in", vec![], vec![append("orders", &["1"])])).await;

    cluster.node(OLD).use_binary(binary::ordinary());
    cluster.node(OLD).start();
    let status = until("the old build stops", PATIENCE, || async {
        cluster.node(OLD).ended().ok_or_else(|| "it runs".to_owned())
    })
    .await;
    assert!(!status.success());
    let said = cluster.node(OLD).last_words(10);
    assert!(said.contains("machine version 2") && said.contains("install a newer one"), "{said}");
    cluster.serving(&cluster.others(OLD)).await;

    cluster.node(OLD).reap();
    cluster.node(OLD).use_binary(binary::chaos());
    cluster.node(OLD).start();
    cluster.serving(&cluster.ids()).await;
    cluster.equal().await;
}
