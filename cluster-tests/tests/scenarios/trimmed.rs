//! Logs that are cut off at their beginning, by a command or by their retention: nobody is told less than there was in
//! silence, and no id is forgotten for it.

use std::time::Duration;

use bytes::Bytes;
use cluster_tests::client::{Client, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::command::{append, applied, command, create_log, found, trim};
use cluster_tests::proto::action_result::Result as Got;
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::{Consistency, Trimmed};
use cluster_tests::sample;

fn is_trimmed(failure: &Failure, start: u64) {
    assert_eq!((failure.code.as_str(), failure.reason.as_str()), ("OutOfRange", "TRIMMED"), "{failure}");
    assert_eq!(failure.metadata.get("start"), Some(&start.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_trim_point_reads_and_tails_say_where_the_log_begins_and_ids_are_still_known() {
    let cluster = Cluster::start("trimmed").await;
    let client = cluster.node(1).client();
    let request = command("in", vec![], vec![append("orders", &["0", "1", "2", "3", "4"])]);
    let first = client.command(request.clone()).await.unwrap();
    let got = applied(client, command("trim", vec![], vec![trim("orders", 3)])).await;
    assert_eq!(got, [Got::Trimmed(Trimmed { start: 3 })]);
    let past = client.command(command("trim-past", vec![], vec![trim("orders", 6)])).await.unwrap_err();
    assert_eq!(*found(&past).1, Found::PastEnd(5));

    for node in cluster.nodes() {
        let client = node.client();
        is_trimmed(&client.read("orders", 2, Consistency::Linearizable).await.unwrap_err(), 3);
        let left = client.read_what_is_left("orders").await.unwrap();
        let offsets: Vec<_> = left.records.iter().map(|record| record.offset).collect();
        assert_eq!((offsets, left.start, left.end), (vec![3, 4], 3, 5), "at node {}", node.id());
        let mut tail = client.tail("orders", 0, Consistency::Linearizable).await.unwrap();
        is_trimmed(&Failure::from_status(&tail.message().await.unwrap_err()), 3);
        let again = client.command(request.clone()).await.expect("dedup is independent of the data");
        assert_eq!(again.outcome, first.outcome);
    }
    applied(client, command("trim-all", vec![], vec![trim("orders", 5)])).await;
    let left = client.read_what_is_left("orders").await.unwrap();
    assert_eq!((left.records.len(), left.next, left.start, left.end), (0, 5, 5, 5));
    let [Got::Appended(appended)] = applied(client, command("more", vec![], vec![append("orders", &["5"])])).await[..]
    else {
        panic!("records were appended")
    };
    assert_eq!(appended.first_offset, 5, "offsets go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_whose_reader_is_slow_ends_when_the_log_is_trimmed_past_it() {
    let cluster = Cluster::start("tail-trimmed").await;
    let client = cluster.node(1).client();
    let slow = Client::with_little_room(cluster.node(2).plan().client_address, Duration::from_secs(10));
    let payload = [Bytes::from(vec![b'.'; 512 << 10])];
    client.append("orders", &sample::id(0, 0), &payload).await.unwrap();
    let mut tail = slow.tail("orders", 0, Consistency::Linearizable).await.unwrap();
    for number in 1..40 {
        client.append("orders", &sample::id(0, number), &payload).await.unwrap();
    }
    applied(client, command("trim", vec![], vec![trim("orders", 38)])).await;
    let mut next = 0;
    let end = loop {
        match tail.message().await {
            Ok(page) => {
                for record in page.expect("a tail does not end by itself").records {
                    assert_eq!(record.offset, next, "nothing is left out");
                    next += 1;
                }
            }
            Err(status) => break Failure::from_status(&status),
        }
    };
    is_trimmed(&end, 38);
    assert!(next > 0 && next < 38, "the end came at {next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_keeps_what_its_retention_says_and_little_more() {
    let cluster = Cluster::start("retention").await;
    let client = cluster.node(3).client();
    applied(client, command("create", vec![], vec![create_log("audit", Some(128))])).await;
    let first = client.append("audit", "line-0", &[Bytes::from_static(b"line-0")]).await.unwrap();
    for number in 1..400 {
        let id = format!("line-{number}");
        client.append("audit", &id, &[Bytes::from(id.clone())]).await.unwrap();
    }
    cluster.agreed(&cluster.ids()).await;
    for node in cluster.nodes() {
        let log = node.client().log("audit").await.unwrap();
        let kept = log.end - log.start;
        assert_eq!(log.end, 400);
        assert!((128..=140).contains(&kept), "node {} keeps {kept}", node.id());
        is_trimmed(&node.client().read("audit", 0, Consistency::Linearizable).await.unwrap_err(), log.start);
        let left = node.client().read_what_is_left("audit").await.unwrap();
        assert_eq!(left.records.len() as u64, kept);
        let again = node.client().append("audit", "line-0", &[Bytes::from_static(b"line-0")]).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.place, first.place);
    }
}
