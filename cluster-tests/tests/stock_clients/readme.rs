//! The README's program in Python, as it is printed: it needs nothing but the packages that it names.

use std::fs;

use cluster_tests::checkout;
use cluster_tests::cluster::Cluster;
use cluster_tests::markdown::blocks;

use crate::programs::{program, run_client};
use crate::python::{CLIENT, python};
use crate::{SCRIPT_PATIENCE, packages::Packages};

fn printed_program() -> String {
    let readme = fs::read_to_string(checkout::repository().join("README.md")).expect("read the README");
    let block = blocks(&readme).into_iter().find(|block| block.language == "python");
    block.expect("the README has a program in Python").text()
}

/// Runs the program against these nodes, and returns what it printed.
fn run(packages: &Packages, cluster: &Cluster) -> String {
    let script = cluster.directory().join("readme.py");
    fs::write(&script, printed_program()).expect("write the program");
    let addresses: Vec<String> = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();
    let mut program = program(python(packages.path()), SCRIPT_PATIENCE);
    // The README says to run it in the checkout, and to name the nodes.
    program.arg(&script).current_dir(checkout::repository()).env("ONCELOG_SERVER", addresses.join(","));
    run_client("the README's program failed", program).unwrap_or_else(|failure| panic!("{failure}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_program_in_python_appends_once_while_a_new_leader_is_elected() {
    let Some(packages) = CLIENT.packages() else { return };
    let cluster = Cluster::start("readme-python").await;
    assert_eq!(run(&packages, &cluster), "offset 0 first\n");

    let leader = cluster.leader().await;
    cluster.node(leader).kill();
    let said = run(&packages, &cluster);
    assert!(["offset 1 first\n", "offset 1 replayed\n"].contains(&said.as_str()), "{said}");
    cluster.node(leader).start();
    cluster.serving(&cluster.ids()).await;
    for node in cluster.nodes() {
        assert_eq!(node.client().texts("orders").await, ["two tickets", "two tickets"], "at node {}", node.id());
    }
}
