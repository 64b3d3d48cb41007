//! Logs, readers and spaces that are deleted: they are gone at every node, whatever happens to the nodes, and nothing
//! that comes later is mistaken for what they were.

use std::sync::Arc;

use bytes::Bytes;
use cluster_tests::client::{Client, Effect, Failure};
use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::command::{
    SYSTEM, append, applied, command, command_in, create_space, delete_log, delete_reader, delete_space, found, id,
    move_reader, position_is, put,
};
use cluster_tests::judgement::judge;
use cluster_tests::load::Load;
use cluster_tests::proto::action_result::Result as Got;
use cluster_tests::proto::outcome::Verdict;
use cluster_tests::proto::refused::Found;
use cluster_tests::proto::wait_request::Condition;
use cluster_tests::proto::{
    Action, CellChanged, Consistency, FoundPosition, LogDeleted, LogEndReached, ReaderDeleted, SpaceDeleted,
    SubmitRequest,
};
use cluster_tests::wait::{PATIENCE, until};

fn in_system(text: &str, action: Action) -> SubmitRequest {
    command_in(SYSTEM, id(text), vec![], vec![action])
}

fn is_gone(failure: &Failure, reason: &str) {
    assert_eq!((failure.code.as_str(), failure.reason.as_str()), ("NotFound", reason), "{failure}");
    assert_eq!(failure.effect, Effect::None, "{failure}");
    assert!(failure.message.contains("was deleted at"), "{failure}");
}

/// Who waits for a log to end at an offset.
fn end_reached(log: &str, end: u64) -> Condition {
    Condition::LogEnd(LogEndReached { log: log.to_owned(), end })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_log_is_nowhere_its_ids_are_known_and_it_goes_on_where_it_ended() {
    let cluster = Cluster::start("log-deleted").await;
    let client = cluster.node(1).client();
    let request = command("in", vec![], vec![append("orders", &["0", "1", "2"])]);
    let first = client.command(request.clone()).await.unwrap();
    let mut tails = Vec::new();
    for node in cluster.nodes() {
        let mut tail = node.client().tail("orders", 3, Consistency::Linearizable).await.unwrap();
        tail.message().await.unwrap();
        tails.push(tail);
    }
    let waits = cluster.nodes().iter().map(|node| node.client().wait(end_reached("orders", 4)));
    let waits = futures::future::join_all(waits);

    let deletes = async {
        let got = applied(client, command("delete", vec![], vec![delete_log("orders")])).await;
        assert_eq!(got, [Got::LogDeleted(LogDeleted { end: 3 })]);
        for mut tail in tails {
            is_gone(&Failure::from_status(&tail.message().await.unwrap_err()), "NO_SUCH_LOG");
        }
        for node in cluster.nodes() {
            let client = node.client();
            is_gone(&client.read("orders", 0, Consistency::Linearizable).await.unwrap_err(), "NO_SUCH_LOG");
            is_gone(&client.log("orders").await.unwrap_err(), "NO_SUCH_LOG");
            let mut tail = client.tail("orders", 0, Consistency::Linearizable).await.unwrap();
            is_gone(&Failure::from_status(&tail.message().await.unwrap_err()), "NO_SUCH_LOG");
            assert_eq!(client.logs(Consistency::Linearizable).await.unwrap(), []);
            assert_eq!(client.command(request.clone()).await.unwrap().outcome, first.outcome, "its ids stay known");
        }
        let again = client.append("orders", "again", &[Bytes::from_static(b"3")]).await.unwrap();
        assert_eq!((again.replayed, again.place.first_offset), (false, 3));
    };
    let (waited, ()) = futures::future::join(waits, deletes).await;
    // Whoever waited for the log went on waiting while it was not there.
    for waited in waited {
        waited.unwrap();
    }
    for node in cluster.nodes() {
        let page = node.client().read_what_is_left("orders").await.unwrap();
        assert_eq!((page.records.len(), page.start, page.end), (1, 3, 4), "at node {}", node.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_saw_a_reader_before_it_was_deleted_moves_it_no_more() {
    let cluster = Cluster::start("reader-deleted").await;
    let client = cluster.node(2).client();
    applied(client, command("in", vec![], vec![append("orders", &["0", "1"])])).await;
    let early = client.command(command("early", vec![], vec![delete_reader("billing", "orders")])).await.unwrap_err();
    assert!(matches!(found(&early).1, Found::NoReader(_)), "{early}");
    applied(client, command("move", vec![], vec![move_reader("billing", "orders", 2)])).await;
    let moved = client.position("billing", "orders").await.unwrap();

    let got = applied(client, command("delete", vec![], vec![delete_reader("billing", "orders")])).await;
    let [Got::ReaderDeleted(ReaderDeleted { version })] = got[..] else { panic!("a reader was deleted: {got:?}") };
    for node in cluster.nodes() {
        let client = node.client();
        let at = client.position("billing", "orders").await.unwrap();
        assert_eq!((at.offset, at.version, at.time_ms), (0, version, 0), "at node {}", node.id());
        for (what, offset, seen) in [("as it was", 2, moved.version), ("never moved", 0, 0)] {
            let guards = vec![position_is("billing", "orders", offset, seen)];
            let text = format!("{what} at {}", node.id());
            let request = command(&text, guards, vec![move_reader("billing", "orders", 1)]);
            let refused = client.command(request).await.unwrap_err();
            assert_eq!(*found(&refused).1, Found::Position(FoundPosition { offset: 0, version }), "{text}");
        }
    }
    let guards = vec![position_is("billing", "orders", 0, version)];
    applied(client, command("again", guards, vec![move_reader("billing", "orders", 1)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_space_ends_whoever_waits_in_it_and_refuses_everything_for_ever() {
    let cluster = Cluster::start("space-deleted").await;
    let client = cluster.node(3).client();
    applied(client, in_system("create", create_space("trial", None))).await;
    let known = command_in("trial", id("known"), vec![], vec![append("orders", &["0"]), put("count", 1)]);
    applied(client, known.clone()).await;
    let mut tails = Vec::new();
    for node in cluster.nodes() {
        for log in ["orders", "never made"] {
            let mut tail =
                node.client().tail_in("trial", &log.replace(' ', "-"), 0, Consistency::Linearizable).await.unwrap();
            tail.message().await.unwrap();
            tails.push(tail);
        }
    }
    let cell = Condition::CellChanged(CellChanged { key: "never put".to_owned(), version: 0 });
    let conditions = [end_reached("orders", 9), cell];
    let waits = cluster
        .nodes()
        .iter()
        .flat_map(|node| conditions.clone().map(|condition| node.client().wait_in("trial", condition)));
    let waits = futures::future::join_all(waits);

    let deletes = async {
        let got = applied(client, in_system("delete", delete_space("trial"))).await;
        assert_eq!(got, [Got::SpaceDeleted(SpaceDeleted {})]);
        for mut tail in tails {
            is_gone(&Failure::from_status(&tail.message().await.unwrap_err()), "NO_SUCH_SPACE");
        }
    };
    let (waited, ()) = futures::future::join(waits, deletes).await;
    for waited in waited {
        is_gone(&waited.unwrap_err(), "NO_SUCH_SPACE");
    }
    for node in cluster.nodes() {
        refuses_for_ever(node.client(), "trial", &known, node.id()).await;
    }
    for space in ["main", SYSTEM] {
        let kept = client.command(in_system(&format!("delete {space}"), delete_space(space))).await.unwrap_err();
        assert_eq!((kept.code.as_str(), kept.reason.as_str()), ("InvalidArgument", "MALFORMED"), "{kept}");
    }
}

/// The node has nothing of the space, and takes nothing for it.
async fn refuses_for_ever(client: &Client, space: &str, known: &SubmitRequest, node: u64) {
    is_gone(&client.command(known.clone()).await.expect_err("it is refused"), "NO_SUCH_SPACE");
    let new = command_in(space, id(&format!("new at {node}")), vec![], vec![put("count", 1)]);
    is_gone(&client.command(new).await.expect_err("it is refused"), "NO_SUCH_SPACE");
    is_gone(&client.space(space).await.expect_err("it is refused"), "NO_SUCH_SPACE");
    is_gone(&client.fate(space, id("known")).await.expect_err("it is refused"), "NO_SUCH_SPACE");
    is_gone(
        &client.tail_in(space, "orders", 0, Consistency::Linearizable).await.expect_err("it is refused"),
        "NO_SUCH_SPACE",
    );
    assert!(!client.local_spaces().await.expect("list the spaces").contains(&space.to_owned()), "node {node} lists it");
    let text = format!("create {space} again at {node}");
    let create = client.command(in_system(&text, create_space(space, None))).await.expect_err("it is refused");
    assert!(matches!(found(&create).1, Found::SpaceDeletedMs(at) if *at > 0), "{create}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_stays_deleted_through_kills_and_in_a_snapshot() {
    let arguments = ["--snapshot-entries", "200", "--keep-entries", "10"].map(str::to_owned).to_vec();
    let cluster = Cluster::start_with("deleted", &Settings { arguments, ..Settings::default() }).await;
    let history = Arc::new(cluster.history());
    let client = cluster.node(1).client();
    let written = command("written", vec![], vec![append("once", &["0", "1"])]);
    let outcome = client.command(written.clone()).await.unwrap().outcome;
    applied(client, in_system("create trial", create_space("trial", None))).await;
    let known = command_in("trial", id("known"), vec![], vec![append("orders", &["0"]), put("count", 1)]);
    applied(client, known.clone()).await;
    cluster.agreed(&cluster.ids()).await;

    // One node sleeps while it all goes, and longer than the log is kept: it learns of it from a snapshot alone.
    let leader = cluster.leader().await;
    let sleeper = *cluster.others(leader).first().expect("a follower");
    let slept_at = cluster.node(sleeper).status().await.unwrap().last_index;
    history.mark(format!("kill -9 of node {sleeper}, a follower, at index {slept_at}"));
    cluster.node(sleeper).kill();
    let load = Load::start_deleting(&cluster, &history);
    let awake = cluster.others(sleeper);
    let client = cluster.node(leader).client();
    applied(client, command("delete log", vec![], vec![delete_log("once")])).await;
    applied(client, in_system("delete trial", delete_space("trial"))).await;
    load.acknowledged_more(500).await;
    history.mark(format!("kill -9 of node {leader}, the leader"));
    cluster.node(leader).kill();
    cluster.node(leader).start();
    cluster.leader_among(&awake).await;
    load.acknowledged_more(500).await;
    for node in &awake {
        until(&format!("node {node} has purged what node {sleeper} needs"), PATIENCE, || async {
            let made = cluster.node(*node).client().snapshot().await.map_err(|failure| failure.to_string())?;
            if made.purged_index > slept_at { Ok(()) } else { Err(format!("it has purged to {}", made.purged_index)) }
        })
        .await;
    }
    history.mark(format!("start of node {sleeper}"));
    cluster.node(sleeper).start();
    cluster.serving(&[sleeper]).await;
    until("the snapshot is installed", PATIENCE, || async {
        let status = cluster.node(sleeper).status().await.map_err(|failure| failure.to_string())?;
        if status.snapshot_index > slept_at { Ok(()) } else { Err("there is none yet".to_owned()) }
    })
    .await;
    load.acknowledged_more(300).await;
    load.stop().await;
    judge(&cluster, &history).await;

    history.mark("kill -9 of all nodes");
    cluster.kill_all();
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    judge(&cluster, &history).await;
    for node in cluster.nodes() {
        let again = node.client().command(written.clone()).await.expect("the ids of a deleted log stay known");
        assert_eq!(again.outcome, outcome, "at node {}", node.id());
        is_gone(&node.client().read("once", 0, Consistency::Linearizable).await.unwrap_err(), "NO_SUCH_LOG");
        refuses_for_ever(node.client(), "trial", &known, node.id()).await;
    }
    let more = client.command(command("more", vec![], vec![append("once", &["2"])])).await.unwrap();
    let first = more.outcome.and_then(|outcome| outcome.verdict);
    let Some(Verdict::Applied(applied)) = first else { panic!("records were appended") };
    assert!(matches!(applied.results[0].result, Some(Got::Appended(at)) if at.first_offset == 2), "offsets go on");
}
