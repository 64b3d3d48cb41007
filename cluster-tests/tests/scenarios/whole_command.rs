//! Guards and actions under one id: all of them or none, once, whoever is asked and whoever leads.

use bytes::Bytes;
use cluster_tests::client::is_replay;
use cluster_tests::cluster::Cluster;
use cluster_tests::command::{
    add, append, applied, cell_absent, cell_version, command, compensate, fate_is, found, id, move_reader, position_is,
    put, put_bytes,
};
use cluster_tests::proto::action_result::Result as Got;
use cluster_tests::proto::lookup_response::Fate;
use cluster_tests::proto::outcome::Verdict;
use cluster_tests::proto::refused::{Found, Step};
use cluster_tests::proto::{
    Added, Appended, Applied, CellPut, Compensated, FoundFate, SubmitRequest, SubmitResponse, WantedFate, cell_value,
};
use cluster_tests::wait::{PATIENCE, until};

/// A bounded transfer with its line in the audit log.
fn transfer(text: &str, amount: i64) -> SubmitRequest {
    command(text, vec![], vec![add("alice", -amount), add("bob", amount), append("audit", &["alice paid bob"])])
}

async fn number(cluster: &Cluster, node: u64, key: &str) -> Option<i64> {
    let cell = cluster.node(node).client().cell(key).await.expect("a cell or none")?;
    match cell.value.and_then(|value| value.value) {
        Some(cell_value::Value::Integer(number)) => Some(number),
        other => panic!("{key} holds {other:?}"),
    }
}

/// Every node of these replays the one outcome.
async fn replayed_by(cluster: &Cluster, nodes: &[u64], request: &SubmitRequest, first: &SubmitResponse) {
    for node in nodes {
        let again = until(&format!("node {node} answers"), PATIENCE, || async {
            cluster.node(*node).client().command(request.clone()).await.map_err(|failure| failure.to_string())
        })
        .await;
        assert!(is_replay(again.arrival()), "node {node}");
        assert_eq!(again.outcome, first.outcome, "node {node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_takes_effect_once_and_is_replayed_by_every_node_after_its_leader_was_killed() {
    let cluster = Cluster::start("transfer").await;
    let leader = cluster.leader().await;
    let others = cluster.others(leader);
    let follower = cluster.node(others[0]).client();
    applied(follower, command("open", vec![cell_absent("alice")], vec![put("alice", 100), put("bob", 0)])).await;

    let request = transfer("pay-1", 30);
    let first = follower.command(request.clone()).await.expect("a follower hands it to the leader");
    assert!(!is_replay(first.arrival()));
    let outcome = first.outcome.clone().unwrap();
    let version = outcome.sequence;
    let results = [
        Got::Added(Added { value: 70, version }),
        Got::Added(Added { value: 30, version }),
        Got::Appended(Appended { first_offset: 0, count: 1 }),
    ];
    let Some(Verdict::Applied(Applied { results: got, nothing_to_undo: false })) = outcome.verdict else {
        panic!("{outcome:?}")
    };
    assert_eq!(got.into_iter().map(|got| got.result.unwrap()).collect::<Vec<_>>(), results);

    replayed_by(&cluster, &cluster.ids(), &request, &first).await;
    let reused = cluster.node(leader).client().command(transfer("pay-1", 31)).await.unwrap_err();
    assert_eq!((reused.code.as_str(), reused.reason.as_str()), ("AlreadyExists", "ID_REUSED"));
    cluster.node(leader).kill();
    cluster.serving(&others).await;
    replayed_by(&cluster, &others, &request, &first).await;
    cluster.node(leader).start();
    cluster.serving(&cluster.ids()).await;
    replayed_by(&cluster, &cluster.ids(), &request, &first).await;
    for node in cluster.ids() {
        assert_eq!(number(&cluster, node, "alice").await, Some(70), "at node {node}");
        assert_eq!(number(&cluster, node, "bob").await, Some(30), "at node {node}");
    }
    assert_eq!(follower.end("audit").await.unwrap(), 1);
    cluster.equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_was_found_changes_nothing_and_is_replayed_when_it_would_hold_no_more() {
    let cluster = Cluster::start("refusal").await;
    let client = cluster.node(1).client();
    applied(client, command("open", vec![], vec![put("alice", 10), put("bob", 0), put_bytes("note", Bytes::new())]))
        .await;

    let request = transfer("pay-too-much", 30);
    let failure = client.command(request.clone()).await.expect_err("alice has too little");
    let facts = ["step", "index", "found", "value", "replayed"].map(|fact| failure.metadata[fact].as_str());
    assert_eq!(facts, ["action", "0", "out_of_bounds", "10", "false"]);
    let (outcome, what) = found(&failure);
    assert_eq!(*what, Found::OutOfBounds(10));
    let Some(Verdict::Refused(refused)) = &outcome.verdict else { panic!("{outcome:?}") };
    assert_eq!(refused.step, Some(Step::Action(0)));
    assert_eq!((number(&cluster, 2, "alice").await, client.end("audit").await.unwrap()), (Some(10), 0));

    applied(client, command("refill", vec![], vec![add("alice", 100)])).await;
    for node in cluster.nodes() {
        let again = node.client().command(request.clone()).await.expect_err("a refusal is an outcome");
        assert_eq!((found(&again).0, again.metadata["replayed"].as_str()), (outcome, "true"), "at node {}", node.id());
    }
    let not_a_number = client.command(command("add", vec![], vec![put("x", 1), add("note", 1)])).await.unwrap_err();
    assert!(matches!(found(&not_a_number).1, Found::NotANumber(_)), "{not_a_number}");
    assert_eq!(client.cell("x").await.unwrap(), None, "an action before the one that refuses has done nothing");
    cluster.equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_consumers_that_saw_the_same_position_one_commits_and_the_other_loses_at_the_guard() {
    let cluster = Cluster::start("zombie").await;
    let client = cluster.node(2).client();
    applied(client, command("in", vec![], vec![append("orders", &["1", "2", "3"])])).await;
    let seen = client.position("billing", "orders").await.unwrap();
    assert_eq!((seen.offset, seen.version, seen.end), (0, 0, 3));

    let commit = |text: &str, seen: &cluster_tests::proto::ReaderPosition| {
        let guard = position_is("billing", "orders", seen.offset, seen.version);
        command(text, vec![guard], vec![append("invoices", &["1", "2"]), move_reader("billing", "orders", 2)])
    };
    let [_, Got::Moved(moved)] = applied(client, commit("commit-a", &seen)).await[..] else {
        panic!("the reader was moved")
    };
    let lost = cluster.node(3).client().command(commit("commit-b", &seen)).await.expect_err("it moved meanwhile");
    let Found::Position(at) = *found(&lost).1 else { panic!("{lost}") };
    assert_eq!((at.offset, at.version), (2, moved.version));
    let now = cluster.node(3).client().position("billing", "orders").await.unwrap();
    assert_eq!((now.offset, now.version, client.end("invoices").await.unwrap()), (2, moved.version, 2));
    cluster.equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compensation_undoes_once_and_settles_what_was_never_done() {
    let cluster = Cluster::start("compensation").await;
    let client = cluster.node(3).client();
    applied(client, command("open", vec![], vec![put("alice", 100), put("bob", 0)])).await;
    applied(client, transfer("pay-1", 30)).await;

    let undo =
        |text: &str, target: &str| command(text, vec![], vec![compensate(target), add("bob", -30), add("alice", 30)]);
    let results = applied(client, undo("undo-1", "pay-1")).await;
    assert_eq!(results[0], Got::Compensated(Compensated {}));
    assert_eq!((number(&cluster, 1, "alice").await, number(&cluster, 1, "bob").await), (Some(100), Some(0)));
    let fate = cluster.node(1).client().fate("", id("pay-1")).await.unwrap().fate;
    let Some(Fate::Decided(decided)) = fate else { panic!("{fate:?}") };
    assert_eq!(decided.compensated_by, Some(id("undo-1")));
    assert!(matches!(decided.outcome.unwrap().verdict, Some(Verdict::Applied(_))), "its own outcome never changes");
    let twice = client.command(undo("undo-again", "pay-1")).await.expect_err("it is undone");
    assert_eq!(*found(&twice).1, Found::AlreadyCompensatedBy(id("undo-1")));
    let in_force =
        command("ship", vec![fate_is("pay-1", WantedFate::WantedInForce)], vec![append("shipments", &["1"])]);
    let refused = client.command(in_force).await.expect_err("it is not in force");
    assert_eq!(*found(&refused).1, Found::Fate(FoundFate::FoundCompensated.into()));

    let response = client.command(undo("undo-2", "pay-2")).await.unwrap();
    let verdict = response.outcome.unwrap().verdict;
    assert_eq!(verdict, Some(Verdict::Applied(Applied { results: vec![], nothing_to_undo: true })));
    let late = cluster.node(2).client().command(transfer("pay-2", 30)).await.expect_err("it never takes effect");
    assert_eq!((late.code.as_str(), late.reason.as_str()), ("Aborted", "CANCELLED"));
    assert_eq!((number(&cluster, 1, "alice").await, number(&cluster, 1, "bob").await), (Some(100), Some(0)));
    cluster.equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_filled_once_changed_where_it_was_seen_and_listed_in_pages_of_bounded_bytes() {
    let cluster = Cluster::start("cells").await;
    let client = cluster.node(1).client();
    let fill = |text: &str| command(text, vec![cell_absent("cache/0")], vec![put("cache/0", 1)]);
    let [Got::Put(CellPut { version })] = applied(client, fill("fill-a")).await[..] else { panic!("a cell was put") };
    let second = cluster.node(2).client().command(fill("fill-b")).await.expect_err("it is there");
    assert_eq!(*found(&second).1, Found::CellVersion(version));
    applied(client, command("change-a", vec![cell_version("cache/0", version)], vec![put("cache/0", 2)])).await;
    let stale = command("change-b", vec![cell_version("cache/0", version)], vec![put("cache/0", 3)]);
    assert!(matches!(found(&client.command(stale).await.unwrap_err()).1, Found::CellVersion(_)));

    let large = Bytes::from(vec![7; 600 << 10]);
    for number in 1..4 {
        let key = format!("cache/{number}");
        applied(client, command(&key, vec![], vec![put_bytes(&key, large.clone())])).await;
    }
    applied(client, command("other", vec![], vec![put("cachf", 9)])).await;
    let (mut after, mut keys, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = cluster.node(3).client().cells(&after, "cache/", 0).await.unwrap();
        pages += 1;
        keys.extend(page.cells.into_iter().map(|cell| cell.key));
        after = keys.last().unwrap().clone();
        if !page.more {
            break;
        }
    }
    assert_eq!(keys, ["cache/0", "cache/1", "cache/2", "cache/3"]);
    assert_eq!(pages, 3, "two of the large ones are more than a page");
}
