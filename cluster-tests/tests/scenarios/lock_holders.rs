//! Holders of locks that stand still: they learn that they have lost the lock, and what they write under it is refused.

use std::time::Duration;

use cluster_tests::cluster::Cluster;
use cluster_tests::command::{acquire, applied, command, found, lock_held, locked, put, release};
use cluster_tests::program::Program;
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::wait_request::Condition;
use cluster_tests::proto::{LockIsFree, Token};
use cluster_tests::wait::{PATIENCE, until};

const HOUR_MS: u64 = 3_600_000;

/// The token at the end of what a worker prints.
fn token(line: &str) -> Token {
    let (history, sequence) = line.rsplit(' ').next().and_then(|token| token.split_once('/')).expect("a token");
    let number = |text: &str| text.parse().expect("a number");
    Token { history: number(history), sequence: number(sequence) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_was_paused_learns_that_it_lost_the_lock_and_its_write_is_refused() {
    let cluster = Cluster::start("lock-holder-paused").await;
    let client = cluster.node(1).client_with_deadline(PATIENCE);
    // Longer than the lock's three seconds: it is renewed meanwhile.
    let mut worker = Program::example(&cluster, "worker_pool", &["sleeper", "5000"]);
    let before = token(&worker.says("pool/job-00 is held by").await);
    worker.pause();
    let free = Condition::LockFree(LockIsFree { lock: "pool/job-00".to_owned() });
    client.wait(free).await.expect("a lock whose holder stands still becomes free");
    // Somebody else takes it, and works.
    let taken = locked(&client, command("take", vec![], vec![acquire("pool/job-00", "other", HOUR_MS)])).await;
    let after = taken.token.unwrap();
    assert!((after.history, after.sequence) > (before.history, before.sequence), "a token grows");

    worker.resume();
    let lost = worker.says("pool/job-00 may be lost by").await;
    assert_eq!(token(&lost), before);
    let late = command("late", vec![lock_held("pool/job-00", before)], vec![put("pool/late", 1)]);
    let refused = client.command(late).await.expect_err("the lock is another's");
    assert!(matches!(found(&refused).1, Found::LockHeld(_) | Found::LockFree(_)), "{refused}");
    assert_eq!(client.cell("pool/done/00").await.unwrap(), None, "the paused holder has written nothing");

    // The worker comes back to the job when it is free again.
    applied(&client, command("give-back", vec![], vec![release("pool/job-00", after)])).await;
    until("the job is done", PATIENCE, || async {
        match client.cell("pool/done/00").await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("it is not".to_owned()),
            Err(failure) => Err(failure.to_string()),
        }
    })
    .await;
    worker.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn contenders_never_hold_a_lock_at_once_by_the_order_of_its_tokens() {
    let cluster = Cluster::start("lock-contenders").await;
    let names = ["one", "two", "three"];
    let mut workers: Vec<_> =
        names.iter().map(|name| Program::example(&cluster, "worker_pool", &[name, "200"])).collect();
    // One of them stands still for a while, with whatever it holds.
    workers[0].printed(2).await;
    workers[0].pause();
    workers[1].says("12 jobs are done").await;
    workers[0].resume();
    let mut spans = Vec::new();
    for worker in workers {
        let ended = worker.ended().await.succeeded();
        let done = ended.lines.iter().filter_map(|line| line.split_once(" is done by "));
        spans.extend(done.map(|(lock, _)| lock.to_owned()));
    }
    let count = spans.len();
    spans.sort();
    spans.dedup();
    assert_eq!((count, spans.len()), (12, 12), "each job was done under its lock by one of them");
    let log = cluster.node(1).client_with_deadline(Duration::from_secs(5)).log("pool.results").await.unwrap();
    assert_eq!(log.end, 12);
    cluster.equal().await;
}
