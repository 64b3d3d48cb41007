//! The end of every scenario: what the cluster holds is laid beside what the clients were told.
//!
//! - Every replica is read in full, from its own state, and the oracle looks at all of them.
//! - Then everything unknown, and a tenth of what was acknowledged, is sent again, to other nodes: retrying is always
//!   safe, and it must give the one answer. The replicas are judged once more.

use std::collections::BTreeSet;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::time::timeout;

use crate::client::Place;
use crate::cluster::Cluster;
use crate::command;
use crate::history::{Command, CommandNumber, Events, History, Operation, OperationNumber, Round, file, trail};
use crate::oracle::{self, Dump, Violation};
use crate::proto::lookup_response::Fate;
use crate::proto::outcome::Verdict;
use crate::proto::{Appended, Consistency, LookupResponse, Outcome, StatusResponse, action_result};
use crate::wait::{PATIENCE, until};

const RESENDERS: usize = 8;
/// How long it may take until nothing happens any more: a space that forgets has some seconds of ids to forget.
const QUIET: Duration = Duration::from_mins(3);
/// How long the replicas of a run that broke off may take to be read.
const SHORT: Duration = Duration::from_secs(20);

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
    let mut found = oracle::judge(&history.events(), &dumps);
    if !found.is_empty() {
        history.look(&dumps);
        first_things_first(&mut found, history.path()).expect("read what was just written");
    }
    found
}

/// What must never be, of a run that goes on: it is judged as if it was cut short now, before it had all that it was to have.
pub fn so_far(history: &History, replicas: &[Dump]) -> Vec<Violation> {
    oracle::judge(&Events { cut_short: true, ..history.events() }, replicas)
}

/// A recorded run, and what the oracle says of it.
#[derive(Debug)]
pub struct Recorded {
    /// What the clients did and heard.
    pub events: Events,
    /// The replicas, as they were read in the end.
    pub replicas: Vec<Dump>,
    /// What must never be.
    pub violations: Vec<Violation>,
}

impl Recorded {
    /// Reads a history and judges it.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (events, replicas) = file::read(path)?;
        let mut violations = oracle::judge(&events, &replicas);
        first_things_first(&mut violations, path)?;
        Ok(Self { events, replicas, violations })
    }
}

/// Sorts violations by what to look at first, and finds the events that matter for the first of all.
fn first_things_first(violations: &mut [Violation], path: &Path) -> io::Result<()> {
    violations.sort_by_key(Violation::urgency);
    if let Some(first) = violations.first_mut() {
        first.events = trail::lines(path, &first.ids)?;
    }
    Ok(())
}

/// Reads these replicas in full, all at the same index: time alone may write an entry between one and the next.
pub async fn replicas(cluster: &Cluster, ids: &[u64]) -> Vec<Dump> {
    until(&format!("the nodes {ids:?} are read at one index"), QUIET, || async {
        cluster.agreed(ids).await;
        let mut dumps: Vec<Dump> = cluster.dump(ids).await;
        oracle::share(&mut dumps);
        let indexes: BTreeSet<u64> = dumps.iter().map(|dump| dump.applied_index).collect();
        if indexes.len() == 1 { Ok(dumps) } else { Err(format!("they were read at {indexes:?}")) }
    })
    .await
}

/// Of a run that broke off: the replicas that can still be read, all at the same index, if they are a majority. Whoever sent
/// something is gone, and nothing that was done to the nodes need be undone.
pub async fn readable(cluster: &Cluster) -> Vec<Dump> {
    let serving = |(id, status): (u64, Result<StatusResponse, String>)| status.is_ok_and(|it| it.serving).then_some(id);
    let ids = cluster.ids();
    let statuses = cluster.statuses(&ids).await;
    let serving: Vec<u64> = ids.iter().copied().zip(statuses).filter_map(serving).collect();
    if serving.len() <= ids.len() / 2 {
        return Vec::new();
    }
    let read = timeout(SHORT, AssertUnwindSafe(replicas(cluster, &serving)).catch_unwind()).await;
    read.map_or_else(|_elapsed| Vec::new(), Result::unwrap_or_default)
}

/// Sends again what is to be sent again, and remembers when and after what.
pub async fn settle(cluster: &Cluster, history: &History, ids: &[u64], after: &str) {
    let begun = history.now();
    eprintln!("{:>5} s  sends again, after {after} …", begun.as_secs());
    resend(cluster, history, ids).await;
    history.round(Round { name: after.to_owned(), begun, ended: history.now() });
}

async fn look(cluster: &Cluster, history: &History, ids: &[u64]) {
    let found = violations(cluster, history, ids).await;
    if let Some(first) = found.first() {
        panic!(
            "{first}\nthe events that matter:\n{}\nall that was found: {}\njudge it again: cargo run -p cluster-tests -- check {}",
            first.events.join("\n"),
            oracle::counts(&found),
            history.path().display(),
        );
    }
    cluster.check_processes(ids).unwrap_or_else(|why| panic!("{why}"));
}

/// Sends again, to other nodes, what nobody knows of and a part of what was acknowledged.
pub async fn resend(cluster: &Cluster, history: &History, ids: &[u64]) {
    let work = history.operations_again().into_iter().enumerate().map(|(position, (number, operation))| async move {
        resend_operation(cluster, history, ids, position, number, &operation).await;
    });
    futures::stream::iter(work).buffer_unordered(RESENDERS).collect::<Vec<()>>().await;

    let work = history.commands_again().into_iter().enumerate().map(|(position, (number, command))| async move {
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
    let is_doubted = operation.doubted || operation.is_cancelled();
    let answer = until(&what, PATIENCE, || async {
        let attempt = history.invoke(number, node);
        let answer = client.append(&operation.log, &operation.id, &operation.payloads).await;
        history.complete(attempt, answer.clone());
        match answer {
            Ok(acknowledgement) => Ok(Ok(acknowledgement.place)),
            // The cancel was the first to come.
            Err(failure) if is_doubted && failure.reason == "CANCELLED" => Ok(Err(failure.outcome)),
            Err(failure) => Err(failure.to_string()),
        }
    })
    .await;
    let place = match answer {
        Ok(place) if !operation.is_cancelled() => place,
        // What is answered has an outcome: the oracle says whether it is the one that was told before.
        Err(Some(outcome)) if !operation.is_cancelled() => return history.cancelled(number, &outcome),
        _ => return,
    };
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
    let request = command.request.open();
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
