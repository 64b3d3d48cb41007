//! One node's wall clock is a year off. Whether it leads or follows, no lock expires, no floor moves and nothing is trimmed:
//! the time is what the majority's clocks say.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cluster_tests::binary;
use cluster_tests::clock::Clock;
use cluster_tests::cluster::{Cluster, Own, Settings};
use cluster_tests::command::{
    SYSTEM, acquire, append, applied, born, command, command_in, create_log, create_space, id, locked, put,
    set_retention,
};
use cluster_tests::proto::{Consistency, Retention};
use cluster_tests::scratch::Scratch;
use cluster_tests::wait::{PATIENCE, until};

const YEAR: Duration = Duration::from_hours(365 * 24);
const HOUR_MS: u64 = 3_600_000;
const OFF: u64 = 3;

/// Has the node with the wrong clock lead: when the leader is killed, the third node lacks what the other two have, so that
/// it can't win.
async fn have_it_lead(cluster: &Cluster, round: &str) {
    let number = AtomicU64::new(0);
    until("the node with the wrong clock leads", PATIENCE, || async {
        let leader = cluster.leader().await;
        if leader == OFF {
            return Ok(());
        }
        let third = *cluster.others(leader).iter().find(|id| **id != OFF).expect("three nodes");
        cluster.node(third).kill();
        let missed = command(
            &format!("missed-{round}-{}", number.fetch_add(1, Ordering::Relaxed)),
            vec![],
            vec![put("missed", 1)],
        );
        let done = cluster.node(leader).client().command(missed).await.map_err(|failure| failure.to_string());
        cluster.node(leader).kill();
        cluster.node(third).start();
        let next = cluster.leader_among(&cluster.others(leader)).await;
        cluster.node(leader).start();
        cluster.serving(&cluster.ids()).await;
        done.and(if next == OFF { Ok(()) } else { Err(format!("node {next} leads")) })
    })
    .await;
}

/// Writes until the cluster's time has gone on by this much, and returns it.
async fn time_goes_on(cluster: &Cluster, node: u64, from_ms: u64, by: Duration) -> u64 {
    let target = from_ms + u64::try_from(by.as_millis()).expect("a short time");
    let number = AtomicU64::new(0);
    until("the cluster's time goes on", PATIENCE, || async {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let beat = command(&format!("beat-{from_ms}-{number}"), vec![], vec![put("beat", 1)]);
        cluster.node(node).client().command(beat).await.map_err(|failure| failure.to_string())?;
        let clock = cluster.node(node).status().await.map_err(|failure| failure.to_string())?.clock_ms;
        if clock >= target { Ok(clock) } else { Err(format!("it is at {clock}")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clock_a_year_off_expires_no_lock_moves_no_floor_and_trims_nothing() {
    let scratch = Scratch::new("clock");
    let clock = Clock::new(&scratch.path().join("clock"), YEAR);
    let own = Own { binary: Some(binary::chaos().to_owned()), variables: clock.variables() };
    let settings = Settings { own: BTreeMap::from([(OFF, own)]), ..Settings::default() };
    let cluster = Cluster::start_with("clock-off", &settings).await;
    let client = cluster.node(1).client();
    let begun_ms = time_goes_on(&cluster, 1, 0, Duration::from_millis(1)).await;

    applied(client, command_in(SYSTEM, id("create"), vec![], vec![create_space("sensors", Some(HOUR_MS))])).await;
    let floor_ms = client.space("sensors").await.unwrap().space.unwrap().floor_ms;
    assert!(floor_ms <= begun_ms, "a space begins as far back as it remembers, by the cluster's clock: {floor_ms}");
    let event = command_in("sensors", born("event-1", begun_ms), vec![], vec![append("heat", &["21"])]);
    let first = client.command(event.clone()).await.unwrap();
    let held = locked(client, command("lock", vec![], vec![acquire("nightly", "worker 1", HOUR_MS)])).await;
    let keep = Retention { age_ms: Some(HOUR_MS), ..Retention::default() };
    let create = vec![create_log("audit", None), set_retention("audit", keep), append("audit", &["1", "2"])];
    applied(client, command("audit", vec![], create)).await;

    let mut now_ms = begun_ms;
    for behind in [false, true] {
        if behind {
            clock.set_behind(YEAR);
        }
        for leads in [false, true] {
            if leads {
                have_it_lead(&cluster, if behind { "behind" } else { "ahead" }).await;
            }
            now_ms = time_goes_on(&cluster, OFF, now_ms, Duration::from_secs(2)).await;
            assert!(now_ms < begun_ms + HOUR_MS, "the clock of the cluster is {now_ms}, and began at {begun_ms}");
            cluster.agreed(&cluster.ids()).await;
            for node in cluster.nodes() {
                let client = node.client();
                let lock = client.lock("nightly", Consistency::Linearizable).await.unwrap().lock;
                assert_eq!(lock.expect("it is held").token, held.token, "at node {}", node.id());
                let space = client.space("sensors").await.unwrap().space.unwrap();
                assert_eq!((space.ids, space.floor_ms), (1, floor_ms), "at node {}", node.id());
                assert_eq!(client.command(event.clone()).await.unwrap().outcome, first.outcome);
                let log = client.log("audit").await.unwrap();
                assert_eq!((log.start, log.end), (0, 2), "at node {}", node.id());
            }
        }
    }
}
