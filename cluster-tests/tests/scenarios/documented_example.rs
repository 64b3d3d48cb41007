//! The example that the documentation shows is run as it stands: what it asserts of a cluster must be true.

use std::process::Stdio;

use cluster_tests::binary;
use cluster_tests::cluster::Cluster;
use cluster_tests::launcher::{Launcher, Mounts, mortal};

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_runs_against_a_real_cluster() {
    let cluster = Cluster::start("documented-example").await;
    let addresses: Vec<_> = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();
    let mut command = mortal(binary::example());
    command.env("ONCELOG_SERVER", addresses.join(",")).stdin(Stdio::null());
    let output = Launcher::new(Mounts::Shared).run(move || command.output()).expect("start the example");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("paid at offset 101"), "{printed}");
}
