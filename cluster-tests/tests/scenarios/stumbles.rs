//! What a newcomer types wrongly, or on a bad day: each is told in a sentence, and no value is lost on the way out.

use cluster_tests::cluster::Cluster;
use cluster_tests::program::{Ended, Program, text};
use serde_json::{Value, json};

async fn run(cluster: &Cluster, arguments: &[&str]) -> Ended {
    Program::start(cluster, &cluster.ids(), arguments).ended().await
}

/// The error that a command prints as JSON, and insists on its exit code.
async fn error(cluster: &Cluster, arguments: &[&str], code: i32) -> Value {
    let ended = run(cluster, &[arguments, &["-o", "json", "-q"]].concat()).await.with_code(code);
    let said: Value = serde_json::from_str(&ended.said).unwrap_or_else(|error| panic!("{error}: {}", ended.said));
    said.get("error").expect("an error").clone()
}

fn reason_and_effect(error: &Value) -> (&str, &str) {
    (text(error, "reason"), text(error, "effect"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_says_its_reason_and_its_effect_and_what_to_do() {
    let cluster = Cluster::start("told-errors").await;
    let missing = error(&cluster, &["get", "nowhere"], 4).await;
    assert_eq!(reason_and_effect(&missing), ("NO_SUCH_CELL", "none"));
    let missing = error(&cluster, &["read", "nowhere"], 4).await;
    assert_eq!(reason_and_effect(&missing), ("NO_SUCH_LOG", "none"));
    let usage = error(&cluster, &["append", "orders", "--id", "pay-1", "--birth-ms", "soon", "paid"], 2).await;
    assert_eq!(reason_and_effect(&usage), ("USAGE", "none"));
    let empty = error(&cluster, &["append", "orders"], 2).await;
    assert!(text(&empty, "message").contains("is empty"), "{empty}");
    let _allowed = run(&cluster, &["append", "orders", "--allow-empty"]).await.succeeded();

    // One that began and finds its place trimmed away.
    let _moved = run(&cluster, &["reader", "move", "mailer", "orders", "0"]).await.succeeded();
    let _trimmed = run(&cluster, &["log", "trim", "orders", "--before", "1"]).await.succeeded();
    let trimmed = error(&cluster, &["tail", "orders", "--reader", "mailer", "--exec", "cat", "--once"], 4).await;
    assert_eq!(reason_and_effect(&trimmed), ("TRIMMED", "none"));
    assert!(!text(&trimmed, "advice").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_and_plain_have_whole_values() {
    let cluster = Cluster::start("whole-values").await;
    let long = format!("one\ntwo, \"{}\"", "x".repeat(200));
    let _appended = run(&cluster, &["append", "orders", &long, "--id", "order-1"]).await.succeeded();
    let csv = run(&cluster, &["read", "orders", "-o", "csv"]).await.succeeded().lines;
    assert_eq!(csv.first().map(String::as_str), Some("offset,time,id,headers,payload,payload_base64\r"));
    let last = format!("two, \"\"{}\"\"\",\r", "x".repeat(200));
    assert_eq!(csv.last(), Some(&last));
    let plain = run(&cluster, &["read", "orders", "--from", "start", "-o", "plain"]).await.succeeded().lines;
    assert_eq!(plain.join("\n"), long);
    let table = run(&cluster, &["read", "orders"]).await.succeeded().lines;
    assert!(table.last().is_some_and(|line| line.contains(&"x".repeat(200))), "{table:?}");
    assert!(run(&cluster, &["read", "orders", "--from", "end", "-o", "plain"]).await.succeeded().lines.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_made_once_and_of_the_members_that_were_named() {
    let cluster = Cluster::start("made-twice").await;
    let peers = |ids: &[u64]| {
        ids.iter().map(|id| cluster.node(*id).plan().peer_address.to_string()).collect::<Vec<_>>().join(",")
    };
    let again = run(&cluster, &["init", "--peers", &peers(&cluster.ids())]).await.succeeded();
    assert!(again.said.contains("was made before"), "{}", again.said);
    let other = error(&cluster, &["init", "--peers", &peers(&[1, 2])], 5).await;
    assert_eq!(text(&other, "effect"), "none");
    assert!(text(&other, "message").contains(&cluster.node(3).plan().peer_address.to_string()), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_no_majority_answers_is_said_and_no_dead_leader_is_believed() {
    let cluster = Cluster::start("no-majority").await;
    let whole = run(&cluster, &["status"]).await.succeeded();
    assert!(whole.lines.iter().any(|line| line.contains("survives the loss of one")), "{:?}", whole.lines);
    let leader = cluster.leader().await;
    let survivor = *cluster.others(leader).first().expect("there are three nodes");
    for id in cluster.ids().into_iter().filter(|id| *id != survivor) {
        cluster.node(id).kill();
    }
    let table = run(&cluster, &["status", "--timeout", "2s"]).await.with_code(3).lines;
    assert!(table.iter().any(|line| line == "no majority: 1 of 3 nodes answer"), "{table:?}");
    let document = run(&cluster, &["status", "--timeout", "2s", "-o", "json"]).await.with_code(3).lines.join("\n");
    let document: Value = serde_json::from_str(&document).expect("a JSON document");
    assert_eq!((document.get("majority"), document.get("answering")), (Some(&json!(false)), Some(&json!(1))));
    for node in document.get("nodes").and_then(Value::as_array).expect("rows") {
        let claims = node.get("leader_id").is_some_and(|leader| !leader.is_null());
        assert!(!claims || node.get("leader_is_stale") == Some(&json!(true)), "{node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_nothing_answers_is_said_after_a_second_and_nothing_has_happened() {
    let cluster = Cluster::start("still-trying").await;
    cluster.kill_all();
    let arguments = ["append", "orders", "paid", "--timeout", "3s"];
    let loud = run(&cluster, &arguments).await.with_code(3);
    assert_eq!(loud.said.matches("still trying: ").count(), 1, "{}", loud.said);
    let quiet = run(&cluster, &[&arguments[..], &["-q"]].concat()).await.with_code(3);
    assert!(!quiet.said.contains("still trying"), "{}", quiet.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_printed_in_the_format_that_was_asked_for() {
    let cluster = Cluster::start("printed-settings").await;
    let config = ["config", "--node-id", "7", "--data-dir", "d", "-o"];
    let document = run(&cluster, &[&config[..], &["json"]].concat()).await.succeeded().lines.join("\n");
    let document: Value = serde_json::from_str(&document).expect("a JSON document");
    assert_eq!(document.pointer("/settings/0/value"), Some(&json!(7)));
    let csv = run(&cluster, &[&config[..], &["csv"]].concat()).await.succeeded().lines;
    assert_eq!(csv.get(1).map(String::as_str), Some("node_id,7,from --node-id\r"));
    let toml = run(&cluster, &[&config[..], &["table"]].concat()).await.succeeded().lines;
    assert_eq!(toml.first().map(String::as_str), Some("node_id = 7 # from --node-id"));
}
