//! How a bench prints what it has measured.

use serde_json::{Value as Json, json};

use super::meter::{Counts, rounded};
use super::servers::{self, Used};
use crate::cli::arguments::{Format, Load};
use crate::cli::column::Column;
use crate::cli::output::{self, Output};
use crate::cli::problem::Problem;
use crate::cli::value::{Value, float};
use crate::client::Error;

/// The result of one bench.
#[derive(Debug)]
pub(super) struct Report {
    bench: &'static str,
    mode: &'static str,
    size: usize,
    clients: u32,
    connections: usize,
    pub(super) seconds: f64,
    pub(super) counts: Counts,
    pub(super) servers: Vec<Used>,
}

impl Report {
    /// Of what is about to be measured.
    pub(super) fn new(bench: &'static str, mode: &'static str, size: usize, load: &Load, connections: usize) -> Self {
        let (clients, counts) = (load.clients, Counts::default());
        Self { bench, mode, size, clients, connections, seconds: 0.0, counts, servers: Vec::new() }
    }

    /// Insists that something has succeeded; otherwise the error that came last says why nothing has.
    pub(super) fn unless_nothing_succeeded(self, last_error: Option<Error>) -> Result<Self, Problem> {
        match last_error {
            _ if self.counts.operations > 0 => Ok(self),
            Some(error) => Err(error.into()),
            None => Err(Problem::failure(
                format!("no request was answered within the measured {:.1} s", self.seconds),
                "Measure for longer, or ask `oncelog status` how the nodes are.",
            )),
        }
    }

    fn per_second(&self, count: u64, decimals: usize) -> Value {
        rounded(float(count) / self.seconds, 2, decimals)
    }
}

/// A latency in milliseconds; there is none if nothing has succeeded.
fn latency(micros: impl Fn(&Counts) -> f64) -> impl Fn(&Report) -> Value {
    move |report| match report.counts.operations {
        0 => Value::or_null(None::<Value>),
        _ => rounded(micros(&report.counts) / 1_000.0, 3, 2),
    }
}

fn at(quantile: f64) -> impl Fn(&Counts) -> f64 {
    move |counts| float(counts.latency.value_at_quantile(quantile))
}

fn columns() -> Vec<Column<Report>> {
    vec![
        Column::json("bench", |report: &Report| report.bench),
        Column::json("mode", |report: &Report| report.mode),
        Column::json("clients", |report: &Report| report.clients),
        Column::json("connections", |report: &Report| report.connections),
        Column::json("size", |report: &Report| report.size),
        Column::json("seconds", |report: &Report| rounded(report.seconds, 3, 1)),
        Column::json("operations", |report: &Report| report.counts.operations),
        Column::new("ops_per_s", "OPS/S", |report: &Report| report.per_second(report.counts.operations, 0)),
        Column::new("records_per_s", "RECORDS/S", |report: &Report| report.per_second(report.counts.records, 0)),
        Column::new("mib_per_s", "MIB/S", |report: &Report| {
            rounded(float(report.counts.bytes) / report.seconds / f64::from(1 << 20), 2, 2)
        }),
        Column::json("mean_ms", latency(|counts| counts.latency.mean())),
        Column::new("p50_ms", "P50 MS", latency(at(0.5))),
        Column::new("p90_ms", "P90 MS", latency(at(0.9))).spare(),
        Column::new("p99_ms", "P99 MS", latency(at(0.99))),
        Column::new("p999_ms", "P99.9 MS", latency(at(0.999))).spare(),
        Column::new("max_ms", "MAX MS", latency(|counts| float(counts.latency.max()))),
        Column::new("replayed", "REPLAYED", |report: &Report| report.counts.replayed),
        Column::new("errors", "ERRORS", |report: &Report| report.counts.errors.values().sum::<u64>()),
        Column::json("error_reasons", |report: &Report| json!(report.counts.errors)),
        Column::json("servers", |report: &Report| {
            let columns = servers::columns();
            report.servers.iter().map(|used| output::object(&columns, used)).collect::<Json>()
        }),
    ]
}

/// For people two tables, for programs everything.
pub(super) fn print(out: &mut Output, report: &Report) -> Result<(), Problem> {
    out.one(&columns(), report)?;
    if out.format() == Format::Table {
        let errors: Vec<_> = report.counts.errors.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        if !errors.is_empty() {
            out.text(&format!("errors: {}", errors.join(", ")))?;
        }
        if !report.servers.is_empty() {
            out.text("")?;
            out.rows(&servers::columns(), &report.servers)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::cli::bench::meter::{Done, Meter};
    use crate::cli::exit::Exit;
    use crate::cli::output::{printed, printed_at};
    use crate::client::Cause;
    use crate::types::AttemptEffect;

    fn report(results: impl IntoIterator<Item = Result<Done, Error>>) -> Report {
        let now = Instant::now();
        let meter = Meter::new(now, now + Duration::from_mins(1));
        results.into_iter().for_each(|result| meter.record(now, result));
        let used = Used { node_id: 1, role: "leader", cpu_percent: 7.25, counters: crate::types::Counters::default() };
        let (counts, servers) = (meter.so_far(), vec![used]);
        let (bench, mode) = ("append", "stream");
        Report { bench, mode, size: 256, clients: 64, connections: 4, seconds: 2.0, counts, servers }
    }

    fn silence() -> Error {
        let cause = Cause::TimeOver(Duration::from_secs(1));
        Error { doing: "append".to_owned(), id: None, effect: AttemptEffect::None, cause, tried: Vec::new() }
    }

    #[test]
    fn a_bench_in_which_nothing_succeeded_has_failed() {
        let exit = |report: Report, last_error| {
            report.unless_nothing_succeeded(last_error).map_err(|problem| problem.exit()).err()
        };
        assert_eq!(exit(report([Ok(Done::default()), Err(silence())]), Some(silence())), None);
        assert_eq!(exit(report([Err(silence())]), Some(silence())), Some(Exit::Unavailable));
        assert_eq!(exit(report([]), None), Some(Exit::Failure));
    }

    #[test]
    fn latencies_of_nothing_are_none() {
        let plain = printed(Format::Plain, |out| print(out, &report([])));
        assert_eq!(plain, "0\t0\t0\t-\t-\t-\t-\t-\t0\t0\n");
        let line: Json = serde_json::from_str(&printed(Format::Jsonl, |out| print(out, &report([])))).unwrap();
        assert_eq!((&line["p50_ms"], &line["mean_ms"]), (&Json::Null, &Json::Null));
        assert_eq!(line["servers"][0]["cpu_percent"], 7.25);
    }

    #[test]
    fn both_tables_fit_into_80_columns() {
        let done = Done { records: 100, bytes: 1 << 30, replayed: true };
        let mut report = report([Ok(done), Err(silence())]);
        (report.seconds, report.counts.operations, report.counts.records) = (0.01, 1_234_567, 123_456_789);
        let table = String::from_utf8(printed_at(Some(80), Format::Table, |out| print(out, &report))).unwrap();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("P99 MS") && table.contains("errors: 1 NO_ANSWER") && table.contains("7 %"), "{table}");
    }
}
