//! A known id with other content is refused and changes nothing, whoever is asked and whatever was forgotten meanwhile.

use bytes::Bytes;
use cluster_tests::client::{Acknowledgement, Client, Effect};
use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::judge;
use cluster_tests::proto::{AppendRequest, CommandId, Header, NewRecord};
use cluster_tests::wait::{PATIENCE, until};

const ID: &str = "payment-2041";

fn record(payload: &'static [u8]) -> NewRecord {
    NewRecord { payload: Bytes::from_static(payload), headers: Vec::new() }
}

fn append(log: &str, records: Vec<NewRecord>) -> AppendRequest {
    let id = Some(CommandId { text: ID.to_owned(), birth_ms: None });
    AppendRequest { space: String::new(), log: log.to_owned(), id, records }
}

async fn refused_at(node: u64, client: &Client) {
    let header = Header { key: "currency".to_owned(), value: Bytes::from_static(b"EUR") };
    let with_header = NewRecord { headers: vec![header], ..record(b"pay 100") };
    let others = [
        ("other bytes", append("payments", vec![record(b"pay 900")])),
        ("no bytes", append("payments", vec![record(b"")])),
        ("another log", append("refunds", vec![record(b"pay 100")])),
        ("one more record", append("payments", vec![record(b"pay 100"), record(b"pay 100")])),
        ("a header", append("payments", vec![with_header])),
    ];
    for (what, request) in others {
        let refused = client.submit(request).await.expect_err(what);
        assert_eq!(
            (refused.code.as_str(), refused.reason.as_str(), refused.effect),
            ("AlreadyExists", "ID_REUSED", Effect::None),
            "{what} at node {node}: {refused}"
        );
    }
}

async fn replayed_at(client: &Client, first: Acknowledgement) {
    let replay = client.submit(append("payments", vec![record(b"pay 100")])).await.expect("the same content again");
    assert_eq!(replay, Acknowledgement { replayed: true, ..first });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_other_content_is_refused_at_every_node_and_changes_nothing() {
    let cluster = Cluster::start("reuse").await;
    let history = cluster.history();
    let operation = history.operation(0, "payments", ID, &[Bytes::from_static(b"pay 100")]);
    let attempt = history.invoke(operation, 1);
    let first = cluster.node(1).client().submit(append("payments", vec![record(b"pay 100")])).await;
    history.complete(attempt, first.clone());
    let first = first.expect("a first append");

    for node in cluster.nodes() {
        refused_at(node.id(), node.client()).await;
        replayed_at(node.client(), first).await;
    }
    // The oracle finds nothing but the one record: no log `refunds`, no second payment.
    judge(&cluster, &history).await;

    for node in cluster.nodes() {
        let why = format!("node {} makes a snapshot", node.id());
        until(&why, PATIENCE, || async { node.client().snapshot().await.map_err(|failure| failure.to_string()) }).await;
    }
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    for node in cluster.nodes() {
        refused_at(node.id(), node.client()).await;
        replayed_at(node.client(), first).await;
    }
    judge(&cluster, &history).await;
}
