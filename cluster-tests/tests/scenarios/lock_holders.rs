//! Holders of locks that stand still: they learn that they have lost the lock, and what they write under it is refused.

use std::time::Duration;

use cluster_tests::client::{Client, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::command::{acquire, applied, command, found, lock_held, locked, put, record, release, results};
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::program::Program;
use cluster_tests::proto::action_result::Result as Got;
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::wait_request::Condition;
use cluster_tests::proto::{LockIsFree, SubmitRequest, SubmitResponse, Token};
use cluster_tests::seed;
use cluster_tests::wait::{PATIENCE, until};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What contenders fight for, and what they write under it.
const LOCK: &str = "hot";
const WRITES: &str = "hot.writes";
const LOCK_MS: u64 = 1_000;
const CONTENDERS: usize = 3;
const TERMS: usize = 12;
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

/// Takes the lock again and again, writes its token under it, and now and then writes once more when the lock is lost: so
/// late that somebody else may have it.
async fn contend(clients: Vec<Client>, name: String, mut random: StdRng) -> usize {
    let mut nodes = clients.iter().cycle();
    let mut next = || nodes.next().expect("a cycle has no end");
    let mut refused = 0;
    for number in 0..TERMS {
        // A refusal stands for its id: each attempt has another, and keeps it until it is answered.
        let mut attempt = 0;
        let token = loop {
            attempt += 1;
            let id = format!("{name}-{number}-{attempt}");
            let request = command(&id, vec![], vec![acquire(LOCK, &name, LOCK_MS)]);
            if let Ok(locked) = settled(&mut next, &request).await.map(|response| results(&response)) {
                let [Got::Locked(locked)] = locked.as_slice() else { panic!("{locked:?}") };
                break locked.token.expect("a lock is held by a token");
            }
            let free = Condition::LockFree(LockIsFree { lock: LOCK.to_owned() });
            // A hint, and so is its failure.
            drop(next().wait(free).await);
        };
        let waits = random.random_ratio(1, 3);
        if waits {
            let free = Condition::LockFree(LockIsFree { lock: LOCK.to_owned() });
            until("the lock is lost", PATIENCE, || {
                let waiting = next().wait(free.clone());
                async move { waiting.await.map_err(|failure| failure.to_string()) }
            })
            .await;
        }
        let text = format!("{} {}", token.history, token.sequence);
        let write =
            command(&format!("{name}-{number}-write"), vec![lock_held(LOCK, token)], vec![record(WRITES, text)]);
        let written = settled(&mut next, &write).await.is_ok();
        assert!(!(waits && written), "{name} has written by {token:?}, which it had lost");
        refused += usize::from(!written);
        if written {
            let id = format!("{name}-{number}-release");
            // Refused where it was lost since.
            drop(settled(&mut next, &command(&id, vec![], vec![release(LOCK, token)])).await);
        }
    }
    refused
}

/// Sends a command until it has an outcome.
async fn settled<'a>(
    next: &mut impl FnMut() -> &'a Client,
    request: &SubmitRequest,
) -> Result<SubmitResponse, Failure> {
    until(&format!("{:?} is answered", request.id), PATIENCE, || {
        let sending = next().command(request.clone());
        async move {
            match sending.await {
                Ok(response) => Ok(Ok(response)),
                Err(failure) if failure.outcome.is_some() => Ok(Err(failure)),
                Err(failure) => Err(failure.to_string()),
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_under_a_lock_come_in_the_order_of_their_tokens_while_leaders_are_killed() {
    let cluster = Cluster::start("lock-order").await;
    let mut random = seed::generator("writes_under_a_lock");
    let history = cluster.history();
    let kills = LeaderKills::new(&cluster, &history);
    let contenders = (0..CONTENDERS).map(|number| {
        let clients = cluster.clients(Duration::from_secs(3)).into_iter().map(|(_, client)| client).collect();
        contend(clients, format!("c{number}"), StdRng::seed_from_u64(random.random()))
    });
    let refused: usize = kills.during(join_all(contenders)).await.into_iter().sum();
    cluster.equal().await;
    let writes = cluster.node(1).client().texts(WRITES).await;
    let tokens: Vec<(u64, u64)> = writes
        .iter()
        .map(|text| {
            text.split_once(' ').map(|(history, sequence)| (history.parse().unwrap(), sequence.parse().unwrap()))
        })
        .map(Option::unwrap)
        .collect();
    println!("{} writes, {refused} refused, {} leaders killed", tokens.len(), kills.count());
    assert!(refused > 0 && !tokens.is_empty() && kills.count() > 0, "such a run proves nothing");
    assert!(
        tokens.is_sorted_by(|one, next| one < next),
        "a later holder's write comes before an earlier one's: {tokens:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contenders_of_whom_one_stands_still_do_each_job_once() {
    let cluster = Cluster::start("lock-contenders").await;
    let names = ["one", "two", "three"];
    let mut workers: Vec<_> =
        names.iter().map(|name| Program::example(&cluster, "worker_pool", &[name, "200"])).collect();
    // One of them stands still for a while, with whatever it holds.
    workers[0].printed(2).await;
    workers[0].pause();
    workers[1].says("12 jobs are done").await;
    workers[0].resume();
    let mut done: Vec<String> = Vec::new();
    for worker in workers {
        let ended = worker.ended().await.succeeded();
        let lines = ended.lines.iter().filter_map(|line| line.split_once(" is done by "));
        done.extend(lines.map(|(lock, _)| lock.to_owned()));
    }
    done.sort();
    let expected: Vec<_> = (0..12).map(|job| format!("pool/job-{job:02}")).collect();
    assert_eq!(done, expected, "each job was done under its lock by one of them");
    let log = cluster.node(1).client_with_deadline(Duration::from_secs(5)).log("pool.results").await.unwrap();
    assert_eq!(log.end, 12);
    cluster.equal().await;
}
