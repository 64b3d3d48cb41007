//! A space that remembers for a while forgets only what it then refuses, and time alone makes it forget.

use std::time::Duration;

use cluster_tests::binary;
use cluster_tests::client::is_replay;
use cluster_tests::clock::Clock;
use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::command::{SYSTEM, append, applied, born, command_in, create_space, found, id, set_space};
use cluster_tests::proto::lookup_response::Fate;
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::{DuplicatesOfAge, SpaceDescription};
use cluster_tests::scratch::Scratch;
use cluster_tests::wait::{PATIENCE, until};

const MINUTE_MS: u64 = 60_000;

async fn described(cluster: &Cluster, node: u64) -> SpaceDescription {
    let response = cluster.node(node).client().space("sensors").await.expect("the space is described");
    response.space.expect("a description describes a space")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finite_space_forgets_what_is_older_than_its_memory_and_refuses_it_for_ever() {
    let scratch = Scratch::new("clock");
    let clock = Clock::new(&scratch.path().join("clock"), Duration::ZERO);
    let settings = Settings { binary: binary::chaos().to_owned(), variables: clock.variables(), ..Settings::default() };
    let cluster = Cluster::start_with("memory", &settings).await;
    let client = cluster.node(1).client();
    let create = command_in(SYSTEM, id("create"), vec![], vec![create_space("sensors", Some(MINUTE_MS))]);
    applied(client, create.clone()).await;
    let again = cluster.node(2).client().command(create).await.unwrap();
    assert!(is_replay(again.arrival()));
    let exists = command_in(SYSTEM, id("create-2"), vec![], vec![create_space("sensors", None)]);
    assert!(matches!(found(&client.command(exists).await.unwrap_err()).1, Found::SpaceExists(_)));

    let without = command_in("sensors", id("no-birth"), vec![], vec![append("heat", &["21"])]);
    assert_eq!(client.command(without).await.unwrap_err().reason, "ID_WITHOUT_BIRTH");
    let unasked = client.fate("sensors", id("no-birth")).await.expect_err("it would be another id");
    assert_eq!(unasked.reason, "ID_WITHOUT_BIRTH");
    let born_ms = described(&cluster, 1).await.clock_ms;
    let beside = client.fate("", born("order-7", born_ms)).await.expect_err("it would be another id");
    assert_eq!(beside.reason, "MALFORMED");
    let old = command_in("sensors", born("old", born_ms - 2 * MINUTE_MS), vec![], vec![append("heat", &["21"])]);
    assert_eq!(client.command(old).await.unwrap_err().reason, "ID_TOO_OLD", "it would be forgotten at once");
    let ahead = command_in("sensors", born("ahead", born_ms + 11 * MINUTE_MS), vec![], vec![append("heat", &["21"])]);
    assert_eq!(client.command(ahead).await.unwrap_err().reason, "ID_FROM_THE_FUTURE");
    let request = command_in("sensors", born("event-1", born_ms), vec![], vec![append("heat", &["21"])]);
    let first = client.command(request.clone()).await.unwrap();

    // Nearly at the end of its memory it is known everywhere.
    clock.set_ahead(Duration::from_secs(40));
    for node in cluster.nodes() {
        let again = node.client().command(request.clone()).await.unwrap();
        assert_eq!(again.outcome, first.outcome);
    }
    let duplicates = cluster.node(2).client().space("sensors").await.unwrap();
    assert_eq!(duplicates.node_id, 2);
    let counted: u64 = duplicates.duplicates.iter().map(|of_age| of_age.count).sum();
    assert_eq!(counted, 1, "each node counts what it recognised: {:?}", duplicates.duplicates);

    // Nothing is sent any more: ticks alone bring the time.
    clock.set_ahead(Duration::from_mins(5));
    for node in cluster.ids() {
        let gone = until(&format!("node {node} has forgotten"), PATIENCE, || async {
            let space = described(&cluster, node).await;
            if space.ids == 0 { Ok(space) } else { Err(format!("{space:?}")) }
        })
        .await;
        assert!(gone.floor_ms > born_ms && gone.floor_ms <= gone.clock_ms - MINUTE_MS, "{gone:?}");
        assert_eq!(gone.id_bytes, 0);
        let client = cluster.node(node).client();
        let refused = client.command(request.clone()).await.expect_err("it is never run again");
        assert_eq!((refused.code.as_str(), refused.reason.as_str()), ("FailedPrecondition", "ID_TOO_OLD"));
        let fate = client.fate("sensors", born("event-1", born_ms)).await.unwrap().fate;
        assert!(matches!(fate, Some(Fate::TooOld(_))), "{fate:?}");
    }
    let now_ms = described(&cluster, 1).await.clock_ms;
    let request = command_in("sensors", born("event-2", now_ms), vec![], vec![append("heat", &["22"])]);
    let first = client.command(request.clone()).await.unwrap();
    assert_eq!(first.outcome.as_ref().unwrap().sequence, 2, "sequences go on");

    // A longer memory brings nothing back, and keeps what comes.
    applied(client, command_in(SYSTEM, id("set"), vec![], vec![set_space("sensors", 10 * MINUTE_MS)])).await;
    let floor_ms = described(&cluster, 1).await.floor_ms;
    clock.set_ahead(Duration::from_mins(9));
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    for node in cluster.ids() {
        let again = cluster.node(node).client().command(request.clone()).await.unwrap();
        assert_eq!(again.outcome, first.outcome);
        assert_eq!(described(&cluster, node).await.floor_ms, floor_ms);
    }
    let none = |of_age: &DuplicatesOfAge| of_age.count == 0;
    let duplicates = cluster.node(3).client().space("sensors").await.unwrap().duplicates;
    assert_eq!(duplicates.len() - duplicates.iter().filter(|of_age| none(of_age)).count(), 1, "{duplicates:?}");
    cluster.equal().await;
}
