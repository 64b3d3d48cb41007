//! What one command or its retry does wrongly. One short story has all of it, and one bug at a time.

use cluster_tests::command::{add, applied, command, compensate, put};
use cluster_tests::history::{Content, Reuse};
use cluster_tests::oracle::Violation;
use cluster_tests::proto::outcome::Verdict;
use cluster_tests::wait::PATIENCE;

use super::trial::{LOG, Trial, bytes};
use super::{caught, clean};

/// Money that is there was paid in.
const MONEY: &str = "money";

async fn a_day_at_the_counter(bug: Option<&str>) -> Vec<Violation> {
    let trial = Trial::everywhere("counter", bug).await;
    let three = trial.choose("order-1", &["three", "records", "of one command"]);
    trial.done(1, &three).await;
    trial.look(1).await;
    trial.append_marked(2, "order-2").await;
    trial.done(3, &three).await;
    reuse(&trial).await;
    cancel(&trial).await;
    trial.append(1, "order-4").await;
    let mut found = money(&trial).await;
    found.extend(trial.judged().await);
    found
}

/// The first id comes with something else.
async fn reuse(trial: &Trial) {
    let other = bytes(&["something else"]);
    let contents = other.iter().map(|payload| Content::of(payload)).collect();
    let invoked = trial.history.now();
    let answer = trial.cluster.node(2).client().append(LOG, "order-1", &other).await;
    let (id, log, completed) = ("order-1".to_owned(), LOG.to_owned(), trial.history.now());
    let reuse = Reuse { id: id.into(), log: log.into(), contents, node: 2, invoked, completed, answer };
    trial.history.remember(reuse);
}

/// An id is cancelled and comes all the same.
async fn cancel(trial: &Trial) {
    let order = trial.choose("order-3", &["cancelled before it came"]);
    let answer = trial.cluster.node(1).client().cancel("order-3").await.expect("a cancel is answered");
    let outcome = answer.outcome.expect("a cancel answers the id's outcome");
    assert!(matches!(outcome.verdict, Some(Verdict::Cancelled(_))), "{outcome:?}");
    trial.cancelled(&order, &outcome);
    // It may be refused: that is for the oracle to judge.
    drop(trial.send(2, &order, PATIENCE).await);
}

/// A payment that never came is paid back.
async fn money(trial: &Trial) -> Vec<Violation> {
    let client = trial.cluster.node(1).client();
    applied(client, command("open", vec![], vec![put("account", 100)])).await;
    let pay_back = command("pay-back", vec![], vec![compensate("never-paid"), add("account", 10)]);
    client.command(pay_back).await.expect("there is nothing to undo, and that is an answer");
    match client.number("account").await {
        100 => Vec::new(),
        other => vec![Violation::new(MONEY, format!("100 were paid in, and there are {other}"))],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_without_a_bug_is_as_promised() {
    clean(&a_day_at_the_counter(None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_that_counts_as_a_retry_is_caught() {
    caught("P14", &a_day_at_the_counter(Some("reuse-ignored")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_told_to_be_the_first_is_caught() {
    caught("P3", &a_day_at_the_counter(Some("replay-told-as-first")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_not_remembered_is_caught() {
    caught("P10", &a_day_at_the_counter(Some("cancel-forgotten")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_given_twice_is_caught() {
    caught("P11", &a_day_at_the_counter(Some("offset-given-twice")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_record_is_caught() {
    caught("P4", &a_day_at_the_counter(Some("first-record-hidden")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_command_is_caught() {
    caught("P2", &a_day_at_the_counter(Some("half-a-command")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_byte_is_caught() {
    caught("P6", &a_day_at_the_counter(Some("byte-lost")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compensation_that_pays_back_what_was_never_taken_is_caught() {
    caught(MONEY, &a_day_at_the_counter(Some("undoing-of-nothing")).await);
}
