//! Clients that anybody can install understand a cluster of which one node is down.
//!
//! - Each client is a folder in `cluster-tests/stock-clients` with pinned packages and a script that asserts for itself.
//! - Installing the packages is a step with a result of its own ([`packages`]). If they can't be had, the client is skipped
//!   with a notice, under `CI` too: registries are none of ours. A script that was started and fails is a failure, always.
//! - What the scripts claim is looked at from outside, too: each log holds what its script appended, once.

mod buf;
mod node;
mod packages;
mod programs;
mod python;
mod readme;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cluster_tests::checkout;
use cluster_tests::cluster::Cluster;
use cluster_tests::proto::Consistency;
use cluster_tests::skip;

use packages::Packages;

/// A script asks a few dozen times; the rest is patience with a busy machine.
const SCRIPT_PATIENCE: Duration = Duration::from_mins(2);

/// A client that anybody can install.
struct StockClient {
    /// Its folder in `stock-clients`.
    folder: &'static str,
    /// The files in it that say which packages it needs.
    pins: &'static [&'static str],
    /// What runs it: packages that were installed for another version are installed anew.
    interpreter: &'static str,
    /// Installs the packages into an empty directory, and sees that they work on this machine.
    install: fn(folder: &Path, into: &Path) -> Result<(), String>,
    /// The script, ready to run but for the addresses.
    script: fn(folder: &Path, packages: &Path) -> Command,
    /// The log that it appends its one record to.
    log: &'static str,
}

const CLIENTS: [StockClient; 3] = [python::CLIENT, node::CLIENT, buf::CLIENT];

impl StockClient {
    fn path(&self) -> PathBuf {
        checkout::package().join("stock-clients").join(self.folder)
    }

    /// Its packages, if this machine can have them.
    fn packages(&self) -> Option<Packages> {
        match Packages::prepare(self) {
            Ok(packages) => Some(packages),
            Err(why) => {
                skip::notice(&format!("stock client {}", self.folder), &why);
                None
            }
        }
    }

    /// Runs the script and returns what it said, or how it failed.
    fn tell(&self, packages: &Packages, addresses: &[String]) -> Result<String, String> {
        let mut script = (self.script)(&self.path(), packages.path());
        script.args(addresses);
        programs::run_client("the script failed", script)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_clients_append_once_although_a_node_is_down() {
    let ready: Vec<(StockClient, Packages)> =
        CLIENTS.into_iter().filter_map(|client| client.packages().map(|packages| (client, packages))).collect();
    if ready.is_empty() {
        return;
    }
    let cluster = Cluster::start("stock-clients").await;
    let down = 1;
    let live = cluster.others(down);
    cluster.node(down).kill();
    cluster.leader_among(&live).await;
    cluster.serving(&live).await;
    let addresses: Vec<String> = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();

    let mut failures = Vec::new();
    for (client, packages) in &ready {
        match client.tell(packages, &addresses) {
            Ok(said) => println!("── {} ──\n{said}", client.folder),
            Err(failure) => failures.push(format!("── {} ──\n{failure}", client.folder)),
        }
    }
    assert!(failures.is_empty(), "stock clients failed:\n{}", failures.join("\n"));

    cluster.node(down).start();
    cluster.serving(&cluster.ids()).await;
    for node in cluster.nodes() {
        for (client, _) in &ready {
            let page = node.client().read(client.log, 0, Consistency::Linearizable).await.unwrap();
            assert_eq!((page.records.len(), page.end), (1, 1), "log {} at node {}", client.log, node.id());
        }
    }
}
