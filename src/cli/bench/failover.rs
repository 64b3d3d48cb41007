//! `bench failover`: a cluster of its own, whose leader is killed again and again under load.
//!
//! - The gap of a kill is the longest time without an acknowledgement from the kill until all nodes serve again.
//! - At the end every log is read: what was acknowledged must be there once, nothing may be there twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout_at};

use super::load::{self, Answer, Done, Line, Task};
use super::measured::{histogram, quantile};
use crate::cli::arguments::{Dev, Failover, Ids, Mode, Sending, word};
use crate::cli::call::Call;
use crate::cli::children::Cluster;
use crate::cli::column::Column;
use crate::cli::problem::Problem;
use crate::client::Client;
use crate::types::{Consistency, Id, LogName, Offset};

/// How long a killed leader's successor may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the load runs before the next kill, so that each meets a cluster at work.
const BETWEEN_KILLS: Duration = Duration::from_secs(1);

/// What came back, and what that says.
#[derive(Default)]
struct Report {
    /// When answers came.
    times: Vec<Instant>,
    acknowledged: BTreeMap<Id, Offset>,
    /// Appends whose time was over before their answer came.
    errors: u64,
    gaps: Vec<Duration>,
    lost: usize,
    doubled: usize,
}

fn columns(bench: &Failover) -> Vec<Column<Report>> {
    let gap = |at| move |report: &Report| quantile(at, &histogram(&report.gaps), 0);
    let gaps = |report: &Report| report.gaps.iter().map(|gap| (gap.as_secs_f64() * 1_000.0).round()).collect::<Json>();
    vec![
        Column::given_json("bench", "failover"),
        Column::given_json("timing", word(&bench.timing)),
        Column::given_json("nodes", u64::from(bench.nodes)),
        Column::given_json("clients", bench.clients),
        Column::new("kills", "KILLS", |report: &Report| report.gaps.len()),
        Column::new("gap_p50_ms", "GAP P50 MS", gap(0.5)),
        Column::new("gap_p90_ms", "GAP P90 MS", gap(0.9)).spare(),
        Column::new("gap_p99_ms", "GAP P99 MS", gap(0.99)).spare(),
        Column::new("gap_max_ms", "GAP MAX MS", gap(1.0)),
        Column::json("gaps_ms", gaps),
        Column::new("acknowledged", "ACKNOWLEDGED", |report: &Report| report.acknowledged.len()),
        Column::new("errors", "ERRORS", |report: &Report| report.errors),
        Column::new("lost", "LOST", |report: &Report| report.lost),
        Column::new("doubled", "DOUBLED", |report: &Report| report.doubled),
    ]
}

/// Kills, measures, prints. What was lost or doubled is a failure.
pub(super) async fn run(call: &mut Call, bench: &Failover) -> Result<(), Problem> {
    let dev = Dev { nodes: Some(bench.nodes), timing: bench.timing, ..Dev::default() };
    let mut cluster = Cluster::prepare(&dev).await?;
    cluster.bring_up().await?;
    let measured = measure(call, bench, &mut cluster).await;
    cluster.stop(std::future::pending()).await?;
    cluster.directory.clear_away()?;
    let report = measured?;
    call.out.one(&columns(bench), &report)?;
    if report.lost + report.doubled > 0 {
        return Err(Problem::failure(
            format!("{} acknowledged appends are lost, {} are there twice", report.lost, report.doubled),
            "This must never happen: please report it, with the version and the command line.",
        ));
    }
    Ok(())
}

async fn measure(call: &Call, bench: &Failover, cluster: &mut Cluster) -> Result<Report, Problem> {
    let client = cluster.client(call.speaking.timeout.max(PATIENCE))?;
    let (log, clients) = (LogName::new("failover").expect("a good name"), bench.clients as usize);
    let sending = Sending { size: bench.size, mode: Mode::Stream, ids: Ids::Uuidv7 };
    let lines = Line::over(std::slice::from_ref(&client), &log, &sending, 1, clients);
    let task = |line| Task::Append { line, known: Arc::default(), duplicate_ratio: 0.0, again: None };
    let tasks: Vec<_> = lines.into_iter().map(task).collect();
    let mut answers = load::drive(&tasks, clients, None);

    let mut report = Report::default();
    while report.gaps.len() < bench.kills as usize {
        sleep(BETWEEN_KILLS).await;
        report.take_in(&mut answers, 1).await?;
        // None while another election is under way.
        let Some(leader) = cluster.leader().await else { continue };
        let killed = Instant::now();
        cluster.kill(leader).await?;
        // More than can have been on their way.
        let enough = answers.len() + 2 * clients;
        report.take_in(&mut answers, enough).await?;
        cluster.bring_up().await?;
        report.take_in(&mut answers, 0).await?;
        let gap = longest_gap(&report.times, killed);
        report.gaps.push(gap);
        let (number, gap) = (report.gaps.len(), gap.as_millis());
        call.out.note(&format!("kill {number}: node {leader}, {gap} ms without an answer"));
    }
    drop(answers);
    (report.lost, report.doubled) = check(&client, &log, &report.acknowledged).await?;
    Ok(report)
}

impl Report {
    /// Takes in what has come; at least so many answers, which it waits for.
    async fn take_in(&mut self, answers: &mut UnboundedReceiver<Answer>, least: usize) -> Result<(), Problem> {
        let (deadline, enough) = (Instant::now() + PATIENCE, self.times.len() + least);
        loop {
            let is_enough = self.times.len() >= enough;
            let next = if is_enough { Ok(answers.try_recv().ok()) } else { timeout_at(deadline, answers.recv()).await };
            match next.map_err(|_| {
                Problem::failure(
                    format!("no append was acknowledged for {} s", PATIENCE.as_secs()),
                    "Check that this machine is not overloaded; `oncelog dev --keep` keeps the logs of the nodes.",
                )
            })? {
                None => return Ok(()),
                Some(Answer { at, result: Ok(Done { appended: Some((id, offset)), .. }), .. }) => {
                    self.times.push(at);
                    self.acknowledged.insert(id, offset);
                }
                Some(_) => self.errors += 1,
            }
        }
    }
}

/// The longest time from one answer to the next, among those that came after a time.
fn longest_gap(times: &[Instant], after: Instant) -> Duration {
    let pairs = times.iter().zip(times.iter().skip(1)).filter(|(_, next)| **next >= after);
    pairs.map(|(last, next)| *next - *last).max().unwrap_or_default()
}

/// How many of the acknowledged are not where they were said to be, and how many ids the log has more than once.
async fn check(client: &Client, log: &LogName, acknowledged: &BTreeMap<Id, Offset>) -> Result<(usize, usize), Problem> {
    let mut found: BTreeMap<Id, (Offset, u64)> = BTreeMap::new();
    let mut pages = client.pages(log.clone(), Offset(0), None, Consistency::Linearizable);
    while let Some(page) = pages.next().await? {
        for record in page.records {
            found.entry(record.id).or_insert((record.offset, 0)).1 += 1;
        }
    }
    let is_lost = |(id, offset): &(&Id, &Offset)| found.get(id).is_none_or(|(there, _)| there != *offset);
    let lost = acknowledged.iter().filter(is_lost).count();
    Ok((lost, found.values().filter(|(_, count)| *count > 1).count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_may_begin_before_the_kill_but_ends_after_it() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let times = [0, 900, 1_000, 1_600, 1_700].map(at);
        assert_eq!(longest_gap(&times, at(1_100)), Duration::from_millis(600));
        assert_eq!(longest_gap(&times, at(2_000)), Duration::ZERO);
    }
}
