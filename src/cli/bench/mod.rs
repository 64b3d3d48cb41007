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
mod measured;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::ctrl_c;
use tokio::time::{Instant, interval, sleep_until, timeout_at};

use self::load::{Line, Task};
use self::measured::Measured;
use super::arguments::{Bench, Ids, Load, Mode, Sending, word};
use super::call::Call;
use super::column::Column;
use super::problem::Problem;
use super::status;
use super::value::float;
use crate::client::{Client, Error};
use crate::types::{Consistency, LogName};

/// How many appends are in flight where the records of a log are made.
const PREPARING: usize = 256;

/// Measures, and prints what was measured.
pub(super) async fn run(call: &mut Call, bench: Bench) -> Result<(), Problem> {
    let (name, mode, size, load, tasks) = match bench {
        Bench::Failover(bench) => return failover::run(call, &bench).await,
        Bench::Append { load, sending, records, duplicate_ratio } => {
            let count = if sending.mode == Mode::Batch { records } else { 1 };
            let lines =
                Line::over(&connections(call, &load).await?, &log(&load), &sending, count, load.clients as usize);
            let task = |line| Task::Append { line, known: Arc::default(), duplicate_ratio, again: None };
            ("append", word(&sending.mode), sending.size, load, lines.into_iter().map(task).collect::<Vec<_>>())
        }
        Bench::Dup { load, sending, prepare } => {
            let lines = Line::over(&connections(call, &load).await?, &log(&load), &sending, 1, load.clients as usize);
            let known = Arc::new(load::prepare(&lines, prepare, load.clients as usize).await?);
            let task = |line| Task::Append { line, known: Arc::clone(&known), duplicate_ratio: 0.0, again: None };
            ("dup", word(&sending.mode), sending.size, load, lines.into_iter().map(task).collect())
        }
        Bench::Read { load, size, limit, prepare, local } => {
            let (clients, log) = (connections(call, &load).await?, log(&load));
            if load.log.is_none() {
                let sending = Sending { size, mode: Mode::Stream, ids: Ids::Uuidv7 };
                load::prepare(&Line::over(&clients, &log, &sending, 1, PREPARING), prepare, PREPARING).await?;
            }
            let end = call.client.describe_log(&log, Consistency::Linearizable).await?.end;
            let consistency = local.consistency();
            let task = |client| Task::Read { client, log: log.clone(), end, limit, consistency };
            let mode = if consistency == Consistency::Local { "local" } else { "linearizable" };
            ("read", mode.to_owned(), size, load, clients.into_iter().map(task).collect())
        }
    };
    let head = vec![
        Column::given_json("bench", name),
        Column::given_json("mode", mode),
        Column::given_json("clients", load.clients),
        Column::given_json("connections", load.connections()),
        Column::given_json("size", size),
    ];
    let measured = measure(call, &load, &tasks).await?;
    measured::print(&mut call.out, head, &measured)
}

/// Runs the tasks for their time, shows how it goes, and looks at the nodes before and after.
async fn measure(call: &Call, load: &Load, tasks: &[Task]) -> Result<Measured, Problem> {
    let begin = Instant::now() + Duration::from_secs_f64(load.warmup);
    let end = begin + Duration::from_secs_f64(load.seconds);
    let mut answers = load::drive(tasks, load.clients as usize, load.rate);
    let bar = if call.out.is_quiet() { ProgressBar::hidden() } else { ProgressBar::new(millis(end - begin)) };
    let style = ProgressStyle::with_template("{wide_bar} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let progress = bar.with_style(style).with_message("warming up");
    let _warm = timeout_at(begin, async { while answers.recv().await.is_some() {} }).await;
    let before = status::look(&call.client).await;
    let (mut measured, mut ticks) = (Measured::default(), interval(Duration::from_millis(200)));
    let mut ended = pin!(async {
        tokio::select! { () = sleep_until(end) => {} _interrupted = ctrl_c() => {} }
    });
    loop {
        tokio::select! {
            // In this order: answers that never cease hold the end back no longer.
            biased;
            () = &mut ended => break,
            Some(answer) = answers.recv() => measured.take_in(&(begin..=end), answer),
            now = ticks.tick() => {
                let passed = now.saturating_duration_since(begin);
                let per_second = float(measured.latency.len()) / passed.as_secs_f64().max(f64::EPSILON);
                progress.set_position(millis(passed));
                progress.set_message(format!("{:.0} s  {per_second:.0}/s", passed.as_secs_f64()));
            }
        }
    }
    drop(answers);
    let passed = Instant::now().min(end).saturating_duration_since(begin);
    measured.seconds = passed.as_secs_f64().max(f64::EPSILON);
    measured.servers = measured::used(&before, &status::look(&call.client).await, measured.seconds);
    progress.finish_and_clear();
    measured.unless_nothing_succeeded()
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn log(load: &Load) -> LogName {
    let random = || LogName::new(&format!("bench-{:08x}", rand::random::<u32>()));
    load.log.clone().unwrap_or_else(|| random().expect("hexadecimal digits make a name"))
}
