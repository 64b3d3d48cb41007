//! A doubt about an id is ended for ever: it has taken effect, or it never does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::client::{Acknowledgement, Client, Effect, Failure, is_replay};
use cluster_tests::cluster::Cluster;
use cluster_tests::history::{History, OperationNumber, StreamPlace};
use cluster_tests::judgement::{judge, place};
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::proto::outcome::Verdict;
use cluster_tests::proto::{CancelResponse, Outcome};
use cluster_tests::sample;
use cluster_tests::seed;
use cluster_tests::stream::{Stream, request};
use cluster_tests::wait::{PATIENCE, until};
use futures::future::join_all;
use rand::RngExt as _;
use rand::rngs::StdRng;

const DEADLINE: Duration = Duration::from_secs(10);

fn is_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Some(Verdict::Cancelled(_)))
}

fn outcome_of(response: CancelResponse) -> Outcome {
    response.outcome.expect("a cancel answers the id's outcome")
}

fn refused_as_cancelled(failure: &Failure) {
    let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
    assert_eq!(said, ("Aborted", "CANCELLED", Effect::None), "{failure}");
}

/// Alone and in a stream, at every node, the id gets the one answer.
async fn cancelled_everywhere(cluster: &Cluster, id: &str, first: &Outcome) {
    let payloads = [Bytes::from_static(b"pay 100")];
    for node in cluster.nodes() {
        let again = node.client().cancel(id).await.expect("a cancel is answered");
        assert!(is_replay(again.arrival()));
        assert_eq!(&outcome_of(again), first, "at node {}", node.id());
        refused_as_cancelled(&node.client().append("payments", id, &payloads).await.expect_err("it is cancelled"));
        // To other content, too: nobody knows what would have been sent.
        refused_as_cancelled(&node.client().append("refunds", id, &payloads).await.expect_err("it is cancelled"));
        let mut stream = Stream::open(node.client()).await.expect("a stream opens");
        stream.send(vec![request("payments", id, &payloads)]).await;
        stream.finish();
        let (replies, end) = stream.rest().await;
        end.expect("the stream ends well");
        let [reply] = replies.try_into().expect("one answer to one append");
        refused_as_cancelled(&reply.result.expect_err("it is cancelled"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_unseen_never_takes_effect_and_a_snapshot_does_not_forget_it() {
    let cluster = Cluster::start("cancel-unseen").await;
    let history = cluster.history();
    let id = "payment-2041";
    let operation = history.operation(0, "payments", id, &[Bytes::from_static(b"pay 100")]);
    let answered = cluster.node(2).client().cancel(id).await.unwrap();
    assert!(!is_replay(answered.arrival()));
    let first = outcome_of(answered);
    assert!(is_cancelled(&first), "{first:?}");
    history.cancelled(operation, &first);
    cancelled_everywhere(&cluster, id, &first).await;

    // Something has to be there, or the oracle would have nothing to look at.
    let other = history.operation(0, "payments", "payment-2042", &[Bytes::from_static(b"pay 7")]);
    let attempt = history.invoke(other, 1);
    let answer = cluster.node(1).client().append("payments", "payment-2042", &[Bytes::from_static(b"pay 7")]).await;
    history.complete(attempt, answer);
    judge(&cluster, &history).await;

    for node in cluster.nodes() {
        let why = format!("node {} makes a snapshot", node.id());
        until(&why, PATIENCE, || async { node.client().snapshot().await.map_err(|failure| failure.to_string()) }).await;
    }
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    cancelled_everywhere(&cluster, id, &first).await;
    judge(&cluster, &history).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_comes_too_late_answers_what_the_id_has_got() {
    let cluster = Cluster::start("cancel-applied").await;
    let history = cluster.history();
    let payloads = sample::payloads("order-7", 3, 20);
    let operation = history.operation(0, "orders", "order-7", &payloads);
    let attempt = history.invoke(operation, 1);
    let answer = cluster.node(1).client().append("orders", "order-7", &payloads).await;
    history.complete(attempt, answer.clone());
    let applied = answer.unwrap();
    for _ in 0..2 {
        for node in cluster.nodes() {
            let answered = node.client().cancel("order-7").await.unwrap();
            assert!(is_replay(answered.arrival()), "at node {}", node.id());
            assert_eq!(place(&outcome_of(answered)), Some(applied.place), "at node {}", node.id());
        }
        judge(&cluster, &history).await;
    }
}

/// The worst duplicate: one that lies unread in a paused node while its sender settles the doubt elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_stuck_in_a_paused_node_does_not_undo_a_cancel() {
    let cluster = Cluster::start("cancel-stuck").await;
    let history = cluster.history();
    let leader = cluster.leader().await;
    let stuck_in = *cluster.others(leader).first().expect("a follower");
    let client = cluster.node(stuck_in).client_with_deadline(PATIENCE);
    let mut stream = Stream::open(&client).await.unwrap();
    history.mark(format!("pause of node {stuck_in}"));
    cluster.node(stuck_in).pause();

    let (alone, streamed) = ("payment-alone", "payment-streamed");
    let payloads = [Bytes::from_static(b"pay 100")];
    let operations = [alone, streamed].map(|id| history.operation(0, "payments", id, &payloads));
    let waiting = tokio::spawn({
        let (client, payloads) = (client.clone(), payloads.clone());
        async move { client.append("payments", alone, &payloads).await }
    });
    stream.send(vec![request("payments", streamed, &payloads)]).await;

    for (id, operation) in [alone, streamed].into_iter().zip(operations) {
        let answered = cluster.node(leader).client().cancel(id).await.unwrap();
        let outcome = outcome_of(answered);
        assert!(is_cancelled(&outcome), "{id}");
        history.cancelled(operation, &outcome);
    }
    history.mark(format!("node {stuck_in} goes on"));
    cluster.node(stuck_in).resume();
    refused_as_cancelled(&waiting.await.unwrap().expect_err("it is cancelled"));
    stream.finish();
    let (replies, end) = stream.rest().await;
    match replies.as_slice() {
        [reply] => refused_as_cancelled(reply.result.as_ref().expect_err("it is cancelled")),
        // A node that slept has no leader when it wakes, and may say so instead.
        [] => assert_eq!(end.expect_err("no answer was given").code, "Unavailable"),
        more => panic!("one append has {more:?}"),
    }
    cluster.serving(&cluster.ids()).await;
    let operation = history.operation(0, "payments", "payment-other", &payloads);
    let attempt = history.invoke(operation, leader);
    history.complete(attempt, cluster.node(leader).client().append("payments", "payment-other", &payloads).await);
    judge(&cluster, &history).await;
}

const KILLS: usize = 5;
const ROUND: usize = 12;

/// A client that is there for one short visit.
struct Visitor<'a> {
    number: usize,
    cluster: &'a Cluster,
    history: &'a History,
    random: StdRng,
}

/// What became of the visitors' ids.
#[derive(Debug, Default)]
struct Settled {
    applied: usize,
    cancelled: usize,
}

impl Visitor<'_> {
    fn node(&mut self) -> u64 {
        let ids = self.cluster.ids();
        *ids.get(self.random.random_range(0..ids.len())).expect("a node")
    }

    fn client(&mut self) -> (u64, Client) {
        let node = self.node();
        (node, self.cluster.node(node).client_with_deadline(DEADLINE))
    }

    /// Sends something, vanishes at some moment, and settles every id afterwards.
    async fn visit(mut self) -> Settled {
        let time = Duration::from_micros(self.random.random_range(0..8_000));
        let operations: Vec<_> = (0..self.random.random_range(1..=3)).map(|place| self.operation(place)).collect();
        let (node, client) = self.client();
        if self.random.random_ratio(1, 2) {
            self.vanish_from_stream(node, client, &operations, time).await;
        } else {
            let (operation, id, payloads) = operations.first().expect("at least one");
            let attempt = self.history.invoke(*operation, node);
            if let Ok(answer) = tokio::time::timeout(time, client.append("orders", id, payloads)).await {
                self.history.complete(attempt, answer);
            }
        }
        let mut settled = Settled::default();
        for (operation, id, payloads) in operations {
            if self.settle(operation, &id, &payloads).await {
                settled.applied += 1;
            } else {
                settled.cancelled += 1;
            }
        }
        settled
    }

    fn operation(&self, place: u64) -> (OperationNumber, String, Vec<Bytes>) {
        let id = sample::id(self.number, place);
        let payloads = sample::payloads(&id, 1, 100);
        (self.history.operation(self.number, "orders", &id, &payloads), id, payloads)
    }

    async fn vanish_from_stream(
        &self,
        node: u64,
        client: Client,
        operations: &[(OperationNumber, String, Vec<Bytes>)],
        time: Duration,
    ) {
        let visit = async {
            let Ok(mut stream) = Stream::open(&client).await else { return };
            let number = self.history.stream();
            let mut attempts = Vec::new();
            for ((operation, id, payloads), position) in operations.iter().zip(0..) {
                let place = StreamPlace { stream: number, position };
                attempts.push(self.history.invoke_streamed(*operation, node, place));
                stream.send(vec![request("orders", id, payloads)]).await;
            }
            while let Ok(Some(replies)) = stream.next().await {
                for reply in replies {
                    let attempt = usize::try_from(reply.position).ok().and_then(|position| attempts.get(position));
                    self.history.complete(*attempt.expect("an answer to what was sent"), reply.result);
                }
            }
        };
        // Dropped with everything in it, the connection first of all.
        drop(tokio::time::timeout(time, visit).await);
    }

    /// Cancels the id, and sends its append once more afterwards, as a delayed duplicate would come. Whether it is applied.
    async fn settle(&mut self, operation: OperationNumber, id: &str, payloads: &[Bytes]) -> bool {
        let (history, cluster) = (self.history, self.cluster);
        let (node, outcome) = until(&format!("a cancel of {id} is answered"), PATIENCE, || {
            let node = self.node();
            async move {
                let answered = cluster.node(node).client().cancel(id).await;
                answered.map(|answered| (node, outcome_of(answered))).map_err(|failure| failure.to_string())
            }
        })
        .await;
        let applied = place(&outcome);
        if let Some(place) = applied {
            let answer = Acknowledgement { replayed: true, place };
            history.complete(history.invoke(operation, node), Ok(answer));
        } else {
            assert!(is_cancelled(&outcome), "{outcome:?}");
            history.cancelled(operation, &outcome);
        }
        until(&format!("the duplicate of {id} is answered"), PATIENCE, || {
            let node = self.node();
            async move {
                let attempt = history.invoke(operation, node);
                let answer = cluster.node(node).client().append("orders", id, payloads).await;
                history.complete(attempt, answer.clone());
                match (answer, applied) {
                    (Ok(again), Some(place)) => {
                        assert!(again.replayed, "{id} is decided");
                        assert_eq!(again.place, place, "{id}");
                        Ok(())
                    }
                    (Ok(again), None) => panic!("{id} was cancelled, and then {again:?}"),
                    (Err(failure), None) if failure.reason == "CANCELLED" => {
                        refused_as_cancelled(&failure);
                        Ok(())
                    }
                    (Err(failure), _) => {
                        assert!(!["CANCELLED", "ID_REUSED"].contains(&failure.reason.as_str()), "{id}: {failure}");
                        Err(failure.to_string())
                    }
                }
            }
        })
        .await;
        applied.is_some()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_vanish_settle_every_id_later_while_leaders_are_killed() {
    let cluster = Cluster::start("clients-vanish").await;
    let history = Arc::new(cluster.history());
    let mut random = seed::generator("clients_that_vanish");
    let kills = LeaderKills::new(&cluster, &history);
    let mut settled = Settled::default();
    let mut number = 0;
    kills
        .during(async {
            while kills.count() < KILLS || number < 20 * ROUND {
                let visits = (0..ROUND).map(|_| {
                    number += 1;
                    let random = rand::SeedableRng::seed_from_u64(random.random());
                    Visitor { number, cluster: &cluster, history: &history, random }.visit()
                });
                for visit in join_all(visits.collect::<Vec<_>>()).await {
                    settled.applied += visit.applied;
                    settled.cancelled += visit.cancelled;
                }
            }
        })
        .await;
    println!("{number} clients vanished; of their ids {settled:?}");
    assert!(settled.applied > 0 && settled.cancelled > 0, "such a run proves nothing: {settled:?}");
    judge(&cluster, &history).await;
}
