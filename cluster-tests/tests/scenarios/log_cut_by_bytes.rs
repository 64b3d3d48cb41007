//! The Raft log is cut by how much is in it, not only by how many entries: few long ones fill a disk as many short do.

use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::judgement::judge;
use cluster_tests::sample;
use cluster_tests::wait::{PATIENCE, until};

const RECORD_BYTES: usize = 100_000;
const RECORDS: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_makes_a_snapshot_and_purges_after_so_many_bytes() {
    let arguments = ["--snapshot-bytes", "1000000", "--keep-entries", "5"].map(str::to_owned).to_vec();
    let cluster = Cluster::start_with("log-cut-by-bytes", &Settings { arguments, ..Settings::default() }).await;
    let history = cluster.history();
    for number in 0..RECORDS {
        let id = sample::id(0, number);
        let payloads = sample::payloads(&id, 1, RECORD_BYTES);
        let operation = history.operation(0, "orders", &id, &payloads);
        let attempt = history.invoke(operation, 1);
        let answer = cluster.node(1).client().append("orders", &id, &payloads).await;
        history.complete(attempt, answer.clone());
        answer.unwrap_or_else(|failure| panic!("an append is refused: {failure}"));
    }
    until("every node has purged what a snapshot holds", PATIENCE, || async {
        for status in cluster.statuses(&cluster.ids()).await {
            let status = status?;
            if status.purged_index == 0 {
                return Err(format!("node {} has purged nothing", status.node_id));
            }
        }
        Ok(())
    })
    .await;
    judge(&cluster, &history).await;
}
