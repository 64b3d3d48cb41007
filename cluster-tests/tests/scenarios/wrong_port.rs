//! A port that is taken for the other one says which it is; visitors that don't speak gRPC do no harm.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::client::{Client, Effect};
use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::node::Node;
use cluster_tests::wait::until;

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn the_port_for_other_nodes_tells_clients_where_to_go() {
    let cluster = Cluster::start("peer-port").await;
    for node in cluster.nodes() {
        let lost = Client::new(node.plan().peer_address, DEADLINE);
        let failure = lost.append("orders", "pay-1", &[Bytes::from_static(b"paid")]).await.unwrap_err();
        let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
        assert_eq!(said, ("Unimplemented", "WRONG_PORT", Effect::None), "{failure}");
        let sentence = format!(
            "no such service here: this is the port of node {} for other nodes; clients use {}",
            node.id(),
            node.plan().client_address
        );
        assert_eq!(failure.message, sentence);
        assert_eq!(lost.status().await.unwrap_err().message, sentence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn init_by_client_addresses_is_told_the_right_ones() {
    let cluster = Cluster::start_empty("client-ports", &Settings::default()).await;
    let clients: Vec<String> = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();
    let first = cluster.node(1).client_with_deadline(DEADLINE);
    let failure = until("the node answers", DEADLINE, || async {
        let failure = first.init(clients.clone()).await.expect_err("these are no peers");
        if failure.reason.is_empty() { Err(failure.to_string()) } else { Ok(failure) }
    })
    .await;
    assert_eq!((failure.reason.as_str(), failure.effect), ("MALFORMED", Effect::None), "{failure}");
    let plan = cluster.node(1).plan();
    assert!(failure.message.contains(&plan.client_address.to_string()), "{failure}");
    assert!(failure.message.contains(&format!("other nodes use {}", plan.peer_address)), "{failure}");
    cluster.init().await;
}

/// What a visitor hears until the node hangs up, or has said enough.
fn heard(address: SocketAddr, words: &[u8]) -> Vec<u8> {
    let mut visitor = TcpStream::connect(address).expect("the node listens");
    visitor.set_read_timeout(Some(DEADLINE)).expect("set a timeout");
    visitor.write_all(words).expect("the node listens");
    // Whoever has been hung up on by now can't say that nothing more comes, and a reset is an end, too.
    let _gone = visitor.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _end = visitor.read_to_end(&mut heard);
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_that_do_not_speak_grpc_do_no_harm() {
    let cluster = Cluster::start("visitors").await;
    let processes: Vec<_> = cluster.nodes().iter().map(Node::pid).collect();
    let plan = cluster.node(1).plan();
    for address in [plan.client_address, plan.peer_address] {
        for words in [&b"GET / HTTP/1.1\r\nHost: oncelog\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01\x00", b"", b"hello\n"]
        {
            let answer = heard(address, words);
            assert!(answer.len() < 1_000, "{words:?} was answered with {} bytes", answer.len());
        }
    }
    cluster.node(1).client().append("orders", "pay-1", &[Bytes::from_static(b"paid")]).await.expect("it serves");
    assert_eq!(cluster.nodes().iter().map(Node::pid).collect::<Vec<_>>(), processes);
}
