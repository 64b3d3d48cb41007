//! A node that is not who it was, or belongs elsewhere, is refused with a sentence that says what to do; the cluster goes
//! on without it.

use std::sync::Arc;

use cluster_tests::cluster::{Cluster, Settings};
use cluster_tests::judgement::judge_nodes;
use cluster_tests::load::Load;
use cluster_tests::node::Node;
use cluster_tests::wait::{PATIENCE, until};

/// More lines than a node writes in a short scenario, whatever it has to complain about.
const SHOUTING: usize = 1_000;

/// Waits until a node tells people all of this on one line.
async fn sentence(cluster: &Cluster, words: &[&str]) {
    until("a sentence says what is wrong and what to do", PATIENCE, || async {
        let said: Vec<String> = cluster.nodes().iter().map(Node::said).collect();
        let mut lines = said.iter().flat_map(|said| said.lines());
        let found = lines.any(|line| words.iter().all(|word| line.contains(word)));
        if found { Ok(()) } else { Err(format!("no node has said {words:?}")) }
    })
    .await;
}

/// A refused node is asked again with a pause: the reason is not written thousands of times.
fn nobody_shouts(cluster: &Cluster) {
    for node in cluster.nodes() {
        let lines = node.said().lines().count();
        assert!(lines < SHOUTING, "node {} has written {lines} lines in a few seconds", node.id());
    }
}

/// The processes of those that have nothing to do with it: they must be the same afterwards.
fn processes(cluster: &Cluster, ids: &[u64]) -> Vec<Option<u32>> {
    ids.iter().map(|id| cluster.node(*id).pid()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_node_is_refused_and_the_others_go_on() {
    let cluster = Cluster::start("wiped-node").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(200).await;

    let leader = cluster.leader().await;
    let wiped = *cluster.others(leader).first().expect("a follower");
    let left = cluster.others(wiped);
    let before = processes(&cluster, &left);
    history.mark(format!("kill -9 of node {wiped}, whose data is then removed"));
    cluster.node(wiped).kill();
    cluster.node(wiped).wipe();
    cluster.node(wiped).start();

    sentence(&cluster, &["wiped or replaced", "new node id", "empty directory"]).await;
    load.acknowledged_more(200).await;
    load.stop().await;

    nobody_shouts(&cluster);
    // It could have forgotten what it promised: it must not vote, nor hold anything, nor serve.
    if let Ok(status) = cluster.node(wiped).status().await {
        assert!(!status.serving, "{status:?}");
        assert_eq!((status.last_index, status.applied_index), (0, 0), "{status:?}");
    }
    assert_eq!(processes(&cluster, &left), before, "nobody else was restarted");
    judge_nodes(&cluster, &history, &left).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_cluster_is_refused_and_the_others_go_on() {
    let cluster = Cluster::start("home").await;
    let leader = cluster.leader().await;
    let replaced = *cluster.others(leader).first().expect("a follower");
    let left = cluster.others(replaced);
    let before = processes(&cluster, &left);
    let stranger = cluster.start_beside("stranger", &Settings { ids: vec![replaced], ..Settings::default() });
    stranger.init().await;
    // Clients that know only the others: the stranger is a whole cluster, and would take what it is sent.
    let history = Arc::new(cluster.history());
    let load = Load::start_on(&cluster, &left, &history);
    load.acknowledged_more(200).await;

    // The stranger's data comes up under the id and the addresses of a follower.
    history.mark(format!("the data of node {replaced} is replaced by that of another cluster"));
    cluster.node(replaced).kill();
    stranger.kill_all();
    cluster.node(replaced).wipe();
    let strange = &stranger.node(replaced).plan().data;
    std::fs::rename(strange, &cluster.node(replaced).plan().data).expect("move the stranger's data");
    cluster.node(replaced).start();

    sentence(&cluster, &["belongs to cluster", "Check the addresses", "an empty data directory"]).await;
    load.acknowledged_more(200).await;
    load.stop().await;

    nobody_shouts(&cluster);
    assert_eq!(processes(&cluster, &left), before, "nobody else was restarted");
    judge_nodes(&cluster, &history, &left).await;
}

/// Waits until a node has ended by itself, not well, and never comes to serve meanwhile.
async fn ends(node: &Node) {
    until("the node gives up by itself", PATIENCE, || async {
        match node.ended() {
            Some(status) if !status.success() => Ok(()),
            Some(status) => Err(format!("it ended with {status}")),
            None => Err("it still runs".to_owned()),
        }
    })
    .await;
    node.reap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_log_or_its_state_does_not_come_back_as_an_empty_voter() {
    let cluster = Cluster::start("lost-folder").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    load.acknowledged_more(200).await;

    let leader = cluster.leader().await;
    let followers = cluster.others(leader);
    let poor = *followers.first().expect("a follower");
    for folder in ["raft", "state"] {
        history.mark(format!("kill -9 of node {poor}, which then has no folder {folder}"));
        let folder = cluster.node(poor).plan().data.join(folder);
        let aside = folder.with_extension("aside");
        cluster.node(poor).kill();
        std::fs::rename(&folder, &aside).expect("take the folder away");
        cluster.node(poor).start();
        ends(cluster.node(poor)).await;
        sentence(&cluster, &["belongs to a cluster", "so it had one"]).await;
        // What the refusal may have made is not the folder: the old one takes its place again.
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("remove what a refused start left");
        }
        std::fs::rename(&aside, &folder).expect("bring the folder back");
    }
    cluster.node(poor).start();
    load.acknowledged_more(200).await;
    load.stop().await;
    cluster.serving(&cluster.ids()).await;
    judge_nodes(&cluster, &history, &cluster.ids()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_an_older_copy_of_its_data_stops_and_says_so() {
    let cluster = Cluster::start("older-copy").await;
    let history = Arc::new(cluster.history());
    let leader = cluster.leader().await;
    let forgetful = *cluster.others(leader).first().expect("a follower");
    let left = cluster.others(forgetful);
    let load = Load::start_on(&cluster, &left, &history);
    load.acknowledged_more(100).await;

    let data = cluster.node(forgetful).plan().data.clone();
    let older = data.with_extension("older");
    cluster.node(forgetful).kill();
    let copied = std::process::Command::new("cp").arg("-a").arg(&data).arg(&older).status();
    assert!(copied.expect("start cp").success(), "copy the data");
    cluster.node(forgetful).start();
    load.acknowledged_more(200).await;
    load.stop().await;
    // It has acknowledged everything there is; then it forgets.
    cluster.agreed(&cluster.ids()).await;
    history.mark(format!("node {forgetful} comes back with an older copy of its data"));
    cluster.node(forgetful).kill();
    cluster.node(forgetful).wipe();
    std::fs::rename(&older, &data).expect("put the older copy in place");
    cluster.node(forgetful).start();

    sentence(&cluster, &["older copy", "newest directory", "new id"]).await;
    ends(cluster.node(forgetful)).await;
    let load = Load::start_on(&cluster, &left, &history);
    load.acknowledged_more(100).await;
    load.stop().await;
    judge_nodes(&cluster, &history, &left).await;
}
