//! `bench`: measures a cluster from outside, as its users would see it.
//!
//! - Closed loop by default: so many requests in flight, each sent when the one before it is answered. With `--rate` open:
//!   latency counts from when a request was due.
//! - Everything is fsync'ed by a majority before it is answered, as always: there is no mode to turn off.
//! - Only what ends inside the measured time counts. Ctrl-C ends it early, and what was measured is printed.
//! - Before the load begins the cluster must answer, and in the end at least one request must have succeeded: otherwise the
//!   bench has failed.

mod failover;
mod load;
mod meter;
mod pace;
mod report;
mod servers;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rand::RngExt as _;
use tokio::time::Instant;

use self::load::{Cargo, Line, Task};
use self::meter::Meter;
use self::report::Report;
use super::arguments::{Bench, BenchAppend, BenchRead, Dup, Ids, Load, Mode, Sending};
use super::call::Call;
use super::problem::Problem;
use super::value::float;
use crate::client::{Client, Error};
use crate::types::{Consistency, LogName};

/// How many tasks make the records of a log.
const PREPARING_TASKS: usize = 256;

/// Measures, and prints what was measured.
pub(super) async fn run(call: &mut Call, bench: Bench) -> Result<(), Problem> {
    let report = match bench {
        Bench::Append(bench) => append(call, bench).await?,
        Bench::Read(bench) => read(call, bench).await?,
        Bench::Dup(bench) => dup(call, bench).await?,
        Bench::Failover(bench) => return failover::run(call, bench).await,
    };
    report::print(&mut call.out, &report)
}

async fn append(call: &Call, bench: BenchAppend) -> Result<Report, Problem> {
    let (load, clients) = (&bench.load, connections(call, &bench.load).await?);
    let Sending { size, mode, ids } = bench.sending;
    let cargo = Cargo::new(log(load), size, if mode == Mode::Batch { bench.records } else { 1 }, ids);
    let task = |line: &Line| {
        let (line, cargo, duplicate_ratio) = (line.clone(), cargo.clone(), bench.duplicate_ratio);
        load::Append { line, cargo, duplicate_ratio, again: None }
    };
    let lines = Line::over(&clients, mode, tasks(load));
    let tasks = lines.iter().cycle().take(tasks(load)).map(task).collect();
    measure(call, load, tasks, Report::new("append", mode.as_str(), size, load, clients.len())).await
}

async fn dup(call: &Call, bench: Dup) -> Result<Report, Problem> {
    let (load, clients) = (&bench.load, connections(call, &bench.load).await?);
    let Sending { size, mode, ids } = bench.sending;
    let cargo = Cargo::new(log(load), size, 1, ids);
    let lines = Line::over(&clients, mode, tasks(load));
    let known = Arc::new(load::prepare(&lines, &cargo, bench.prepare, tasks(load)).await?);
    let task = |line: &Line| load::Resend { line: line.clone(), cargo: cargo.clone(), known: Arc::clone(&known) };
    let tasks = lines.iter().cycle().take(tasks(load)).map(task).collect();
    measure(call, load, tasks, Report::new("dup", mode.as_str(), size, load, clients.len())).await
}

async fn read(call: &Call, bench: BenchRead) -> Result<Report, Problem> {
    let (load, clients) = (&bench.load, connections(call, &bench.load).await?);
    let log = log(load);
    if load.log.is_none() {
        let cargo = Cargo::new(log.clone(), bench.size, 1, Ids::Uuidv7);
        let lines = Line::over(&clients, Mode::Stream, PREPARING_TASKS);
        load::prepare(&lines, &cargo, bench.prepare, PREPARING_TASKS).await?;
    }
    let end = call.client.describe_log(&log, Consistency::Linearizable).await?.end;
    let consistency = bench.local.consistency();
    let task =
        |client: &Client| load::Read { client: client.clone(), log: log.clone(), end, limit: bench.limit, consistency };
    let tasks = clients.iter().cycle().take(tasks(load)).map(task).collect();
    let mode = if consistency == Consistency::Local { "local" } else { "linearizable" };
    measure(call, load, tasks, Report::new("read", mode, bench.size, load, clients.len())).await
}

/// Runs the tasks for their time, shows how it goes, and looks at the nodes before and after.
async fn measure<T: Task>(call: &Call, load: &Load, tasks: Vec<T>, mut report: Report) -> Result<Report, Problem> {
    let begin = Instant::now() + load.warmup();
    let meter = Meter::new(begin, begin + load.seconds());
    let running = tokio::spawn(load::drive(tasks, load.rate, meter.clone()));
    let progress = progress(call, load);
    tokio::time::sleep_until(begin).await;
    let before = servers::look(&call.client).await;
    let ended = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        while Instant::now() < meter.end() {
            ticks.tick().await;
            show(&progress, &meter);
        }
    };
    tokio::select! {
        () = ended => {}
        _interrupted = tokio::signal::ctrl_c() => {}
    }
    (report.counts, report.seconds) = (meter.so_far(), meter.measured().as_secs_f64().max(f64::EPSILON));
    let after = servers::look(&call.client).await;
    report.servers = servers::used(&before, &after, report.seconds);
    progress.finish_and_clear();
    // What is still on the way has its deadline, and does not count any more.
    running.abort();
    report.unless_nothing_succeeded(meter.take_last_error())
}

/// A client of its own for each connection, each beginning at another node. The cluster must answer: what is measured of one
/// that does not would be nothing.
async fn connections(call: &Call, load: &Load) -> Result<Vec<Client>, Error> {
    let answer = call.client.describe_space(Consistency::Linearizable).await;
    answer.map_err(|error| Error { doing: "begin the bench".to_owned(), ..error })?;
    let speaking = &call.speaking;
    let client = |number: usize| {
        let mut addresses = speaking.server.clone();
        let count = addresses.len().max(1);
        addresses.rotate_left(number % count);
        Client::builder().addresses(addresses).space(speaking.space.clone()).timeout(speaking.timeout).build()
    };
    (0..load.connections()).map(client).collect()
}

fn progress(call: &Call, load: &Load) -> ProgressBar {
    if call.out.is_quiet() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let progress = ProgressBar::new(u64::try_from(load.seconds().as_millis()).unwrap_or(u64::MAX)).with_style(style);
    progress.set_message("warming up");
    progress
}

fn show(progress: &ProgressBar, meter: &Meter) {
    let measured = meter.measured();
    progress.set_position(u64::try_from(measured.as_millis()).unwrap_or(u64::MAX));
    let per_second = float(meter.operations()) / measured.as_secs_f64().max(f64::EPSILON);
    progress.set_message(format!("{:.0} s  {per_second:.0}/s", measured.as_secs_f64()));
}

fn tasks(load: &Load) -> usize {
    load.clients as usize
}

fn log(load: &Load) -> LogName {
    let random = || LogName::new(&format!("bench-{:08x}", rand::rng().random::<u32>()));
    load.log.clone().unwrap_or_else(|| random().expect("hexadecimal digits make a name"))
}
