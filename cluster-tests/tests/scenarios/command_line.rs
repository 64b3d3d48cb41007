//! The command as scripts use it: what it answers, how it ends, and what is left when it is killed.

use std::time::Duration;

use cluster_tests::cluster::Cluster;
use cluster_tests::program::{Ended, Program, number, text};
use cluster_tests::seed;
use cluster_tests::wait::{PATIENCE, until};
use nix::sys::signal::Signal;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::sleep;

async fn run(cluster: &Cluster, arguments: &[&str]) -> Ended {
    Program::start(cluster, &cluster.ids(), &[arguments, &["-o", "jsonl"]].concat()).ended().await
}

/// Insists on how it ends.
async fn ends(cluster: &Cluster, arguments: &[&str], code: i32) {
    let _ended = run(cluster, arguments).await.with_code(code);
}

/// The one line that it prints when it succeeds.
async fn answer(cluster: &Cluster, arguments: &[&str]) -> Value {
    let mut lines = run(cluster, arguments).await.succeeded().json();
    assert_eq!(lines.len(), 1, "{arguments:?}");
    lines.remove(0)
}

/// What it says of a refusal.
async fn refusal(cluster: &Cluster, arguments: &[&str]) -> Value {
    let said = run(cluster, arguments).await.with_code(5).said;
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    said.pointer("/error/refusal").expect("it says what was found").clone()
}

fn file(cluster: &Cluster, name: &str, document: &Value) -> String {
    let path = cluster.directory().join(name);
    std::fs::write(&path, document.to_string()).expect("write a command");
    path.to_str().expect("a path in UTF-8").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_submitted_refused_undone_and_looked_up() {
    let cluster = Cluster::start("submitted").await;
    answer(&cluster, &["put", "balance/ada", "--integer", "30"]).await;
    let pay = json!({"actions": [
        {"add": {"key": "balance/ada", "amount": -50, "least": 0}},
        {"append": {"log": "payments", "records": [{"payload": "50 from ada"}]}}]});
    let pay = file(&cluster, "pay.json", &pay);
    let found = json!({"step": "action", "index": 0, "found": "out_of_bounds", "value": 30});
    assert_eq!(refusal(&cluster, &["submit", &pay, "--id", "pay-1"]).await, found);
    let sum = answer(&cluster, &["add", "balance/ada", "100"]).await;
    assert_eq!(sum.get("integer"), Some(&json!(130)));
    // A refusal stands for its id, and a new id is another command.
    assert_eq!(refusal(&cluster, &["submit", &pay, "--id", "pay-1"]).await, found);
    let first = answer(&cluster, &["submit", &pay, "--id", "pay-2"]).await;
    assert_eq!(first.pointer("/results/0/added/value"), Some(&json!(80)));
    let again = answer(&cluster, &["submit", &pay, "--id", "pay-2"]).await;
    assert_eq!((again.get("replayed"), again.get("results")), (Some(&json!(true)), first.get("results")));

    let undo = json!({"actions": [{"compensate": {"target": "pay-2"}}, {"add": {"key": "balance/ada", "amount": 50}}]});
    let undo = file(&cluster, "undo.json", &undo);
    answer(&cluster, &["submit", &undo, "--id", "undo-2"]).await;
    let fate = answer(&cluster, &["lookup", "pay-2"]).await;
    assert_eq!((text(&fate, "fate"), text(&fate, "compensated_by")), ("compensated", "undo-2"));
    let by = refusal(&cluster, &["submit", &undo, "--id", "undo-3"]).await;
    assert_eq!((text(&by, "found"), text(&by, "by")), ("already_compensated", "undo-2"));
    let late = run(&cluster, &["cancel", "pay-2"]).await.with_code(5);
    assert!(late.said.contains("it has taken effect already"), "{}", late.said);
    assert_eq!(answer(&cluster, &["get", "balance/ada"]).await.get("integer"), Some(&json!(130)));

    let malformed = json!({"actions": [{"add": {"key": "balance/ada", "amount": "50"}}]});
    let malformed = run(&cluster, &["submit", &file(&cluster, "malformed.json", &malformed)]).await.with_code(2);
    assert!(malformed.said.contains("actions[0].add.amount"), "{}", malformed.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_is_written_only_if_it_is_as_it_was_seen() {
    let cluster = Cluster::start("guarded-cell").await;
    ends(&cluster, &["get", "job"], 4).await;
    let made = answer(&cluster, &["put", "job", "waiting", "--if-absent"]).await;
    let version = number(&made, "version").to_string();
    let found = refusal(&cluster, &["put", "job", "waiting", "--if-absent"]).await;
    assert_eq!((text(&found, "found"), number(&found, "version").to_string()), ("cell_version", version.clone()));
    answer(&cluster, &["put", "job", "running", "--if-version", &version]).await;
    refusal(&cluster, &["put", "job", "running", "--if-version", &version]).await;
    let seen = answer(&cluster, &["get", "job"]).await;
    assert_eq!(text(&seen, "value"), "running");
    answer(&cluster, &["delete", "job", "--if-version", &number(&seen, "version").to_string()]).await;
    ends(&cluster, &["get", "job"], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_has_left_in_an_outbox_is_settled() {
    let cluster = Cluster::start("settled-outbox").await;
    let path = cluster.directory().join("outbox");
    let path = path.to_str().expect("a path in UTF-8");
    cluster.kill_all();
    // What the first run has left may have taken effect, for all that the second knows.
    for (id, code) in [("order-1", 3), ("order-2", 6)] {
        let arguments = ["append", "orders", "two tickets", "--id", id, "--outbox", path, "--timeout", "200ms"];
        ends(&cluster, &arguments, code).await;
    }
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    answer(&cluster, &["append", "orders", "two tickets", "--id", "order-2"]).await;

    let fates = run(&cluster, &["settle", "--outbox", path]).await.with_code(4).json();
    assert_eq!(fates.iter().map(|fate| text(fate, "fate")).collect::<Vec<_>>(), ["unknown", "applied"]);
    let fates = run(&cluster, &["settle", "--outbox", path, "--cancel"]).await.succeeded().json();
    assert_eq!(fates.iter().map(|fate| text(fate, "fate")).collect::<Vec<_>>(), ["cancelled"]);
    assert_eq!(run(&cluster, &["settle", "--outbox", path]).await.succeeded().json(), Vec::<Value>::new());
    ends(&cluster, &["append", "orders", "two tickets", "--id", "order-1"], 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_under_a_lock_ends_as_it_would_alone_and_the_lock_is_free_again() {
    let cluster = Cluster::start("lock-run").await;
    let script = "echo $ONCELOG_LOCK $ONCELOG_LOCK_TOKEN; exit 9";
    let ended = run(&cluster, &["lock", "run", "nightly", "--", "sh", "-c", script]).await;
    // What follows -- is the command's, -o included; sh takes it for an argument of the script.
    let ended = ended.with_code(9);
    let line = ended.lines.first().expect("it was told its token");
    assert!(line.starts_with("nightly ") && line.contains('/'), "{line}");
    ends(&cluster, &["lock", "describe", "nightly"], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_ended_when_its_lock_may_be_lost() {
    let cluster = Cluster::start("lock-lost").await;
    let script = "echo running; sleep 600 & wait";
    let arguments = ["lock", "run", "nightly", "--time", "2s", "--", "sh", "-c", script];
    let mut program = Program::start(&cluster, &cluster.ids(), &arguments);
    program.printed(1).await;
    cluster.kill_all();
    let ended = program.ended().await.with_code(6);
    assert!(ended.said.contains("lock `nightly` may be lost"), "{}", ended.said);
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    // Its time goes on when the cluster does, and then anybody may have it.
    let holder = ["lock", "run", "nightly", "--wait", "60s", "--", "true"];
    let _ended = Program::start(&cluster, &cluster.ids(), &holder).ended().await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_lost_after_a_signal_is_a_doubt_too() {
    let cluster = Cluster::start("lock-lost-late").await;
    let script = "trap '' TERM; echo running; sleep 600 & wait";
    let arguments = ["lock", "run", "nightly", "--time", "2s", "--grace", "600s", "--", "sh", "-c", script];
    let mut program = Program::start(&cluster, &cluster.ids(), &arguments);
    program.printed(1).await;
    program.signal(Signal::SIGTERM);
    cluster.kill_all();
    let ended = program.ended().await.with_code(6);
    assert!(ended.said.contains("lock `nightly` may be lost"), "{}", ended.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_even_where_nobody_reads() {
    let cluster = Cluster::start("nobody-reads").await;
    let (program, reader) = Program::start_unread(&cluster, &cluster.ids(), &["lookup", "pay-1"]);
    drop(reader);
    let _ended = program.ended().await.with_code(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_into_a_missing_space_finds_nothing() {
    let cluster = Cluster::start("batch-nowhere").await;
    let path = cluster.directory().join("batch");
    std::fs::write(&path, "one\ntwo\n").expect("write a batch");
    let path = path.to_str().expect("a path in UTF-8");
    ends(&cluster, &["append", "orders", "--batch", path, "--space", "nowhere"], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_does_not_outlive_the_terminal_of_the_process_that_holds_its_lock() {
    let cluster = Cluster::start("lock-hangup").await;
    let arguments = ["lock", "run", "nightly", "--", "sh", "-c", "echo running; sleep 600 & wait"];
    let mut program = Program::start(&cluster, &cluster.ids(), &arguments);
    program.printed(1).await;
    program.signal(Signal::SIGHUP);
    let _ended = program.ended().await.with_code(143);
    // It was given back, not left to expire.
    let _once = run(&cluster, &["lock", "run", "nightly", "--wait", "0s", "--", "true"]).await.succeeded();
}

const RECORDS: usize = 400;
const KILLS: usize = 8;

/// The consumer is killed at any moment; each line that its command printed is in the other log once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_makes_of_a_log_is_there_once_however_often_it_is_killed() {
    let cluster = Cluster::start("consumed").await;
    let mut random = seed::generator("consumed");
    let path = cluster.directory().join("orders");
    let lines: Vec<_> = (0..RECORDS).map(|number| format!("order {number}\n")).collect();
    std::fs::write(&path, lines.concat()).expect("write the orders");
    let path = path.to_str().expect("a path in UTF-8");
    ends(&cluster, &["append", "orders", "--batch", path, "--id-prefix", "order-"], 0).await;

    // The payload is the last field: what is before it and behind it goes.
    let exec = r#"sed -e 's/.*"payload":"order \([0-9]*\)".*/mail \1/'"#;
    let common = ["tail", "orders", "--reader", "mailer", "--exec", exec, "--into", "mails", "--batch", "7"];
    for _ in 0..KILLS {
        let program = Program::start(&cluster, &cluster.ids(), &common);
        sleep(Duration::from_millis(random.random_range(20..250))).await;
        program.kill();
    }
    until("the consumer comes to the end", PATIENCE, || async {
        ends(&cluster, &[&common[..], &["--once"]].concat(), 0).await;
        let at = answer(&cluster, &["reader", "describe", "mailer", "orders"]).await;
        if number(&at, "behind") == 0 { Ok(()) } else { Err(at.to_string()) }
    })
    .await;
    let mails = run(&cluster, &["read", "mails"]).await.succeeded().json();
    let found: Vec<_> = mails.iter().map(|mail| text(mail, "payload").to_owned()).collect();
    let expected: Vec<_> = (0..RECORDS).map(|number| format!("mail {number}")).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_readers_and_spaces_are_deleted_each_by_a_command_with_an_id() {
    let cluster = Cluster::start("deletes").await;
    answer(&cluster, &["append", "orders", "one", "--id", "first"]).await;
    answer(&cluster, &["reader", "move", "billing", "orders", "end"]).await;
    let moved = answer(&cluster, &["reader", "describe", "billing", "orders"]).await;
    let version = number(&moved, "version").to_string();

    let delete = ["reader", "delete", "billing", "orders"];
    let elsewhere = [&delete[..], &["--if-at", "0", "--if-version", "0"]].concat();
    assert_eq!(text(&refusal(&cluster, &elsewhere).await, "found"), "position");
    let seen = [&delete[..], &["--if-at", "1", "--if-version", &version, "--id", "delete-reader"]].concat();
    let deleted = answer(&cluster, &seen).await;
    assert_eq!(answer(&cluster, &seen).await.get("replayed"), Some(&json!(true)));
    assert_eq!(text(&refusal(&cluster, &delete).await, "found"), "no_reader");
    let after = answer(&cluster, &["reader", "describe", "billing", "orders"]).await;
    assert_eq!((number(&after, "offset"), number(&after, "version")), (0, number(&deleted, "version")));
    assert_eq!(after.get("time_ms"), None, "it is at no place that it was moved to");

    let gone = answer(&cluster, &["log", "delete", "orders", "--id", "delete-log"]).await;
    assert_eq!((text(&gone, "name"), number(&gone, "end")), ("orders", 1));
    ends(&cluster, &["log", "describe", "orders"], 4).await;
    ends(&cluster, &["read", "orders"], 4).await;
    assert_eq!(text(&refusal(&cluster, &["log", "delete", "orders"]).await, "found"), "no_log");
    let again = answer(&cluster, &["append", "orders", "one", "--id", "first"]).await;
    assert_eq!(again.get("replayed"), Some(&json!(true)));
    answer(&cluster, &["append", "orders", "two"]).await;
    let log = answer(&cluster, &["log", "describe", "orders"]).await;
    assert_eq!((number(&log, "start"), number(&log, "end")), (1, 2));

    answer(&cluster, &["space", "create", "trial"]).await;
    answer(&cluster, &["put", "greeting", "hello", "--space", "trial"]).await;
    let asked = run(&cluster, &["space", "delete", "trial"]).await.with_code(2);
    assert!(asked.said.contains("--yes"), "{}", asked.said);
    answer(&cluster, &["get", "greeting", "--space", "trial"]).await;
    answer(&cluster, &["space", "delete", "trial", "--yes", "--id", "delete-space"]).await;
    let late = run(&cluster, &["put", "greeting", "again", "--space", "trial"]).await.with_code(4);
    assert!(late.said.contains("was deleted"), "{}", late.said);
    assert_eq!(text(&refusal(&cluster, &["space", "create", "trial"]).await, "found"), "space_deleted");
    ends(&cluster, &["space", "delete", "main", "--yes"], 2).await;
}
