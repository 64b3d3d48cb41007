//! Many clients send one id to all nodes at the same moment, as a sender does whose retries overlap.

use std::time::Duration;

use cluster_tests::cluster::Cluster;
use cluster_tests::judgement::judge;
use cluster_tests::sample;
use futures::future::join_all;

const ROUNDS: u64 = 100;
const CLIENTS_PER_NODE: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn one_id_sent_to_all_nodes_at_once_takes_effect_once_in_a_hundred_rounds() {
    let cluster = Cluster::start("one-id-everywhere").await;
    let history = cluster.history();
    let clients: Vec<_> = (0..CLIENTS_PER_NODE).flat_map(|_| cluster.clients(Duration::from_secs(10))).collect();

    for round in 0..ROUNDS {
        let id = sample::id(0, round);
        let payloads = sample::payloads(&id, 1, 20);
        let operation = history.operation(0, "orders", &id, &payloads);
        let attempts = clients.iter().map(|(node, client)| {
            let attempt = history.invoke(operation, *node);
            let (id, payloads, history) = (&id, &payloads, &history);
            async move {
                let answer = client.append("orders", id, payloads).await;
                history.complete(attempt, answer.clone());
                answer.unwrap_or_else(|failure| panic!("node {node} refuses {id}: {failure}"))
            }
        });
        let answers = join_all(attempts).await;
        let first = answers.iter().filter(|answer| !answer.replayed).count();
        assert_eq!(first, 1, "in round {round} of a healthy cluster exactly one attempt is the first: {answers:?}");
        assert!(answers.iter().all(|answer| answer.place.first_offset == round), "round {round}: {answers:?}");
    }
    judge(&cluster, &history).await;
}
