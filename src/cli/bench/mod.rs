//! `bench`: measures a cluster from outside, as its users would see it.
//!
//! - Closed loop by default: so many requests in flight, each sent when the one before it is answered. With `--rate` open:
//!   latency counts from when a request was due.
//! - Everything is fsync'ed by a majority before it is answered, as always: there is no mode to turn off.
//! - Only what ends inside the measured time counts. Ctrl-C ends it early, and what was measured is printed.

mod failover;
mod load;
mod meter;
mod pace;
mod report;
mod servers;

use std::future::Future;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rand::RngExt as _;
use tokio::time::Instant;

use self::load::{Cargo, Connections};
use self::meter::Meter;
use self::report::Report;
use super::arguments::{Bench, BenchAppend, BenchRead, Dup, Ids, Load, Mode};
use super::call::Call;
use super::problem::Problem;
use super::value::float;
use crate::client::{Client, Error};
use crate::types::{Consistency, LogName};

/// Measures, and prints what was measured.
pub(super) async fn run(call: &mut Call, bench: Bench) -> Result<(), Problem> {
    let bencher = Bencher { call };
    let report = match bench {
        Bench::Append(append) => bencher.append(append).await?,
        Bench::Read(read) => bencher.read(read).await?,
        Bench::Dup(dup) => bencher.dup(dup).await?,
        Bench::Failover(bench) => return failover::run(call, bench).await,
    };
    report::print(&mut call.out, &report)
}

struct Bencher<'a> {
    call: &'a Call,
}

impl Bencher<'_> {
    async fn append(&self, bench: BenchAppend) -> Result<Report, Problem> {
        let connections = self.connections(&bench.load)?;
        let count = if bench.mode == Mode::Batch { bench.records } else { 1 };
        let cargo = Cargo::new(log(&bench.load), bench.size, count, bench.ids);
        let lines = connections.lines(bench.mode, bench.load.clients);
        let report = self
            .measure("append", &bench.load, |meter| {
                let (cargo, load, duplicates) = (cargo.clone(), bench.load.clone(), bench.duplicate_ratio);
                async move { load::append(lines, &cargo, duplicates, &load, &meter).await }
            })
            .await;
        Ok(Report { mode: name(bench.mode), size: bench.size, connections: connections.len(), ..report })
    }

    async fn dup(&self, bench: Dup) -> Result<Report, Problem> {
        let connections = self.connections(&bench.load)?;
        let cargo = Cargo::new(log(&bench.load), bench.size, 1, bench.ids);
        let lines = connections.lines(bench.mode, bench.load.clients);
        let known = Arc::new(load::prepare(&lines, &cargo, bench.prepare).await?);
        let report = self
            .measure("dup", &bench.load, |meter| {
                let (cargo, load) = (cargo.clone(), bench.load.clone());
                async move { load::resend(lines, &cargo, known, &load, &meter).await }
            })
            .await;
        Ok(Report { mode: name(bench.mode), size: bench.size, connections: connections.len(), ..report })
    }

    async fn read(&self, bench: BenchRead) -> Result<Report, Problem> {
        let connections = self.connections(&bench.load)?;
        let log = log(&bench.load);
        if bench.load.log.is_none() {
            let cargo = Cargo::new(log.clone(), bench.size, 1, Ids::Uuidv7);
            load::prepare(&connections.lines(Mode::Stream, 256), &cargo, bench.prepare).await?;
        }
        let end = self.call.client.describe_log(&log, Consistency::Linearizable).await?.end;
        let consistency = bench.local.consistency();
        let clients = connections.clients(bench.load.clients);
        let report = self
            .measure("read", &bench.load, |meter| {
                let (log, load) = (log.clone(), bench.load.clone());
                async move { load::read(clients, &log, end, bench.limit, consistency, &load, &meter).await }
            })
            .await;
        let mode = if consistency == Consistency::Local { "local" } else { "linearizable" };
        Ok(Report { mode: mode.to_owned(), size: bench.size, connections: connections.len(), ..report })
    }

    /// Runs a load for its time, shows how it goes, and looks at the nodes before and after.
    async fn measure<F>(&self, bench: &'static str, load: &Load, run: impl FnOnce(Meter) -> F) -> Report
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let begin = Instant::now() + load.warmup();
        let meter = Meter::new(begin, begin + load.seconds());
        let running = tokio::spawn(run(meter.clone()));
        let progress = self.progress(load);
        tokio::time::sleep_until(begin).await;
        let before = servers::look(&self.call.client).await;
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
        let (counts, measured) = (meter.so_far(), meter.measured());
        let after = servers::look(&self.call.client).await;
        progress.finish_and_clear();
        // What is still on the way has its deadline, and does not count any more.
        running.abort();
        let servers = servers::used(&before, &after, measured.as_secs_f64());
        Report { clients: load.clients, servers, ..Report::new(bench, &counts, measured) }
    }

    fn connections(&self, load: &Load) -> Result<Connections, Error> {
        Connections::open(load, |number| {
            let speaking = &self.call.speaking;
            let mut addresses = speaking.server.clone();
            let count = addresses.len().max(1);
            addresses.rotate_left(number % count);
            let builder = Client::builder().addresses(addresses).space(speaking.space.clone());
            builder.timeout(speaking.timeout).build()
        })
    }

    fn progress(&self, load: &Load) -> ProgressBar {
        if self.call.out.is_quiet() || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{wide_bar} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let progress =
            ProgressBar::new(u64::try_from(load.seconds().as_millis()).unwrap_or(u64::MAX)).with_style(style);
        progress.set_message("warming up");
        progress
    }
}

fn show(progress: &ProgressBar, meter: &Meter) {
    let measured = meter.measured();
    progress.set_position(u64::try_from(measured.as_millis()).unwrap_or(u64::MAX));
    let per_second = float(meter.count()) / measured.as_secs_f64().max(f64::EPSILON);
    progress.set_message(format!("{:.0} s  {per_second:.0}/s", measured.as_secs_f64()));
}

fn log(load: &Load) -> LogName {
    let random = || LogName::new(&format!("bench-{:08x}", rand::rng().random::<u32>()));
    load.log.clone().unwrap_or_else(|| random().expect("hexadecimal digits make a name"))
}

fn name(mode: Mode) -> String {
    let name = match mode {
        Mode::Stream => "stream",
        Mode::Unary => "unary",
        Mode::Batch => "batch",
    };
    name.to_owned()
}
