//! The client library, through the program that people run: whatever happens to the nodes or to the program itself, what
//! was given is there once and in order.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use cluster_tests::cluster::Cluster;
use cluster_tests::history::Content;
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::oracle::Stored;
use cluster_tests::program::{Program, json, number, text, write_lines};
use cluster_tests::seed;
use rand::RngExt as _;
use serde_json::Value;

/// The lines of a batch.
fn lines(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{number:06} two tickets to the moon")).collect()
}

fn file_of(cluster: &Cluster, lines: &[String]) -> PathBuf {
    let path = cluster.directory().join("batch");
    std::fs::write(&path, lines.join("\n")).expect("write a batch");
    path
}

/// The records of a log, which are the same on all nodes.
async fn records(cluster: &Cluster, log: &str) -> Vec<Stored> {
    cluster.agreed(&cluster.ids()).await;
    let mut dumps = cluster.dump(&cluster.ids()).await;
    let first = dumps.pop().and_then(|mut dump| dump.logs.remove(log)).expect("the log is there");
    assert!(dumps.iter().all(|dump| dump.logs.get(log) == Some(&first)), "the nodes differ");
    first.records.clone()
}

/// Every line is there once, in its order, under the id that its number makes.
async fn all_once_and_in_order(cluster: &Cluster, lines: &[String]) {
    let records = records(cluster, "orders").await;
    let found: Vec<(&Content, &str)> = records.iter().map(|record| (&record.content, record.id.as_str())).collect();
    assert_eq!(found.len(), lines.len());
    for ((line, number), (content, id)) in lines.iter().zip(1..).zip(found) {
        assert_eq!((content, id), (&Content::of(line.as_bytes()), format!("day-7/{number}").as_str()));
    }
}

/// Where the program said that each id is, and whether it was an earlier arrival's answer.
fn told(answers: &[Value]) -> BTreeMap<String, (u64, bool)> {
    let mut told = BTreeMap::new();
    for answer in answers {
        let replayed = answer.get("replayed").and_then(Value::as_bool).expect("whether it is a replay");
        let before = told.insert(text(answer, "id").to_owned(), (number(answer, "offset"), replayed));
        assert_eq!(before, None, "{answer} comes twice");
    }
    told
}

const ROUNDS: usize = 5;
const ROUND_LINES: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_and_a_tail_go_on_while_leaders_are_killed() {
    let cluster = Cluster::start("batch-leader-killed").await;
    let lines = lines(ROUNDS * ROUND_LINES);
    let limit = lines.len().to_string();
    let tail =
        Program::start(&cluster, &[3, 1, 2], &["tail", "orders", "--from", "0", "--limit", &limit, "-o", "jsonl"]);
    let arguments = ["append", "orders", "--id-prefix", "day-7/", "-o", "jsonl", "--timeout", "60s", "--batch"];
    let mut batch = Program::start(&cluster, &[1, 2, 3], &[&arguments[..], &["-", "--in-flight", "64"]].concat());
    let mut input = batch.input();
    for (round, given) in lines.chunks(ROUND_LINES).enumerate() {
        let (before, after) = given.split_at(ROUND_LINES / 2);
        write_lines(&mut input, before);
        batch.printed(round * ROUND_LINES + ROUND_LINES / 4).await;
        let leader = cluster.leader().await;
        cluster.node(leader).kill();
        // These are given while nobody leads.
        write_lines(&mut input, after);
        cluster.leader_among(&cluster.others(leader)).await;
        cluster.node(leader).start();
        cluster.serving(&cluster.ids()).await;
    }
    drop(input);
    let first = told(&batch.ended().await.succeeded().json());
    all_once_and_in_order(&cluster, &lines).await;
    let expected: BTreeMap<String, u64> = (0..).take(lines.len()).map(|at| (format!("day-7/{}", at + 1), at)).collect();
    assert_eq!(first.iter().map(|(id, (offset, _))| (id.clone(), *offset)).collect::<BTreeMap<_, _>>(), expected);

    let seen = tail.ended().await.succeeded().json();
    let seen: Vec<_> = seen.iter().map(|record| (number(record, "offset"), text(record, "payload"))).collect();
    assert_eq!(seen.len(), lines.len());
    assert!(seen.into_iter().eq((0..).zip(lines.iter().map(String::as_str))), "the tail has printed something else");

    // The whole batch once more, from a file: everything is known.
    let file = file_of(&cluster, &lines);
    let again = Program::start(&cluster, &[2, 3, 1], &[&arguments[..], &[file.to_str().unwrap()]].concat());
    let again = told(&again.ended().await.succeeded().json());
    assert!(again.values().all(|(_, replayed)| *replayed), "a line was appended a second time");
    assert_eq!(again.iter().map(|(id, (offset, _))| (id.clone(), *offset)).collect::<BTreeMap<_, _>>(), expected);
    all_once_and_in_order(&cluster, &lines).await;
}

const PROGRAM_KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_killed_and_run_again_appends_every_line_once_and_in_order() {
    let cluster = Cluster::start("batch-killed").await;
    let history = cluster.history();
    let mut random = seed::generator("a_batch_that_is_killed");
    let lines = lines(2_000);
    let file = file_of(&cluster, &lines);
    let path = file.to_str().unwrap();
    let arguments = ["append", "orders", "--id-prefix", "day-7/", "-o", "jsonl", "--timeout", "60s", "--batch", path];
    let arguments = [&arguments[..], &["--in-flight", "8"]].concat();

    let mut told_before: BTreeMap<String, u64> = BTreeMap::new();
    let mut tell = |answers: &[Value]| {
        for (id, (offset, _)) in told(answers) {
            let before = *told_before.entry(id.clone()).or_insert(offset);
            assert_eq!(offset, before, "{id} was told another offset by another run");
        }
    };
    let kills = LeaderKills::new(&cluster, &history);
    kills
        .during(async {
            let mut killed = 0;
            while killed < PROGRAM_KILLS {
                let mut program = Program::start(&cluster, &[1, 2, 3], &arguments);
                // Each run first gets the answers of those before it: it must get further than they did.
                program.printed(random.random_range(1..lines.len() / 2)).await;
                let ended = program.kill();
                killed += usize::from(ended.status.signal() == Some(9));
                tell(&json(&ended.lines));
            }
        })
        .await;
    println!("{PROGRAM_KILLS} batches and {} leaders were killed", kills.count());
    let last = Program::start(&cluster, &[1, 2, 3], &arguments).ended().await.succeeded();
    tell(&last.json());
    assert_eq!(last.lines.len(), lines.len());
    all_once_and_in_order(&cluster, &lines).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_settled_from_the_command_line() {
    let cluster = Cluster::start("settle").await;
    let run = async |code: i32, arguments: &[&str]| {
        let arguments = [arguments, &["-o", "jsonl"]].concat();
        Program::start(&cluster, &[1, 2, 3], &arguments).ended().await.with_code(code)
    };
    let unknown = run(4, &["settle", "pay-1"]).await;
    assert_eq!(text(&unknown.json()[0], "fate"), "unknown");
    let cancelled = run(0, &["settle", "pay-1", "--cancel"]).await;
    assert_eq!(text(&cancelled.json()[0], "fate"), "cancelled");
    let refused = run(5, &["append", "orders", "paid", "--id", "pay-1"]).await;
    assert!(refused.lines.is_empty() && refused.said.contains("\"reason\":\"CANCELLED\""), "{refused:?}");

    run(0, &["append", "orders", "paid", "--id", "pay-2"]).await;
    let applied = run(0, &["settle", "pay-2", "--cancel"]).await;
    assert_eq!(text(&applied.json()[0], "fate"), "applied");
    let records = records(&cluster, "orders").await;
    assert_eq!(records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["pay-2"]);
}
