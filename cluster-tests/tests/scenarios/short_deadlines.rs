//! Clients that give up after a few milliseconds, thousands of times: each call ends for itself, and no connection does.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::client::{Client, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::proto::Consistency;
use futures::future::join_all;

const CALLERS: usize = 200;
const CALLS: u64 = 40;
const PATIENT: Duration = Duration::from_secs(10);

/// Makes calls that mostly can't be answered in time. Returns what was said instead of an answer.
async fn hurry(client: Client, node: u64, caller: usize) -> Vec<Failure> {
    let mut failures = Vec::new();
    for number in 0..CALLS {
        let hurried = client.with_deadline(Duration::from_millis(1 + number % 5));
        let id = format!("{node}-{caller}-{number}");
        let answer = if number % 4 == 0 {
            hurried.lookup(&id, Consistency::Linearizable).await.map(drop)
        } else {
            hurried.append("hurried", &id, &[Bytes::from_static(b"soon")]).await.map(drop)
        };
        failures.extend(answer.err());
    }
    failures
}

/// Whether a failure is about its own call: a node has said so under its mark, or the client has run out of time.
fn is_of_its_own(failure: &Failure) -> bool {
    let is_late = ["DeadlineExceeded", "Cancelled"].contains(&failure.code.as_str())
        && failure.message.to_lowercase().contains("timeout");
    let no_answer = failure.message.starts_with("no answer within");
    !failure.reason.is_empty() || is_late || no_answer
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_given_up_early_end_no_connection() {
    let cluster = Cluster::start("short-deadlines").await;
    let leader = cluster.leader().await;
    let callers = cluster.nodes().iter().map(|node| {
        let client = Client::with_room_for_resets(node.plan().client_address, PATIENT);
        async move {
            let hurried = (0..CALLERS).map(|caller| hurry(client.clone(), node.id(), caller));
            let failures: Vec<Failure> = join_all(hurried).await.into_iter().flatten().collect();
            // The same channel goes on.
            let id = format!("patient-{}", node.id());
            client.append("hurried", &id, &[Bytes::from_static(b"at last")]).await.expect("the channel goes on");
            (node.id(), failures)
        }
    });
    for (node, failures) in join_all(callers).await {
        let mut told: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        for failure in &failures {
            *told.entry((&failure.code, &failure.reason, &failure.message)).or_default() += 1;
        }
        println!("node {node}, leader {leader}: {told:#?}");
        assert!(failures.len() > CALLERS, "most calls of so short a time fail, or this proves nothing");
        let others: Vec<_> = failures.iter().filter(|failure| !is_of_its_own(failure)).collect();
        assert!(others.is_empty(), "{} calls at node {node} ended with their connection: {}", others.len(), others[0]);
    }
    cluster.equal().await;
}
