//! Whose time it is, and what it makes the cluster forget.

use std::time::Duration;

use cluster_tests::binary;
use cluster_tests::clock::{self, Clock};
use cluster_tests::cluster::{Own, Settings};
use cluster_tests::command::{SYSTEM, applied, born, command_in, create_space, id};
use cluster_tests::history::Meant;
use cluster_tests::oracle::Violation;
use cluster_tests::proto::{AppendRequest, NewRecord};
use cluster_tests::scratch::Scratch;
use cluster_tests::wait::{PATIENCE, until};

use super::trial::{LOG, Trial, bytes, settings};
use super::{caught, clean};

const YEAR: Duration = Duration::from_hours(365 * 24);
const MINUTE_MS: u64 = 60_000;

/// No two clocks show the same: two that do would outvote the third, which then gets their state.
async fn each_by_its_own_clock(bug: Option<&str>) -> Vec<Violation> {
    let scratch = Scratch::new("own-clocks");
    let mut with_clocks = settings();
    for node in with_clocks.ids.clone() {
        let ahead = Duration::from_secs(10 * node);
        let clock = Clock::new(&scratch.path().join(format!("clock-{node}")), ahead);
        let variables = clock.variables().into_iter().chain(bug.map(binary::bug)).collect();
        with_clocks.own.insert(node, Own { variables, ..Own::default() });
    }
    let trial = Trial::with("own-clocks", with_clocks).await;
    for number in 0..10 {
        trial.append(1, &format!("order-{number}")).await;
    }
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_go_by_their_own_clocks_are_caught() {
    clean(&each_by_its_own_clock(None).await);
    caught("P5", &each_by_its_own_clock(Some("expiry-by-local-clock")).await);
}

async fn the_clock_of_the_leader_is_a_year_ahead(bug: Option<&str>) -> Vec<Violation> {
    let scratch = Scratch::new("clocks");
    let mut with_clocks = settings();
    let mut clocks = Vec::new();
    for node in with_clocks.ids.clone() {
        let clock = Clock::new(&scratch.path().join(format!("clock-{node}")), Duration::ZERO);
        let variables = clock.variables().into_iter().chain(bug.map(binary::bug)).collect();
        with_clocks.own.insert(node, Own { variables, ..Own::default() });
        clocks.push((node, clock));
    }
    let trial = Trial::with("clock-of-the-leader", with_clocks).await;
    let meant = Meant { wall_ms: clock::wall_ms(), acknowledged: 1, ..Meant::default() };
    trial.history.remember(meant);
    let leader = trial.cluster.leader().await;
    for (_, clock) in clocks.iter().filter(|(node, _)| *node == leader) {
        clock.set_ahead(YEAR);
    }
    trial.append(leader, "order-1").await;
    trial.judged().await
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_one_clock_makes_is_caught() {
    clean(&the_clock_of_the_leader_is_a_year_ahead(None).await);
    caught("P16", &the_clock_of_the_leader_is_a_year_ahead(Some("time-of-the-leader")).await);
}

/// The oracle reads the replicas of one space alone, and this is another: only what was answered is judged.
async fn an_id_comes_again_when_it_was_forgotten(bug: Option<&str>) -> Vec<Violation> {
    let scratch = Scratch::new("clock");
    let clock = Clock::new(&scratch.path().join("clock"), Duration::ZERO);
    let variables = clock.variables().into_iter().chain(bug.map(binary::bug)).collect();
    let trial = Trial::with("forgotten", Settings { variables, ..settings() }).await;
    let client = trial.cluster.node(1).client();
    applied(client, command_in(SYSTEM, id("create"), vec![], vec![create_space("sensors", Some(MINUTE_MS))])).await;
    let described = async || client.space("sensors").await.expect("it is described").space.expect("a description");
    let born_ms = described().await.clock_ms;

    let order = trial.choose("event-1", &["21 degrees"]);
    let send = async || {
        let records = bytes(&["21 degrees"]).into_iter().map(|payload| NewRecord { payload, headers: vec![] });
        let (id, records) = (Some(born("event-1", born_ms)), records.collect());
        let request = AppendRequest { space: "sensors".to_owned(), log: LOG.to_owned(), id, records };
        trial.send_by(1, &order, client.submit(request)).await
    };
    send().await.expect("a first append");
    clock.set_ahead(Duration::from_mins(5));
    until("the id is forgotten", PATIENCE, || async {
        let space = described().await;
        if space.ids == 0 { Ok(()) } else { Err(format!("{space:?}")) }
    })
    .await;
    let again = send().await;
    assert!(bug.is_some() || again.is_err_and(|failure| failure.reason == "ID_TOO_OLD"));
    let found = cluster_tests::oracle::judge(&trial.history.events(), &[]);
    found.into_iter().filter(|violation| violation.property == "P3").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_without_a_floor_is_caught() {
    clean(&an_id_comes_again_when_it_was_forgotten(None).await);
    caught("P3", &an_id_comes_again_when_it_was_forgotten(Some("floor-not-kept")).await);
}
