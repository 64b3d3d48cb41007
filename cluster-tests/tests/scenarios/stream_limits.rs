//! What a stream takes, what it turns away, and what it does to a client that misbehaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::client::{Acknowledgement, Client, Effect, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::history::{AttemptNumber, History, StreamPlace};
use cluster_tests::judgement::judge;
use cluster_tests::node::Node;
use cluster_tests::proto::lookup_response::Fate;
use cluster_tests::proto::{AppendRequest, AppendStreamRequest, Consistency};
use cluster_tests::sample;
use cluster_tests::stream::{Reply, Stream, request};
use cluster_tests::wait::{PATIENCE, until};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(10);
const MEBIBYTE: usize = 1 << 20;

fn client(node: &Node) -> Client {
    node.client_with_deadline(DEADLINE)
}

fn append(id: &str, payload: &'static [u8]) -> AppendRequest {
    request("orders", id, &[Bytes::from_static(payload)])
}

/// Answers by their positions, each of which has exactly one.
fn by_position(mut replies: Vec<Reply>) -> Vec<Reply> {
    replies.sort_by_key(|reply| reply.position);
    let positions: Vec<u64> = replies.iter().map(|reply| reply.position).collect();
    assert_eq!(positions, (0..replies.len() as u64).collect::<Vec<_>>(), "one answer for each append");
    replies
}

/// Sends messages, says that nothing more comes, and takes all answers.
async fn answers(node: &Node, messages: Vec<Vec<AppendRequest>>) -> Vec<Reply> {
    let mut stream = Stream::open(&client(node)).await.expect("a stream opens");
    for message in messages {
        stream.send(message).await;
    }
    stream.finish();
    let (replies, end) = stream.rest().await;
    end.unwrap_or_else(|failure| panic!("a stream at node {} ends with {failure}", node.id()));
    by_position(replies)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_append_all_answers_come_and_the_stream_ends_well() {
    let cluster = Cluster::start("stream-half-close").await;
    let history = cluster.history();
    for (client, node) in cluster.nodes().iter().enumerate() {
        for size in [0, 1, 7, 300] {
            let stream = history.stream();
            let mut attempts = Vec::new();
            let messages = (0..size).map(|position| {
                let id = sample::id(client, position);
                let payloads = sample::payloads(&id, 1, 20);
                let operation = history.operation(client, "orders", &id, &payloads);
                attempts.push(history.invoke_streamed(operation, node.id(), StreamPlace { stream, position }));
                vec![request("orders", &id, &payloads)]
            });
            let replies = answers(node, messages.collect()).await;
            assert_eq!(replies.len() as u64, size);
            for (attempt, reply) in attempts.into_iter().zip(replies) {
                history.complete(attempt, reply.result);
            }
        }
    }
    // Nothing is unknown, so the judgement finds every record at its acknowledged place.
    assert!(history.events().operations.iter().all(|operation| operation.acknowledged().is_some()));
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_append_is_answered_and_holds_nothing_back() {
    let cluster = Cluster::start("stream-malformed").await;
    for node in cluster.nodes() {
        let named = |name: &str| format!("{name}-at-{}", node.id());
        let good = |name: &str| append(&named(name), b"paid");
        let no_records = AppendRequest { records: Vec::new(), ..good("no-records") };
        let bad_log = AppendRequest { log: "Not A Log".to_owned(), ..good("bad-log") };
        let no_id = AppendRequest { id: None, ..good("no-id") };
        let too_large = request("orders", &named("too-large"), &[Bytes::from(vec![0; MEBIBYTE + 1])]);
        let messages =
            vec![vec![good("first"), no_records, good("second")], vec![bad_log, no_id], vec![too_large, good("third")]];
        let replies = answers(node, messages).await;
        let ids: Vec<&str> = replies.iter().map(|reply| reply.id.as_str()).collect();
        let expected = ["first", "no-records", "second", "bad-log", "", "too-large", "third"];
        let expected = expected.map(|name| if name.is_empty() { String::new() } else { named(name) });
        assert_eq!(ids, expected);
        for (position, reply) in replies.iter().enumerate() {
            match &reply.result {
                Ok(acknowledgement) => {
                    assert!([0, 2, 6].contains(&position) && !acknowledgement.replayed, "{reply:?}");
                }
                Err(failure) => {
                    assert!([1, 3, 4, 5].contains(&position), "{reply:?}");
                    assert_eq!((failure.code.as_str(), failure.effect), ("InvalidArgument", Effect::None), "{failure}");
                }
            }
        }
        for unheard in ["no-records", "bad-log", "too-large"] {
            is_unknown_everywhere(&cluster, &named(unheard)).await;
        }
        assert_eq!(node.client().end("orders").await.unwrap(), 3 * node.id());
    }
}

/// Nothing else is on the way, so an answer made before the end of the input must not get lost behind the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_append_is_answered_even_if_nothing_follows_it() {
    let cluster = Cluster::start("stream-only-malformed").await;
    for round in 0..100 {
        for node in cluster.nodes() {
            let malformed = AppendRequest { records: Vec::new(), ..append("no-records", b"") };
            let replies = answers(node, vec![vec![malformed]]).await;
            assert_eq!(replies.len(), 1, "in round {round} at node {}", node.id());
        }
    }
}

async fn is_unknown_everywhere(cluster: &Cluster, id: &str) {
    for node in cluster.nodes() {
        let looked_up = node.client().lookup(id, Consistency::Linearizable).await.expect("a lookup is answered");
        assert!(matches!(looked_up.fate, Some(Fate::Unknown(_))), "{id} at node {}: {looked_up:?}", node.id());
    }
}

fn first(reply: &Reply) -> Acknowledgement {
    *reply.result.as_ref().unwrap_or_else(|failure| panic!("{}: {failure}", reply.id))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_twice_in_one_stream_takes_effect_once_and_with_other_content_not_at_all() {
    let cluster = Cluster::start("stream-same-id").await;
    let mut offset = 0;
    for node in cluster.nodes() {
        let id = format!("payment-{}", node.id());
        let pay = || append(&id, b"pay 100");
        let other = || append(&id, b"pay 900");
        // Once in one message, where the second meets the first on its way, and once long after.
        let replies = answers(node, vec![vec![pay(), pay(), other()], vec![other(), pay()]]).await;
        let decided = first(&replies[0]);
        assert!(!decided.replayed);
        assert_eq!(decided.place.first_offset, offset);
        for again in [&replies[1], &replies[4]] {
            assert_eq!(first(again), Acknowledgement { replayed: true, ..decided });
        }
        for reused in [&replies[2], &replies[3]] {
            refused_as_reuse(reused.result.clone());
        }
        let later = answers(node, vec![vec![other()], vec![pay()]]).await;
        refused_as_reuse(later[0].result.clone());
        assert_eq!(first(&later[1]), Acknowledgement { replayed: true, ..decided });
        offset += 1;
        assert_eq!(node.client().end("orders").await.unwrap(), offset);
    }
}

fn refused_as_reuse(result: Result<Acknowledgement, Failure>) {
    let failure = result.expect_err("other content");
    let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
    assert_eq!(said, ("AlreadyExists", "ID_REUSED", Effect::None), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_above_the_limit_ends_the_stream_and_nothing_of_it_is_applied() {
    let cluster = Cluster::start("stream-too-large").await;
    for node in cluster.nodes() {
        let named = |name: &str| format!("{name}-at-{}", node.id());
        let mebibyte = Bytes::from(vec![7; MEBIBYTE]);
        let large =
            (0..9).map(|number| request("orders", &named(&format!("large-{number}")), std::slice::from_ref(&mebibyte)));
        let mut stream = Stream::open(&client(node)).await.unwrap();
        stream.send(vec![append(&named("before"), b"paid")]).await;
        stream.send(large.collect()).await;
        stream.send(vec![append(&named("behind"), b"paid")]).await;
        let (replies, end) = stream.rest().await;
        let failure = end.expect_err("a message above the limit");
        assert_eq!(failure.code, "OutOfRange", "{failure}");
        // What came before it is decided and answered; nothing else is.
        let [before] = replies.try_into().unwrap();
        assert_eq!(first(&before).place.first_offset, node.id() - 1);
        for number in 0..9 {
            is_unknown_everywhere(&cluster, &named(&format!("large-{number}"))).await;
        }
        is_unknown_everywhere(&cluster, &named("behind")).await;
        assert_eq!(node.client().end("orders").await.unwrap(), node.id());
    }
}

/// A client that sends as much as it can and reads nothing.
struct Deaf {
    sent: Arc<AtomicUsize>,
    enough: Arc<Notify>,
    stream: Stream,
    task: JoinHandle<Vec<AttemptNumber>>,
}

const DEAF_PAYLOAD_BYTES: usize = 16 << 10;
/// What a deaf client would send if nobody stopped it: far more than a node may take in for it.
const DEAF_APPENDS_MAX: u64 = 50_000;
/// What a node may need in all, with its store and two deaf clients.
const NODE_BYTES_MAX: usize = 512 << 20;

impl Deaf {
    async fn start(number: usize, node: &Node, history: &Arc<History>) -> Self {
        let client = Client::with_little_room(node.plan().client_address, DEADLINE);
        let stream = Stream::open_with(&client, 1).await.expect("a stream opens");
        let (requests, sent, stop) = (stream.requests(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (history, count, enough, node) = (Arc::clone(history), Arc::clone(&sent), Arc::clone(&stop), node.id());
        let task = tokio::spawn(async move {
            let stream = history.stream();
            let mut attempts = Vec::new();
            for position in 0..DEAF_APPENDS_MAX {
                let place = tokio::select! {
                    // A stream that ends is no matter of who sends: the answers say why.
                    Ok(place) = requests.reserve() => place,
                    () = enough.notified() => break,
                };
                let id = sample::id(number, position);
                let payloads = sample::payloads(&id, 1, DEAF_PAYLOAD_BYTES);
                let operation = history.operation(number, "flood", &id, &payloads);
                attempts.push(history.invoke_streamed(operation, node, StreamPlace { stream, position }));
                place.send(AppendStreamRequest { appends: vec![request("flood", &id, &payloads)] });
                count.fetch_add(1, Ordering::Relaxed);
            }
            attempts
        });
        Self { sent, enough: stop, stream, task }
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends no more, reads at last, and hands every answer to the history. Returns how many.
    async fn listen(mut self, history: &History) -> usize {
        self.enough.notify_one();
        self.stream.finish();
        let (replies, end) = self.stream.rest().await;
        end.unwrap_or_else(|failure| panic!("a stream that is read at last ends with {failure}"));
        let attempts = self.task.await.expect("the sender does not panic");
        let replies = by_position(replies);
        assert_eq!(replies.len(), attempts.len(), "every append has its answer");
        for (attempt, reply) in attempts.into_iter().zip(&replies) {
            history.complete(attempt, reply.result.clone());
        }
        replies.len()
    }
}

/// The memory that a node has resident.
fn resident_bytes(node: &Node) -> usize {
    let pid = node.pid().expect("the node runs");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read the node's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line VmRSS");
    let kibibytes: usize = line.trim().trim_end_matches("kB").trim().parse().expect("a number of kB");
    kibibytes << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_answers_is_stopped_and_others_are_served() {
    let cluster = Cluster::start("stream-unread").await;
    let history = Arc::new(cluster.history());
    let leader = cluster.leader().await;
    let follower = *cluster.others(leader).first().expect("a follower");
    let deaf = [
        Deaf::start(100, cluster.node(leader), &history).await,
        Deaf::start(101, cluster.node(follower), &history).await,
    ];

    let mut number = 0;
    until("both deaf clients are stopped", PATIENCE, || {
        number += 1;
        let (cluster, history, deaf) = (&cluster, &history, &deaf);
        async move {
            let before = deaf.each_ref().map(Deaf::sent);
            for node in cluster.nodes() {
                serves(node, number, history).await;
                let resident = resident_bytes(node);
                assert!(resident < NODE_BYTES_MAX, "node {} has {resident} bytes", node.id());
            }
            let after = deaf.each_ref().map(Deaf::sent);
            for (client, sent) in after.iter().enumerate() {
                assert!((*sent as u64) < DEAF_APPENDS_MAX, "nobody stopped client {client}, which sent {sent}");
            }
            // More than fits between client and node: they were stopped by a node that would not read on.
            if before == after && after.iter().all(|sent| sent * DEAF_PAYLOAD_BYTES > 8 * MEBIBYTE) {
                Ok(())
            } else {
                Err(format!("they have sent {before:?}, then {after:?}"))
            }
        }
    })
    .await;

    println!("stopped after {:?} appends of 16 KiB", deaf.each_ref().map(Deaf::sent));
    println!("resident: {:?}", cluster.nodes().iter().map(resident_bytes).collect::<Vec<_>>());
    let [one, other] = deaf;
    let (one, other) = tokio::join!(one.listen(&history), other.listen(&history));
    assert!(one > 0 && other > 0);
    judge(&cluster, &history).await;
}

/// Others are served: each node takes an append while the deaf clients' streams are full.
async fn serves(node: &Node, number: u64, history: &History) {
    let id = sample::id(0, number);
    let payloads = sample::payloads(&id, 1, 20);
    let operation = history.operation(0, "orders", &id, &payloads);
    let attempt = history.invoke(operation, node.id());
    let answer = client(node).append("orders", &id, &payloads).await;
    history.complete(attempt, answer.clone());
    answer.unwrap_or_else(|failure| panic!("node {} does not serve others: {failure}", node.id()));
}
