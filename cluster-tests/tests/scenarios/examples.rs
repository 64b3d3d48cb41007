//! The examples that people read are run as they stand, while leaders are killed and they are killed themselves: they end by
//! themselves, and what they leave behind is what they promise, looked at from outside.

use std::collections::BTreeSet;

use cluster_tests::cluster::Cluster;
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::program::Program;
use cluster_tests::seed;
use rand::RngExt as _;

/// How often an example is killed before it is let to its end.
const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_runs_against_a_real_cluster() {
    let cluster = Cluster::start("documented-example").await;
    let ended = Program::example(&cluster, "client", &[]).ended().await.succeeded();
    assert!(ended.lines.contains(&"paid at offset 101".to_owned()), "{:?}", ended.lines);
}

/// Runs an example: killed several times, then to its end, then once more from the beginning, always among falling leaders.
async fn run(cluster: &Cluster, name: &str) {
    let mut random = seed::generator(name);
    let history = cluster.history();
    let kills = LeaderKills::new(cluster, &history);
    kills
        .during(async {
            for _ in 0..KILLS {
                let mut program = Program::example(cluster, name, &[]);
                program.printed(random.random_range(0..4)).await;
                program.kill();
            }
            for _ in 0..2 {
                drop(Program::example(cluster, name, &[]).ended().await.succeeded());
            }
        })
        .await;
    println!("{name}: {} leaders were killed", kills.count());
    cluster.equal().await;
}

/// The number in a cell.
async fn cell(cluster: &Cluster, key: &str) -> i64 {
    cluster.node(1).client().number(key).await
}

/// The keys of the cells that begin so.
async fn cells(cluster: &Cluster, prefix: &str) -> Vec<String> {
    let page = cluster.node(1).client().cells("", prefix, 1_000).await.expect("list cells");
    assert!(!page.more);
    page.cells.into_iter().map(|cell| cell.key).collect()
}

/// The payloads of a log.
async fn log(cluster: &Cluster, name: &str) -> Vec<String> {
    cluster.node(1).client().texts(name).await
}

fn distinct(texts: &[String]) -> usize {
    texts.iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_made_once_while_leaders_are_killed() {
    let cluster = Cluster::start("example-payment").await;
    run(&cluster, "payment").await;
    let mut balances = Vec::new();
    for owner in ["ada", "bob", "eve"] {
        balances.push(cell(&cluster, &format!("payment/balance/{owner}")).await);
    }
    assert_eq!(balances, [0, 130, 170]);
    assert_eq!(log(&cluster, "payment.audit").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_take_stock_and_are_shipped_once_while_leaders_are_killed() {
    let cluster = Cluster::start("example-order").await;
    run(&cluster, "order").await;
    let placed = cells(&cluster, "order/placed/").await;
    let mut sold = 0;
    for order in &placed {
        sold += cell(&cluster, order).await;
    }
    assert_eq!(sold + cell(&cluster, "order/stock/lamp").await, 20);

    run(&cluster, "shipment").await;
    let (outbox, shipped) = (log(&cluster, "order.outbox").await, log(&cluster, "shipment.log").await);
    assert_eq!(shipped, outbox);
    assert_eq!((outbox.len(), distinct(&outbox)), (placed.len(), placed.len()));
    assert_eq!(cells(&cluster, "shipment/").await.len(), placed.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enriched_log_is_the_image_of_its_input_while_leaders_are_killed() {
    let cluster = Cluster::start("example-enrich").await;
    run(&cluster, "enrich").await;
    let input = log(&cluster, "enrich.visits").await;
    let expected: Vec<_> = input.iter().map(|visit| format!("{visit}, from {}", city(visit))).collect();
    assert_eq!(log(&cluster, "enrich.visits-with-city").await, expected);
    assert_eq!(input.len(), 200);
}

fn city(visit: &str) -> &'static str {
    match visit.split(' ').next() {
        Some("ada") => "London",
        Some("bob") => "Paris",
        _ => "Rome",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_ends_whole_or_undone_while_leaders_are_killed() {
    let cluster = Cluster::start("example-saga").await;
    run(&cluster, "saga").await;
    let mut left = Vec::new();
    for what in ["seats", "rooms", "money"] {
        left.push(cell(&cluster, &format!("saga/{what}")).await);
    }
    assert_eq!(left, [8, 8, 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_workers_does_each_job_once_while_leaders_are_killed() {
    let cluster = Cluster::start("example-worker-pool").await;
    run(&cluster, "worker_pool").await;
    let results = log(&cluster, "pool.results").await;
    assert_eq!((results.len(), distinct(&results)), (12, 12));
    assert_eq!(cells(&cluster, "pool/done/").await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_filled_once_while_leaders_are_killed() {
    let cluster = Cluster::start("example-cache").await;
    run(&cluster, "cache").await;
    let fills = log(&cluster, "cache.fills").await;
    assert_eq!(fills.iter().cloned().collect::<BTreeSet<_>>(), cells(&cluster, "cache/").await.into_iter().collect());
    assert_eq!(fills.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_what_its_events_say_while_leaders_are_killed() {
    let cluster = Cluster::start("example-account").await;
    run(&cluster, "account").await;
    let events = log(&cluster, "account.ada").await;
    let mut balance = 0;
    for event in &events {
        balance += event.split_once(' ').unwrap().1.parse::<i64>().unwrap();
        assert!(balance >= 0, "{events:?}");
    }
    let names: Vec<_> = events.iter().map(|event| event.split_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!((events.len(), distinct(&names)), (21, 21));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_leave_nothing_out_while_leaders_are_killed() {
    let cluster = Cluster::start("example-members").await;
    run(&cluster, "members").await;
    let done = log(&cluster, "members.out").await;
    assert_eq!((done.len(), distinct(&done)), (300, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn device_events_count_once_or_are_set_aside_while_leaders_are_killed() {
    let cluster = Cluster::start("example-devices").await;
    run(&cluster, "devices").await;
    let aside = log(&cluster, "devices.too-old").await;
    assert_eq!((aside.len(), distinct(&aside)), (6, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn amendments_of_a_record_are_all_audited_while_leaders_are_killed() {
    let cluster = Cluster::start("example-patient").await;
    run(&cluster, "patient").await;
    let (record, audit) = (log(&cluster, "patient.4711").await, log(&cluster, "patient.audit").await);
    assert_eq!((record.len(), distinct(&record)), (21, 21));
    assert_eq!(audit.len(), 20);
    for (finding, entry) in record.iter().skip(1).zip(&audit) {
        assert!(entry.ends_with(&format!("adds `{finding}`")), "{entry}");
    }
}
