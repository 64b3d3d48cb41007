//! The end of every scenario: what the cluster holds is laid beside what the clients were told.
//!
//! - Every replica is read in full, from its own state, and the oracle looks at all of them.
//! - Then everything unknown, and a tenth of what was acknowledged, is sent again, to other nodes: retrying is always
//!   safe, and it must give the one answer. The replicas are judged once more.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;

use crate::client::{Client, Place};
use crate::cluster::Cluster;
use crate::command;
use crate::history::{Command, CommandNumber, History, Operation, OperationNumber, Round, file};
use crate::oracle::{self, Dump, Violation};
use crate::proto::lookup_response::Fate;
use crate::proto::outcome::Verdict;
use crate::proto::{Appended, Consistency, LookupResponse, Outcome, action_result};
use crate::wait::{PATIENCE, until};

/// Of the acknowledged operations, every how manieth is sent again.
const SAMPLE: usize = 10;
const RESENDERS: usize = 8;
/// How long it may take until nothing happens any more: a space that forgets has some seconds of ids to forget.
const QUIET: Duration = Duration::from_mins(3);

/// Judges the whole cluster, all nodes of which must run.
pub async fn judge(cluster: &Cluster, history: &History) {
    judge_nodes(cluster, history, &cluster.ids()).await;
}

/// Judges those nodes that run.
pub async fn judge_nodes(cluster: &Cluster, history: &History, ids: &[u64]) {
    look(cluster, history, ids).await;
    settle(cluster, history, ids, "the load").await;
    look(cluster, history, ids).await;
    let events = history.events();
    let acknowledged = events.operations.iter().filter(|operation| operation.acknowledged().is_some()).count();
    assert!(acknowledged > 0, "nothing was acknowledged: such a run proves nothing");
    println!(
        "{acknowledged} appends acknowledged in {} attempts, {} reads of ends, {} faults: all as promised",
        events.operations.iter().map(|operation| operation.attempts.len()).sum::<usize>(),
        events.ends.len(),
        events.marks.len(),
    );
}

/// What the oracle has to say of these replicas, once they agree on how far they are.
pub async fn violations(cluster: &Cluster, history: &History, ids: &[u64]) -> Vec<Violation> {
    let dumps = replicas(cluster, ids).await;
    let (events, path) = (history.events(), cluster.directory().join("history.jsonl"));
    let found = oracle::judge(&events, &dumps);
    if !found.is_empty() {
        file::write(&path, &events, &dumps).expect("write the history");
    }
    found
}

/// Reads these replicas in full, all at the same index: time alone may write an entry between one and the next.
pub async fn replicas(cluster: &Cluster, ids: &[u64]) -> Vec<Dump> {
    until(&format!("the nodes {ids:?} are read at one index"), QUIET, || async {
        cluster.agreed(ids).await;
        let dumps: Vec<Dump> = cluster.dump(ids).await;
        let indexes: BTreeSet<u64> = dumps.iter().map(|dump| dump.applied_index).collect();
        if indexes.len() == 1 { Ok(dumps) } else { Err(format!("they were read at {indexes:?}")) }
    })
    .await
}

/// Sends again what is to be sent again, and remembers when and after what.
pub async fn settle(cluster: &Cluster, history: &History, ids: &[u64], after: &str) {
    let begun = history.now();
    eprintln!("{:>5} s  sends again, after {after} …", begun.as_secs());
    let _written = WrittenInPanic { cluster, history };
    resend(cluster, history, ids).await;
    let round = Round { name: after.to_owned(), begun, ended: history.now() };
    history.remember(|events| events.rounds.push(round));
}

/// Writes the history where a panic ends what might have judged it.
struct WrittenInPanic<'a> {
    cluster: &'a Cluster,
    history: &'a History,
}

impl Drop for WrittenInPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = self.cluster.directory().join("history.jsonl");
            let written = file::write(&path, &self.history.events(), &[]);
            eprintln!("the history so far, without replicas, is in {}: {written:?}", path.display());
        }
    }
}

async fn look(cluster: &Cluster, history: &History, ids: &[u64]) {
    let found = violations(cluster, history, ids).await;
    if !found.is_empty() {
        let path = cluster.directory().join("history.jsonl");
        let first: Vec<String> = found.iter().take(20).map(ToString::to_string).collect();
        panic!(
            "{} violations:\n{}\njudge it again: cargo run -p cluster-tests -- check {}",
            found.len(),
            first.join("\n"),
            path.display(),
        );
    }
    cluster.check_processes(ids).unwrap_or_else(|why| panic!("{why}"));
}

/// Sends again, to other nodes, what nobody knows of and a part of what was acknowledged.
pub async fn resend(cluster: &Cluster, history: &History, ids: &[u64]) {
    // Whatever is not known, and of the rest every so manieth.
    let chosen = |known: bool, count: &mut usize| {
        *count += usize::from(known);
        !known || count.is_multiple_of(SAMPLE)
    };
    // Each time others.
    let rounds = history.rounds();
    let mut count = rounds;
    let mut operations = history.numbered();
    operations.retain(|(_, operation)| chosen(operation.acknowledged().is_some(), &mut count));
    let work = operations.into_iter().enumerate().map(|(position, (number, operation))| async move {
        resend_operation(cluster, history, ids, position, number, &operation).await;
    });
    futures::stream::iter(work).buffer_unordered(RESENDERS).collect::<Vec<()>>().await;

    let mut count = rounds;
    let mut commands = history.numbered_commands();
    commands.retain(|(_, command)| chosen(command.decided().is_some(), &mut count));
    let work = commands.into_iter().enumerate().map(|(position, (number, command))| async move {
        resend_command(cluster, history, ids, position, number, &command).await;
    });
    futures::stream::iter(work).buffer_unordered(RESENDERS).collect::<Vec<()>>().await;
}

async fn resend_operation(
    cluster: &Cluster,
    history: &History,
    ids: &[u64],
    position: usize,
    number: OperationNumber,
    operation: &Operation,
) {
    let told = operation.attempts.iter().filter(|attempt| matches!(attempt.answer, Some(Ok(_))));
    let told: Vec<u64> = told.map(|attempt| attempt.node).collect();
    let node = other_node(&told, ids, position);
    let client = cluster.node(node).client();
    let what = format!("node {node} answers when {} is sent again", operation.id);
    if operation.cancelled {
        return until(&what, PATIENCE, || still_cancelled(client, operation)).await;
    }
    let place = until(&what, PATIENCE, || async {
        let attempt = history.invoke(number, node);
        let answer = client.append(&operation.log, &operation.id, &operation.payloads).await;
        history.complete(attempt, answer.clone());
        match answer {
            Ok(acknowledgement) => Ok(Some(acknowledgement.place)),
            // The cancel that nobody has heard of was the first to come.
            Err(failure) if operation.doubted && failure.reason == "CANCELLED" => Ok(None),
            Err(failure) => Err(failure.to_string()),
        }
    })
    .await;
    let Some(place) = place else { return history.cancelled(number) };
    let looked_up = until(&format!("node {node} looks up {}", operation.id), PATIENCE, || async {
        let lookup = client.lookup(&operation.id, Consistency::Linearizable).await;
        lookup.map_err(|failure| failure.to_string())
    })
    .await;
    let Some(appended) = appended(&looked_up) else {
        panic!("node {node} said that {} is at {place:?}, and now looks up {looked_up:?}", operation.id)
    };
    assert_eq!((appended.first_offset, appended.count), (place.first_offset, place.count), "{}", operation.id);
}

/// Sends a whole command again until it is decided, or said to be too old: it may have been forgotten.
async fn resend_command(
    cluster: &Cluster,
    history: &History,
    ids: &[u64],
    position: usize,
    number: CommandNumber,
    command: &Command,
) {
    let Some(request) = &command.request else { return };
    let told = command.attempts.iter().filter(|attempt| matches!(attempt.answer, Some(Ok(_))));
    let told: Vec<u64> = told.map(|attempt| attempt.node).collect();
    let node = other_node(&told, ids, position);
    let client = cluster.node(node).client();
    until(&format!("node {node} answers when {} is sent again", command.id), PATIENCE, || async {
        let attempt = history.submit(number, node);
        let answer = command::decided(client.command(request.clone()).await);
        history.answered(attempt, answer.clone());
        match answer {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_about_the_command() => Ok(()),
            Err(failure) => Err(failure.to_string()),
        }
    })
    .await;
}

/// A cancelled id is refused, whoever is asked.
async fn still_cancelled(client: &Client, operation: &Operation) -> Result<(), String> {
    match client.append(&operation.log, &operation.id, &operation.payloads).await {
        Err(failure) if failure.reason == "CANCELLED" => Ok(()),
        Err(failure) => Err(failure.to_string()),
        Ok(acknowledgement) => panic!("{} was cancelled, and now it is {acknowledgement:?}", operation.id),
    }
}

/// Where a looked-up command put its records, if it was an append that was applied.
pub fn appended(looked_up: &LookupResponse) -> Option<Appended> {
    match &looked_up.fate {
        Some(Fate::Decided(decided)) => appended_by(decided.outcome.as_ref()?),
        _ => None,
    }
}

/// An outcome as the acknowledgement of its append would have it; none if it is not applied.
pub fn place(outcome: &Outcome) -> Option<Place> {
    let appended = appended_by(outcome)?;
    Some(Place {
        first_offset: appended.first_offset,
        count: appended.count,
        sequence: outcome.sequence,
        history: outcome.history,
        time_ms: outcome.time_ms,
    })
}

fn appended_by(outcome: &Outcome) -> Option<Appended> {
    let Some(Verdict::Applied(applied)) = &outcome.verdict else {
        return None;
    };
    let Some(action_result::Result::Appended(appended)) = applied.results.first()?.result else {
        return None;
    };
    Some(appended)
}

/// A node that has not told it before, if there is one.
fn other_node(told: &[u64], ids: &[u64], position: usize) -> u64 {
    let others: Vec<u64> = ids.iter().copied().filter(|id| !told.contains(id)).collect();
    let choice = if others.is_empty() { ids } else { &others };
    *choice.get(position % choice.len()).expect("a cluster has a node")
}
