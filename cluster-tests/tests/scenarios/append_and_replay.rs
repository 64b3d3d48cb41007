//! No trouble at all: appends, retries, reads and lookups at every node.

use std::sync::Arc;

use bytes::Bytes;
use cluster_tests::client::Effect;
use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::{appended, judge};
use cluster_tests::load::Load;
use cluster_tests::proto::Consistency;
use cluster_tests::proto::lookup_response::Fate;
use cluster_tests::sample;
use cluster_tests::wait::{PATIENCE, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_at_any_node_gets_the_first_answer() {
    let cluster = Cluster::start("append-and-replay").await;
    let history = cluster.history();
    let mut expected_offset = 0;

    for (number, first) in cluster.ids().into_iter().enumerate() {
        let id = sample::id(0, number as u64);
        let payloads = sample::payloads(&id, number + 1, 20);
        let operation = history.operation(0, "orders", &id, &payloads);

        // Asked first by each node in turn, the leader and its followers alike, then by all.
        let mut answers = Vec::new();
        for node in [first].into_iter().chain(cluster.ids()) {
            let attempt = history.invoke(operation, node);
            let answer = cluster.node(node).client().append("orders", &id, &payloads).await;
            history.complete(attempt, answer.clone());
            answers.push(answer.unwrap_or_else(|failure| panic!("node {node} refuses an append: {failure}")));
        }
        let (decided, replays) = answers.split_first().unwrap();
        assert!(!decided.replayed, "nobody sent {id} before");
        assert_eq!(decided.place.first_offset, expected_offset);
        assert!(replays.iter().all(|replay| replay.replayed && replay.place == decided.place), "{answers:?}");
        expected_offset += payloads.len() as u64;

        for node in cluster.nodes() {
            let looked_up = node.client().lookup(&id, Consistency::Linearizable).await.unwrap();
            assert_eq!(appended(&looked_up).unwrap().first_offset, decided.place.first_offset, "at node {}", node.id());
        }
    }
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_read_at_every_node_at_once() {
    let cluster = Cluster::start("read-everywhere").await;
    let history = cluster.history();

    for number in 0..30 {
        let id = sample::id(0, number);
        let payloads = sample::payloads(&id, 1, 20);
        let operation = history.operation(0, "orders", &id, &payloads);
        let attempt = history.invoke(operation, 1);
        let answer = cluster.node(1).client().append("orders", &id, &payloads).await;
        history.complete(attempt, answer.clone());
        let offset = answer.unwrap().place.first_offset;
        for node in cluster.nodes() {
            let page = node.client().read("orders", offset, Consistency::Linearizable).await.unwrap();
            let record =
                page.records.first().unwrap_or_else(|| panic!("node {} reads no record at {offset}", node.id()));
            assert_eq!((&record.payload, record.offset), (payloads.first().unwrap(), offset));
            assert_eq!((page.start, page.next, page.end), (0, offset + 1, offset + 1));
        }
    }
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_nobody_sent_is_unknown_at_every_node() {
    let cluster = Cluster::start("unknown-id").await;
    for node in cluster.nodes() {
        for consistency in [Consistency::Linearizable, Consistency::Local] {
            let looked_up = node.client().lookup("never-sent", consistency).await.unwrap();
            assert!(matches!(looked_up.fate, Some(Fate::Unknown(_))), "node {}: {looked_up:?}", node.id());
        }
        let refused = node.client().read("no-such-log", 0, Consistency::Linearizable).await.unwrap_err();
        assert_eq!(refused.code, "NotFound", "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_all_nodes_append_at_once() {
    let cluster = Cluster::start("clients-of-all-nodes").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(1_500).await;
    load.stop().await;
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn init_sent_again_answers_what_was_made() {
    let cluster = Cluster::start("init-again").await;
    let peers: Vec<String> = cluster.nodes().iter().map(|node| node.plan().peer_address.to_string()).collect();
    let status = cluster.node(1).status().await.unwrap();
    let again = until("init answers again", PATIENCE, || async {
        cluster.node(1).client().init(peers.clone()).await.map_err(|failure| failure.to_string())
    })
    .await;
    assert!(again.already);
    assert_eq!(again.cluster_id, status.cluster_id);
    assert_eq!(again.history, status.history);
    assert_eq!(again.members.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn init_with_other_peers_is_refused_and_names_both() {
    let cluster = Cluster::start("init-other-peers").await;
    let peers: Vec<String> = cluster.nodes().iter().map(|node| node.plan().peer_address.to_string()).collect();
    let made = cluster.node(1).status().await.unwrap();
    let fewer = peers[..2].to_vec();
    let more = [peers.clone(), vec!["127.0.0.1:1".to_owned()]].concat();
    let clients = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();
    for node in cluster.nodes() {
        for asked in [&fewer, &more, &clients] {
            let failure = node.client_with_deadline(PATIENCE).init(asked.clone()).await.expect_err("other peers");
            let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
            assert_eq!(said, ("FailedPrecondition", "CLUSTER_MISMATCH", Effect::None), "{failure}");
            let named = peers.iter().chain(asked).chain([&made.cluster_id]);
            assert!(named.into_iter().all(|word| failure.message.contains(word)), "{failure}");
        }
        // In another order they are the same.
        let same = peers.iter().rev().cloned().collect();
        let again = node.client_with_deadline(PATIENCE).init(same).await.unwrap();
        assert!(again.already && again.cluster_id == made.cluster_id, "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_terminal_can_show_is_no_id_and_no_name() {
    let cluster = Cluster::start("control-characters").await;
    let client = cluster.node(1).client();
    let payload = [Bytes::from_static(b"paid")];
    for id in ["\0", "\n", "pay\u{7f}", "\u{9b}31m"] {
        let failure = client.append("orders", id, &payload).await.expect_err("a control character");
        let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
        assert_eq!(said, ("InvalidArgument", "MALFORMED", Effect::None), "{failure}");
        assert!(failure.message.starts_with("id.text: "), "{failure}");
    }
    for log in [".", "..", "--help", "-", ".hidden"] {
        let failure = client.append(log, "pay-1", &payload).await.expect_err("no name of a log");
        assert_eq!((failure.reason.as_str(), failure.effect), ("MALFORMED", Effect::None), "{failure}");
        assert!(failure.message.starts_with("log: "), "{failure}");
    }
    client.append("_1.-", "pay 1 → Zürich", &payload).await.expect("this is a name, and that an id");
}
