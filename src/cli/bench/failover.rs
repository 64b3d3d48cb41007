//! `bench failover`: a cluster of its own, whose leader is killed again and again under load.
//!
//! - The gap of a kill is the longest time without an acknowledgement from the kill until all nodes serve again.
//! - At the end every log is read: what was acknowledged must be there once, nothing may be there twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::load::{Cargo, Line};
use super::meter::{histogram, take_in};
use crate::cli::arguments::{Failover, Ids};
use crate::cli::call::Call;
use crate::cli::children::{Afterwards, Children, Directory, Settings};
use crate::cli::column::Column;
use crate::cli::problem::Problem;
use crate::cli::value::{Value, float};
use crate::client::Client;
use crate::types::{Consistency, Id, LogName, NodeId, Offset};

/// How long a killed leader's successor may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the load runs before the next kill, so that each meets a cluster at work.
const BETWEEN_KILLS: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(5);

/// What was measured.
struct Report {
    gaps: Vec<Duration>,
    acknowledged: u64,
    /// Appends whose time was over before their answer came.
    errors: u64,
    lost: u64,
    doubled: u64,
}

fn columns(bench: &Failover) -> Vec<Column<Report>> {
    let gap = |quantile| {
        move |report: &Report| {
            let mut histogram = histogram();
            report.gaps.iter().for_each(|gap| take_in(&mut histogram, *gap));
            Value::Float(float(histogram.value_at_quantile(quantile)) / 1_000.0, 0)
        }
    };
    let gaps = |report: &Report| report.gaps.iter().map(|gap| (gap.as_secs_f64() * 1_000.0).round()).collect::<Json>();
    vec![
        Column::given_json("bench", "failover"),
        Column::given_json("timing", bench.timing.as_str()),
        Column::given_json("nodes", u64::from(bench.nodes)),
        Column::given_json("clients", bench.clients),
        Column::new("kills", "KILLS", |report: &Report| report.gaps.len()),
        Column::new("gap_p50_ms", "GAP P50 MS", gap(0.5)),
        Column::new("gap_p90_ms", "GAP P90 MS", gap(0.9)).spare(),
        Column::new("gap_p99_ms", "GAP P99 MS", gap(0.99)).spare(),
        Column::new("gap_max_ms", "GAP MAX MS", gap(1.0)),
        Column::json("gaps_ms", gaps),
        Column::new("acknowledged", "ACKNOWLEDGED", |report: &Report| report.acknowledged),
        Column::new("errors", "ERRORS", |report: &Report| report.errors),
        Column::new("lost", "LOST", |report: &Report| report.lost),
        Column::new("doubled", "DOUBLED", |report: &Report| report.doubled),
    ]
}

/// Kills, measures, prints. What was lost or doubled is a failure.
pub(super) async fn run(call: &mut Call, bench: Failover) -> Result<(), Problem> {
    let settings = Settings { nodes: Some(bench.nodes.into()), timing: bench.timing, first_port: None };
    let mut children = Children::prepare(Directory::temporary(Afterwards::Remove)?, &settings).await?;
    children.bring_up().await?;
    let measured = measure(call, &bench, &mut children).await;
    children.stop().await?;
    children.clear_away()?;
    let report = measured?;
    call.out.one(&columns(&bench), &report)?;
    if report.lost + report.doubled > 0 {
        return Err(Problem::failure(
            format!("{} acknowledged appends are lost, {} are there twice", report.lost, report.doubled),
            "This must never happen: please report it, with the version and the command line.",
        ));
    }
    Ok(())
}

async fn measure(call: &Call, bench: &Failover, children: &mut Children) -> Result<Report, Problem> {
    let addresses: Vec<String> = children.addresses().collect();
    let client = Client::builder().addresses(&addresses).timeout(call.speaking.timeout.max(PATIENCE)).build()?;
    let log = LogName::new("failover").expect("a good name");
    let cargo = Cargo::new(log.clone(), bench.size, 1, Ids::Uuidv7);
    let line = Line::Stream(client.clone(), Arc::new(client.append_stream_of(bench.clients as usize)));
    let pulse = Arc::new(Pulse::new());
    let mut load = JoinSet::new();
    for _ in 0..bench.clients {
        load.spawn(append(line.clone(), cargo.clone(), Arc::clone(&pulse)));
    }

    let mut gaps = Vec::new();
    for number in 1..=bench.kills {
        tokio::time::sleep(BETWEEN_KILLS).await;
        let leader = leader(children).await?;
        pulse.begin();
        children.kill(leader).await?;
        pulse.beaten(2 * u64::from(bench.clients)).await?;
        children.start(leader)?;
        children.until_all_serve().await?;
        let gap = pulse.longest();
        gaps.push(gap);
        call.out.note(&format!("kill {number}: node {leader}, {} ms without an answer", gap.as_millis()));
    }
    pulse.stop();
    let mut acknowledged = BTreeMap::new();
    for ids in load.join_all().await {
        acknowledged.extend(ids);
    }
    let (lost, doubled) = check(&client, &log, &acknowledged).await?;
    Ok(Report { gaps, acknowledged: acknowledged.len() as u64, errors: pulse.lock().errors, lost, doubled })
}

async fn leader(children: &Children) -> Result<NodeId, Problem> {
    until(async || children.leader().await).await
}

/// Asks until there is an answer.
async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> Result<T, Problem> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return Ok(answer);
        }
        if Instant::now() > end {
            return Err(Problem::failure(
                format!("the cluster did not go on within {} s", PATIENCE.as_secs()),
                "Check that this machine is not overloaded; `oncelog dev --keep` keeps the logs of the nodes.",
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// When answers came.
struct Pulse {
    beats: Mutex<Beats>,
}

struct Beats {
    last: Instant,
    since: u64,
    longest: Duration,
    errors: u64,
    goes_on: bool,
}

impl Pulse {
    fn new() -> Self {
        let beats = Beats { last: Instant::now(), since: 0, longest: Duration::ZERO, errors: 0, goes_on: true };
        Self { beats: Mutex::new(beats) }
    }

    fn lock(&self) -> MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the longest time without an answer is looked for.
    fn begin(&self) {
        let mut beats = self.lock();
        (beats.since, beats.longest) = (0, Duration::ZERO);
    }

    /// Takes in an answer. `false`: that is enough.
    fn beat(&self, is_answer: bool) -> bool {
        let mut beats = self.lock();
        if is_answer {
            let now = Instant::now();
            beats.longest = beats.longest.max(now.saturating_duration_since(beats.last));
            beats.last = now;
            beats.since += 1;
        } else {
            beats.errors += 1;
        }
        beats.goes_on
    }

    /// Waits until so many answers have come, which are more than can have been on their way when it began.
    async fn beaten(&self, count: u64) -> Result<(), Problem> {
        let enough = self.lock().since + count;
        until(async || (self.lock().since >= enough).then_some(())).await
    }

    fn longest(&self) -> Duration {
        self.lock().longest
    }

    fn stop(&self) {
        self.lock().goes_on = false;
    }
}

/// Appends until it is enough, and says what was acknowledged where.
async fn append(line: Line, cargo: Cargo, pulse: Arc<Pulse>) -> Vec<(Id, Offset)> {
    let mut acknowledged = Vec::new();
    loop {
        let id = line.fresh_id(cargo.ids);
        let result = line.send(&cargo, &id).await;
        let goes_on = pulse.beat(result.is_ok());
        if let Ok(appended) = result {
            acknowledged.push((id, appended.first));
        }
        if !goes_on {
            return acknowledged;
        }
    }
}

/// How many of the acknowledged are not where they were said to be, and how many ids the log has more than once.
async fn check(client: &Client, log: &LogName, acknowledged: &BTreeMap<Id, Offset>) -> Result<(u64, u64), Problem> {
    let mut found: BTreeMap<Id, (Offset, u64)> = BTreeMap::new();
    let mut pages = client.pages(log.clone(), Offset(0), None, Consistency::Linearizable);
    while let Some(page) = pages.next().await? {
        for record in page.records {
            found.entry(record.id).or_insert((record.offset, 0)).1 += 1;
        }
    }
    let is_lost = |(id, offset): &(&Id, &Offset)| found.get(id).is_none_or(|(there, _)| there != *offset);
    let lost = acknowledged.iter().filter(is_lost).count() as u64;
    let doubled = found.values().filter(|(_, count)| *count > 1).count() as u64;
    Ok((lost, doubled))
}
