//! Whoever follows a log sees every record once and in order, and whoever waits is told, whatever happens to the nodes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster_tests::client::{Client, Effect, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::follow::{Follower, in_turn};
use cluster_tests::judgement::{judge, place};
use cluster_tests::load::Load;
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::proto::outcome::Verdict;
use cluster_tests::proto::wait_request::Condition;
use cluster_tests::proto::wait_response::Found;
use cluster_tests::proto::{CommandId, Consistency, IdDecided, LogEndReached, TailResponse};
use cluster_tests::sample;
use cluster_tests::wait::PATIENCE;
use tonic::Streaming;

const KILLS: usize = 5;
const DEADLINE: Duration = Duration::from_secs(10);

/// Clients of all nodes, this one's first.
fn clients_from(cluster: &Cluster, first: u64) -> Vec<Client> {
    let ids = [first].into_iter().chain(cluster.others(first));
    ids.map(|id| cluster.node(id).client_with_deadline(DEADLINE)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_follows_a_log_sees_each_record_once_while_leaders_are_killed() {
    let cluster = Cluster::start("tails").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(100).await;
    let mut followers = Vec::new();
    for id in cluster.ids() {
        let end = cluster.node(id).client().end("orders-0").await.unwrap();
        for from in [0, end] {
            followers.push((id, from, Follower::start(clients_from(&cluster, id), "orders-0", from)));
        }
    }
    let kills = LeaderKills::new(&cluster, &history);
    for _ in 0..KILLS {
        load.acknowledged_more(200).await;
        kills.kill_one().await;
    }
    load.acknowledged_more(200).await;
    load.stop().await;
    judge(&cluster, &history).await;

    let dumps = cluster.dump(&cluster.ids()).await;
    let log = dumps.first().and_then(|dump| dump.logs.get("orders-0")).expect("the log");
    let mut broken = 0;
    for (id, from, follower) in followers {
        let seen = follower.up_to(log.end).await;
        let expected = log.records.get(usize::try_from(from).unwrap()..).expect("what came since");
        assert_eq!(seen.records.len(), expected.len(), "from node {id}, offset {from}");
        for (seen, expected) in seen.records.iter().zip(expected) {
            assert_eq!(seen, expected, "from node {id}, offset {from}");
        }
        assert!(seen.opened > 0);
        broken += seen.ends.len();
    }
    println!("{broken} tails have ended on the way");
    assert!(broken >= KILLS, "kills that end no tail prove nothing");
}

/// Larger than all that may lie between a node and a reader.
const LARGE_PAYLOAD_BYTES: usize = 64 << 10;
const LARGE_RECORDS: u64 = 96;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_misses_nothing_and_holds_nobody_up() {
    let cluster = Cluster::start("slow-reader").await;
    let history = cluster.history();
    let mut tails = Vec::new();
    for node in cluster.nodes() {
        let client = Client::with_little_room(node.plan().client_address, DEADLINE);
        tails.push((node.id(), client.tail("scans", 0, Consistency::Linearizable).await.unwrap()));
    }
    for number in 0..LARGE_RECORDS {
        let id = sample::id(0, number);
        let payloads = sample::payloads(&id, 1, LARGE_PAYLOAD_BYTES);
        let operation = history.operation(0, "scans", &id, &payloads);
        let attempt = history.invoke(operation, 1);
        let answer = cluster.node(1).client_with_deadline(DEADLINE).append("scans", &id, &payloads).await;
        history.complete(attempt, answer.clone());
        answer.expect("readers that pause hold no append up");
    }
    // One of the paused readers' nodes goes, with what it had read for it.
    let kills = LeaderKills::new(&cluster, &history);
    kills.kill_one().await;
    judge(&cluster, &history).await;

    let dumps = cluster.dump(&cluster.ids()).await;
    let log = dumps.first().and_then(|dump| dump.logs.get("scans")).expect("the log");
    assert_eq!(log.end, LARGE_RECORDS);
    let mut ended = 0;
    for (id, mut pages) in tails {
        let (mut next, mut seen) = (0, Vec::new());
        while next < log.end {
            match pages.message().await {
                Ok(page) => seen.extend(in_turn(page.expect("a tail ends only with an error"), &mut next)),
                Err(_its_node_was_killed) => {
                    ended += 1;
                    let rest = Follower::start(clients_from(&cluster, id), "scans", next).up_to(log.end).await;
                    seen.extend(rest.records);
                    break;
                }
            }
        }
        assert!(seen.iter().eq(&log.records), "the reader at node {id} has seen something else than what is there");
    }
    assert_eq!(ended, 1, "one node was killed");
}

async fn page(pages: &mut Streaming<TailResponse>) -> TailResponse {
    let page = tokio::time::timeout(PATIENCE, pages.message()).await.expect("a page comes in time");
    page.expect("the tail goes on").expect("a tail ends only with an error")
}

fn log_end(log: &str, end: u64) -> Condition {
    Condition::LogEnd(LogEndReached { log: log.to_owned(), end })
}

fn decided(id: &str) -> Condition {
    Condition::Decided(IdDecided { id: Some(CommandId { text: id.to_owned(), birth_ms: None }) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_and_an_id_that_are_not_there_yet_are_waited_for() {
    let cluster = Cluster::start("wait-for-first").await;
    let (mut tails, mut waits) = (Vec::new(), Vec::new());
    for node in cluster.nodes() {
        let client = node.client_with_deadline(PATIENCE);
        let mut tail = client.tail("orders", 0, Consistency::Linearizable).await.unwrap();
        let greeting = page(&mut tail).await;
        assert_eq!((greeting.records.len(), greeting.next, greeting.end), (0, 0, 0), "at node {}", node.id());
        tails.push(tail);
        for condition in [log_end("orders", 2), decided("order-2"), decided("order-3")] {
            let client = client.clone();
            waits.push(tokio::spawn(
                async move { client.wait(condition).await.map(|met| met.found.expect("it was met")) },
            ));
        }
    }

    let payloads = [Bytes::from_static(b"two tickets")];
    let client = cluster.node(1).client();
    client.append("orders", "order-1", &payloads).await.unwrap();
    for tail in &mut tails {
        let first = page(tail).await;
        assert_eq!((first.next, first.start), (1, 0));
        let [record] = first.records.try_into().unwrap();
        assert_eq!(
            (record.offset, record.payload, record.id.unwrap().text.as_str()),
            (0, payloads[0].clone(), "order-1")
        );
    }
    // The condition is about the second append, and each wait is on the way still.
    assert!(waits.iter().all(|wait| !wait.is_finished()), "the log ends at 1, and nothing else was decided");

    let second = client.append("orders", "order-2", &payloads).await.unwrap().place;
    client.cancel("order-3").await.unwrap();
    let mut found = Vec::new();
    for wait in waits {
        found.push(tokio::time::timeout(PATIENCE, wait).await.expect("a wait ends in time").unwrap().unwrap());
    }
    for found in found.chunks(3) {
        let [Found::LogEnd(end), Found::Decided(applied), Found::Decided(cancelled)] = found else {
            panic!("{found:?}")
        };
        assert_eq!(*end, 2);
        let [applied, cancelled] = [applied, cancelled].map(|decided| decided.outcome.as_ref().unwrap());
        assert_eq!(place(applied), Some(second));
        assert!(matches!(cancelled.verdict, Some(Verdict::Cancelled(_))), "{cancelled:?}");
    }
    // What holds already is said at once, at every node: linearizable is what was asked for.
    for node in cluster.nodes() {
        let met = node.client().wait(log_end("orders", 1)).await.unwrap();
        assert_eq!(met.found, Some(Found::LogEnd(2)), "at node {}", node.id());
        assert!(met.applied_index > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_in_vain_ends_at_its_deadline_and_says_how_far_the_node_was() {
    let cluster = Cluster::start("wait-in-vain").await;
    let payloads = [Bytes::from_static(b"two tickets")];
    cluster.node(1).client().append("orders", "order-1", &payloads).await.unwrap();
    for node in cluster.nodes() {
        for condition in [log_end("orders", 2), log_end("no-such-log", 1), decided("order-2")] {
            // So short a time may be over before the first look is made, which says something else.
            let client = node.client_with_deadline(Duration::from_millis(500));
            let failure = client.wait(condition.clone()).await.expect_err("nothing fulfils it");
            let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
            assert_eq!(said, ("DeadlineExceeded", "TIMED_OUT", Effect::None), "{condition:?}: {failure}");
            let applied: u64 = failure.metadata.get("applied_index").expect("how far it was").parse().unwrap();
            let status = node.status().await.unwrap();
            assert!(applied > 0 && applied <= status.applied_index, "{applied}, {}", status.applied_index);
        }
    }
}

fn ended_unavailable(failure: &Failure) {
    let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
    assert_eq!(said, ("Unavailable", "NO_LEADER", Effect::None), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_tails_and_waits_end_and_go_on_at_another_node_later() {
    let cluster = Cluster::start("no-majority-to-follow").await;
    let payloads = [Bytes::from_static(b"two tickets")];
    cluster.node(1).client().append("orders", "order-1", &payloads).await.unwrap();
    for survivor_leads in [true, false] {
        let leader = cluster.leader().await;
        let survivor = if survivor_leads { leader } else { *cluster.others(leader).first().expect("a follower") };
        let client = cluster.node(survivor).client_with_deadline(PATIENCE);
        let mut tail = client.tail("orders", 0, Consistency::Linearizable).await.unwrap();
        assert_eq!(page(&mut tail).await.records.len(), 1);
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.wait(log_end("orders", 2)).await }
        });
        // It is on its way once a wait for what holds already, sent behind it, has been answered.
        client.wait(log_end("orders", 1)).await.unwrap();

        let killed = cluster.others(survivor);
        for id in &killed {
            cluster.node(*id).kill();
        }
        let ended = tokio::time::timeout(PATIENCE, tail.message()).await.expect("the tail ends");
        ended_unavailable(&Failure::from_status(&ended.expect_err("no leader is heard")));
        let ended = tokio::time::timeout(PATIENCE, waiting).await.expect("the wait ends").unwrap();
        ended_unavailable(&ended.expect_err("no leader is heard"));

        for id in &killed {
            cluster.node(*id).start();
        }
        cluster.serving(&cluster.ids()).await;
    }
    let follower = Follower::start(clients_from(&cluster, 2), "orders", 1);
    cluster.node(3).client().append("orders", "order-2", &payloads).await.unwrap();
    let seen = follower.up_to(2).await;
    assert_eq!(seen.records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["order-2"]);
}
