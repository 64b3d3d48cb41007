//! Locks: held by a token, by the clock of the cluster, and free when their time is over, though nothing else happens.

use std::time::Duration;

use cluster_tests::cluster::Cluster;
use cluster_tests::command::{acquire, append, applied, command, found, lock_held, locked, release, renew};
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::wait_request::Condition;
use cluster_tests::proto::{Consistency, LockIsFree, wait_response};
use cluster_tests::wait::PATIENCE;
use futures::future::join_all;

const HOUR_MS: u64 = 3_600_000;

fn is_free(lock: &str) -> Condition {
    Condition::LockFree(LockIsFree { lock: lock.to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_expires_in_an_idle_cluster_and_whoever_waits_for_it_at_any_node_is_told() {
    let cluster = Cluster::start("lock-expires").await;
    let client = cluster.node(1).client();
    let held = locked(client, command("lock-1", vec![], vec![acquire("nightly", "worker 1", 1_500)])).await;
    let token = held.token.unwrap();
    let busy = cluster.node(2).client().command(command("lock-2", vec![], vec![acquire("nightly", "worker 2", 1_500)]));
    let Found::LockHeld(by) = found(&busy.await.expect_err("it is held")).1.clone() else { panic!("it is held") };
    assert_eq!((by.holder.as_str(), by.token), ("worker 1", Some(token)));

    let waiting = cluster.nodes().iter().map(|node| async move {
        let answer = node.client_with_deadline(PATIENCE).wait(is_free("nightly")).await.unwrap();
        assert_eq!(answer.found, Some(wait_response::Found::LockFree(cluster_tests::proto::LockFree {})));
        let reading = node.client().lock("nightly", Consistency::Local).await.unwrap();
        assert_eq!(reading.lock, None, "at node {}", node.id());
        assert!(reading.clock_ms >= held.expires_ms, "only the cluster's clock ends a lock");
    });
    join_all(waiting).await;

    let zombie = command("write", vec![lock_held("nightly", token)], vec![append("results", &["late"])]);
    assert!(matches!(found(&client.command(zombie).await.unwrap_err()).1, Found::LockFree(_)));
    let next = locked(client, command("lock-3", vec![], vec![acquire("nightly", "worker 2", HOUR_MS)])).await;
    let next = next.token.unwrap();
    assert!((next.history, next.sequence) > (token.history, token.sequence), "a token grows");
}

/// An idle cluster hears of the time once a second, and takes only so many rows away then.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_locks_that_expire_at_once_the_last_is_free_as_soon_as_its_time_is_over() {
    let cluster = Cluster::start("locks-expire").await;
    let client = cluster.node(1).client();
    let lock = |number: usize| format!("job-{number:04}");
    for batch in (0..1_000).collect::<Vec<_>>().chunks(100) {
        // The last takes longest to be taken away: of those that are due at once, names are in order.
        let actions = batch.iter().map(|number| acquire(&lock(*number), "worker", 3_000)).collect();
        applied(client, command(&format!("take-{:?}", batch.first()), vec![], actions)).await;
    }
    let last = lock(999);
    let expires_ms = client.lock(&last, Consistency::Linearizable).await.unwrap().lock.expect("just taken").expires_ms;
    cluster.node(2).client_with_deadline(PATIENCE).wait(is_free(&last)).await.unwrap();
    let clock_ms = cluster.node(2).client().lock(&last, Consistency::Local).await.unwrap().clock_ms;
    assert!(clock_ms < expires_ms + 5_000, "it was free at {expires_ms}, and told at {clock_ms}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_kept_by_its_token_through_leaders_and_given_back_by_it() {
    let cluster = Cluster::start("lock-renewed").await;
    let leader = cluster.leader().await;
    let client = cluster.node(cluster.others(leader)[0]).client();
    let held = locked(client, command("lock", vec![], vec![acquire("nightly", "worker 1", HOUR_MS)])).await;
    let token = held.token.unwrap();
    let renewed = locked(client, command("renew", vec![], vec![renew("nightly", token, 2 * HOUR_MS)])).await;
    assert_eq!(renewed.token, Some(token));
    assert!(renewed.expires_ms >= held.expires_ms + HOUR_MS);

    cluster.node(leader).kill();
    cluster.serving(&cluster.others(leader)).await;
    let reading = client.lock("nightly", Consistency::Linearizable).await.unwrap();
    assert_eq!(reading.lock.and_then(|lock| lock.token), Some(token));
    let waiting = cluster.node(cluster.others(leader)[1]).client_with_deadline(PATIENCE);
    let waiting = tokio::spawn(async move { waiting.wait(is_free("nightly")).await });
    applied(client, command("work", vec![lock_held("nightly", token)], vec![append("results", &["done"])])).await;
    applied(client, command("release", vec![], vec![release("nightly", token)])).await;
    waiting.await.unwrap().unwrap();
    let again = client.command(command("release-again", vec![], vec![release("nightly", token)])).await;
    assert!(matches!(found(&again.unwrap_err()).1, Found::LockFree(_)));
    cluster.node(leader).start();
    cluster.agreed(&cluster.ids()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_cluster_in_which_nothing_is_due_writes_nothing() {
    let cluster = Cluster::start("idle").await;
    let client = cluster.node(1).client();
    locked(client, command("lock", vec![], vec![acquire("long", "worker 1", HOUR_MS)])).await;
    // A lock that expires shows that time goes on; it takes one entry, and until then there is none.
    let short = locked(client, command("short", vec![], vec![acquire("short", "worker 1", 2_000)])).await;
    let before = cluster.agreed(&cluster.ids()).await[0].applied_index;
    let client = cluster.node(1).client_with_deadline(Duration::from_secs(30));
    let freed = client.wait(is_free("short")).await.unwrap();
    assert!(freed.applied_index > before);
    assert_eq!(cluster.agreed(&cluster.ids()).await[0].applied_index, before + 1, "until {}", short.expires_ms);
}
