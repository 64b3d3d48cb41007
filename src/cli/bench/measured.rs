//! What is measured: what requests did, what the nodes have used meanwhile by their own count, and how both are printed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::load::Answer;
use crate::cli::arguments::Format;
use crate::cli::column::Column;
use crate::cli::output::{self, Output};
use crate::cli::problem::Problem;
use crate::cli::status::NodeRow;
use crate::cli::value::{Value, float};
use crate::client::{Error, Reason};
use crate::types::{Counters, NodeStatus};

/// The result of one bench, so far.
#[derive(Debug)]
pub(super) struct Measured {
    /// Of the requests that have succeeded, in microseconds.
    pub(super) latency: Histogram<u64>,
    records: u64,
    bytes: u64,
    replayed: u64,
    /// By reason.
    errors: BTreeMap<&'static str, u64>,
    last_error: Option<Error>,
    pub(super) seconds: f64,
    pub(super) servers: Vec<Used>,
}

/// What one node has used.
#[derive(Debug)]
pub(super) struct Used {
    node_id: u64,
    role: &'static str,
    /// Processor time, in hundredths of one processor over the measured time.
    cpu_percent: f64,
    written_bytes: u64,
    log_syncs: u64,
    log_entries: u64,
    log_bytes: u64,
}

impl Default for Measured {
    fn default() -> Self {
        let (latency, errors, servers) = (histogram(&[]), BTreeMap::new(), Vec::new());
        Self { latency, records: 0, bytes: 0, replayed: 0, errors, last_error: None, seconds: 0.0, servers }
    }
}

impl Measured {
    /// Takes in what became of a request, if it ended inside the measured time.
    pub(super) fn take_in(&mut self, time: &RangeInclusive<Instant>, Answer { due, at, result }: Answer) {
        match result {
            _ if !time.contains(&at) => {}
            Ok(done) => {
                self.latency += micros(at.saturating_duration_since(due));
                self.records += done.records;
                self.bytes += done.bytes;
                self.replayed += u64::from(done.replayed);
            }
            Err(error) => {
                *self.errors.entry(error.reason().map_or("NO_ANSWER", Reason::as_str)).or_default() += 1;
                self.last_error = Some(error);
            }
        }
    }

    /// Insists that something has succeeded; otherwise the error that came last says why nothing has.
    pub(super) fn unless_nothing_succeeded(mut self) -> Result<Self, Problem> {
        match self.last_error.take() {
            _ if !self.latency.is_empty() => Ok(self),
            Some(error) => Err(error.into()),
            None => Err(Problem::failure(
                format!("no request was answered within the measured {:.1} s", self.seconds),
                "Measure for longer, or ask `oncelog status` how the nodes are.",
            )),
        }
    }
}

/// What each node has used between two looks. One that was restarted in between has begun anew, and is left out.
pub(super) fn used(before: &[NodeRow], after: &[NodeRow], seconds: f64) -> Vec<Used> {
    let of = |after: &NodeStatus| {
        let before = before.iter().filter_map(|row| row.asked.said()).find(|before| before.node == after.node)?;
        let since = |count: fn(&Counters) -> u64| count(&after.counters).checked_sub(count(&before.counters));
        Some(Used {
            node_id: after.node.0,
            role: after.role.as_str(),
            cpu_percent: (float(since(|counters| counters.cpu_ms)?) / seconds).round() / 10.0,
            written_bytes: since(|counters| counters.written_bytes)?,
            log_syncs: since(|counters| counters.log_syncs)?,
            log_entries: since(|counters| counters.log_entries)?,
            log_bytes: since(|counters| counters.log_bytes)?,
        })
    };
    after.iter().filter_map(|row| row.asked.said()).filter_map(of).collect()
}

/// Of times in microseconds.
pub(super) fn histogram(times: &[Duration]) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are allowed");
    for time in times {
        histogram += micros(*time);
    }
    histogram
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// A quantile in milliseconds; there is none of nothing.
pub(super) fn quantile(quantile: f64, histogram: &Histogram<u64>, for_people: usize) -> Value {
    millis(float(histogram.value_at_quantile(quantile)), histogram, for_people)
}

fn millis(micros: f64, histogram: &Histogram<u64>, for_people: usize) -> Value {
    if histogram.is_empty() { Value::Json(Json::Null) } else { rounded(micros / 1_000.0, 3, for_people) }
}

/// A number that programs see with some decimals, and people with fewer.
fn rounded(value: f64, decimals: i32, for_people: usize) -> Value {
    let power = 10_f64.powi(decimals);
    Value::Float((value * power).round() / power, for_people)
}

/// What all benches measure, behind what is known of this one before.
fn columns(mut columns: Vec<Column<Measured>>) -> Vec<Column<Measured>> {
    let per_second = |count: fn(&Measured) -> f64, decimals| {
        move |measured: &Measured| rounded(count(measured) / measured.seconds, 2, decimals)
    };
    let latency = |at| move |measured: &Measured| quantile(at, &measured.latency, 2);
    columns.extend([
        Column::json("seconds", |measured: &Measured| rounded(measured.seconds, 3, 1)),
        Column::json("operations", |measured: &Measured| measured.latency.len()),
        Column::new("ops_per_s", "OPS/S", per_second(|measured| float(measured.latency.len()), 0)),
        Column::new("records_per_s", "RECORDS/S", per_second(|measured| float(measured.records), 0)),
        Column::new("mib_per_s", "MIB/S", per_second(|measured| float(measured.bytes) / f64::from(1 << 20), 2)),
        Column::json("mean_ms", |measured: &Measured| millis(measured.latency.mean(), &measured.latency, 2)),
        Column::new("p50_ms", "P50 MS", latency(0.5)),
        Column::new("p90_ms", "P90 MS", latency(0.9)).spare(),
        Column::new("p99_ms", "P99 MS", latency(0.99)),
        Column::new("p999_ms", "P99.9 MS", latency(0.999)).spare(),
        Column::new("max_ms", "MAX MS", latency(1.0)),
        Column::new("replayed", "REPLAYED", |measured: &Measured| measured.replayed),
        Column::new("errors", "ERRORS", |measured: &Measured| measured.errors.values().sum::<u64>()),
        Column::json("error_reasons", |measured: &Measured| json!(measured.errors)),
        Column::json("servers", |measured: &Measured| {
            measured.servers.iter().map(|used| output::object(&server_columns(), used)).collect::<Json>()
        }),
    ]);
    columns
}

fn server_columns() -> Vec<Column<Used>> {
    vec![
        Column::new("node_id", "NODE", |used: &Used| used.node_id),
        Column::new("role", "ROLE", |used: &Used| used.role),
        Column::json("cpu_percent", |used: &Used| Value::Float(used.cpu_percent, 0)),
        Column::shown("CPU", |used: &Used| Value::Told(used.cpu_percent.into(), format!("{:.0} %", used.cpu_percent))),
        Column::new("written_bytes", "WRITTEN", |used: &Used| Value::Size(used.written_bytes)),
        Column::new("log_syncs", "SYNCS", |used: &Used| used.log_syncs),
        Column::new("log_entries", "ENTRIES", |used: &Used| used.log_entries),
        Column::new("log_bytes", "LOG BYTES", |used: &Used| Value::Size(used.log_bytes)),
    ]
}

/// For people two tables, for programs everything.
pub(super) fn print(out: &mut Output, head: Vec<Column<Measured>>, measured: &Measured) -> Result<(), Problem> {
    out.one(&columns(head), measured)?;
    if out.format() == Format::Table {
        let errors: Vec<_> = measured.errors.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        if !errors.is_empty() {
            out.text(&format!("errors: {}", errors.join(", ")))?;
        }
        if !measured.servers.is_empty() {
            out.text("")?;
            out.rows(&server_columns(), &measured.servers)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::load::Done;
    use crate::cli::exit::Exit;
    use crate::cli::output::{printed, printed_at};
    use crate::client::Cause;
    use crate::types::AttemptEffect;

    fn measured(results: impl IntoIterator<Item = Result<Done, Error>>) -> Measured {
        let now = Instant::now();
        let mut measured = Measured::default();
        results.into_iter().for_each(|result| measured.take_in(&(now..=now), Answer { due: now, at: now, result }));
        let (node_id, role, cpu_percent) = (1, "leader", 7.25);
        let used = Used { node_id, role, cpu_percent, written_bytes: 0, log_syncs: 0, log_entries: 0, log_bytes: 0 };
        Measured { seconds: 2.0, servers: vec![used], ..measured }
    }

    fn silence() -> Error {
        let cause = Cause::TimeOver(Duration::from_secs(1));
        Error { doing: "append".to_owned(), id: None, effect: AttemptEffect::None, cause, tried: Vec::new() }
    }

    #[test]
    fn only_what_ends_inside_the_measured_time_counts() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut measured = Measured::default();
        let done = Done { records: 2, bytes: 10, replayed: true, appended: None };
        for (due, end) in [(0, 9), (19, 20), (29, 31)] {
            let answer = Answer { due: at(due), at: at(end), result: Ok(done.clone()) };
            measured.take_in(&(at(10)..=at(30)), answer);
        }
        assert_eq!((measured.latency.len(), measured.records, measured.bytes, measured.replayed), (1, 2, 10, 1));
        assert_eq!(measured.latency.max() / 10_000, 100);
    }

    #[test]
    fn a_bench_in_which_nothing_succeeded_has_failed() {
        let exit = |measured: Measured| measured.unless_nothing_succeeded().map_err(|problem| problem.exit()).err();
        assert_eq!(exit(measured([Ok(Done::default()), Err(silence())])), None);
        assert_eq!(exit(measured([Err(silence())])), Some(Exit::Unavailable));
        assert_eq!(exit(measured([])), Some(Exit::Failure));
    }

    #[test]
    fn latencies_of_nothing_are_none() {
        let printed = |format| printed(format, |out| print(out, Vec::new(), &measured([])));
        assert_eq!(printed(Format::Plain), "0\t0\t0\t-\t-\t-\t-\t-\t0\t0\n");
        let line: Json = serde_json::from_str(&printed(Format::Jsonl)).unwrap();
        assert_eq!((&line["p50_ms"], &line["mean_ms"]), (&Json::Null, &Json::Null));
        assert_eq!(line["servers"][0]["cpu_percent"], 7.25);
    }

    #[test]
    fn both_tables_fit_into_80_columns() {
        let done = Done { records: 123_456_789, bytes: 1 << 30, replayed: true, appended: None };
        let mut measured = measured([Ok(done), Err(silence())]);
        measured.seconds = 0.01;
        measured.latency.record_n(1, 1_234_566).unwrap();
        let print = |out: &mut Output| print(out, Vec::new(), &measured);
        let table = String::from_utf8(printed_at(Some(80), Format::Table, print)).unwrap();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("P99 MS") && table.contains("errors: 1 NO_ANSWER") && table.contains("7 %"), "{table}");
    }
}
