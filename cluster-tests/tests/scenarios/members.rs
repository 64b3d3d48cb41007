//! A group of members: when one dies, or stands still, the others take over its logs.

use std::collections::BTreeSet;

use cluster_tests::cluster::Cluster;
use cluster_tests::program::Program;

const LOGS: usize = 6;
const RECORDS: usize = 400;

/// The logs that a member has said it works on.
fn logs_of(member: &Program) -> BTreeSet<String> {
    let lines = member.lines();
    let worked = lines.iter().filter_map(|line| line.split_once(" works on "));
    worked.flat_map(|(_, logs)| logs.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_take_over_from_one_that_dies_and_one_that_stands_still() {
    let cluster = Cluster::start("members").await;
    let records = RECORDS.to_string();
    let mut members: Vec<_> =
        ["a", "b", "c"].iter().map(|name| Program::example(&cluster, "members", &[name, &records])).collect();
    for member in &mut members {
        member.says(" works on ").await;
    }
    let mut still = members.remove(2);
    let dies = members.remove(1);
    still.pause();
    dies.kill();
    let last = members.remove(0).ended().await.succeeded();
    println!("the last member printed {} lines", last.lines.len());
    assert!(last.lines.contains(&format!("all {LOGS} logs are done")));
    // Its locks are lost, its commit is refused, and there is nothing left to do.
    still.resume();
    still.says("logs are done").await;
    println!("the member that stood still worked on {:?}", logs_of(&still));
    drop(still.ended().await.succeeded());
    cluster.equal().await;

    let done = cluster.node(1).client().texts("members.out").await;
    assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), done.len(), "no record is done twice");
    assert_eq!(done.len(), LOGS * RECORDS, "every record of every log is done");
}
