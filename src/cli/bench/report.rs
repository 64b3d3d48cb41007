//! How a bench prints what it has measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::meter::Counts;
use super::servers::Used;
use crate::cli::arguments::Format;
use crate::cli::column::Column;
use crate::cli::output::{self, Output};
use crate::cli::problem::Problem;
use crate::cli::value::{Value, float};

/// The result of one bench.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) bench: &'static str,
    pub(super) mode: String,
    pub(super) clients: u32,
    pub(super) connections: usize,
    pub(super) size: usize,
    pub(super) seconds: f64,
    pub(super) operations: u64,
    pub(super) ops_per_s: f64,
    pub(super) records_per_s: f64,
    pub(super) mib_per_s: f64,
    pub(super) mean_ms: f64,
    pub(super) p50_ms: f64,
    pub(super) p90_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
    pub(super) max_ms: f64,
    pub(super) replayed: u64,
    pub(super) errors: u64,
    pub(super) error_reasons: BTreeMap<String, u64>,
    pub(super) servers: Vec<Used>,
}

impl Report {
    /// With the counts of a measured time; the rest is the caller's to say.
    pub(super) fn new(bench: &'static str, counts: &Counts, measured: Duration) -> Self {
        let seconds = measured.as_secs_f64().max(f64::EPSILON);
        let per_second = |count: u64| (float(count) / seconds * 10.0).round() / 10.0;
        let ms = |micros: u64| float(micros) / 1_000.0;
        let at = |quantile: f64| ms(counts.latency.value_at_quantile(quantile));
        Self {
            bench,
            mode: String::new(),
            clients: 0,
            connections: 0,
            size: 0,
            seconds: (seconds * 1_000.0).round() / 1_000.0,
            operations: counts.operations,
            ops_per_s: per_second(counts.operations),
            records_per_s: per_second(counts.records),
            mib_per_s: (float(counts.bytes) / seconds / f64::from(1 << 20) * 100.0).round() / 100.0,
            mean_ms: counts.latency.mean().round() / 1_000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: ms(counts.latency.max()),
            replayed: counts.replayed,
            errors: counts.errors.values().sum(),
            error_reasons: counts.errors.clone(),
            servers: Vec::new(),
        }
    }
}

fn columns() -> Vec<Column<Report>> {
    vec![
        Column::json("bench", |report: &Report| report.bench),
        Column::json("mode", |report: &Report| report.mode.clone()),
        Column::json("clients", |report: &Report| report.clients),
        Column::json("connections", |report: &Report| report.connections),
        Column::json("size", |report: &Report| report.size),
        Column::json("seconds", |report: &Report| Value::Float(report.seconds, 1)),
        Column::json("operations", |report: &Report| report.operations),
        Column::new("ops_per_s", "OPS/S", |report: &Report| Value::Float(report.ops_per_s, 0)),
        Column::new("records_per_s", "RECORDS/S", |report: &Report| Value::Float(report.records_per_s, 0)),
        Column::new("mib_per_s", "MIB/S", |report: &Report| Value::Float(report.mib_per_s, 2)),
        Column::json("mean_ms", |report: &Report| Value::Float(report.mean_ms, 2)),
        Column::new("p50_ms", "P50 MS", |report: &Report| Value::Float(report.p50_ms, 2)),
        Column::new("p90_ms", "P90 MS", |report: &Report| Value::Float(report.p90_ms, 2)),
        Column::new("p99_ms", "P99 MS", |report: &Report| Value::Float(report.p99_ms, 2)),
        Column::new("p999_ms", "P99.9 MS", |report: &Report| Value::Float(report.p999_ms, 2)),
        Column::new("max_ms", "MAX MS", |report: &Report| Value::Float(report.max_ms, 2)),
        Column::new("replayed", "REPLAYED", |report: &Report| report.replayed),
        Column::new("errors", "ERRORS", |report: &Report| report.errors),
        Column::json("error_reasons", |report: &Report| {
            serde_json::to_value(&report.error_reasons).unwrap_or_default()
        }),
        Column::json("servers", |report: &Report| {
            let columns = used_columns();
            report.servers.iter().map(|used| output::object(&columns, used)).collect::<serde_json::Value>()
        }),
    ]
}

fn used_columns() -> Vec<Column<Used>> {
    vec![
        Column::new("node_id", "NODE", |used: &Used| used.node_id),
        Column::new("role", "ROLE", |used: &Used| used.role),
        Column::json("cpu_percent", |used: &Used| Value::Float(used.cpu_percent, 0)),
        Column::shown("CPU", |used: &Used| format!("{:.0} %", used.cpu_percent)),
        Column::new("written_bytes", "WRITTEN", |used: &Used| Value::Size(used.written_bytes)),
        Column::new("log_syncs", "SYNCS", |used: &Used| used.log_syncs),
        Column::new("log_entries", "ENTRIES", |used: &Used| used.log_entries),
        Column::new("log_bytes", "LOG BYTES", |used: &Used| Value::Size(used.log_bytes)),
    ]
}

/// For people two tables, for programs everything.
pub(super) fn print(out: &mut Output, report: &Report) -> Result<(), Problem> {
    out.one(&columns(), report)?;
    if out.format() == Format::Table {
        if !report.error_reasons.is_empty() {
            let reasons = report.error_reasons.iter().map(|(reason, count)| format!("{count} {reason}"));
            out.text(&format!("errors: {}", reasons.collect::<Vec<_>>().join(", ")))?;
        }
        if !report.servers.is_empty() {
            out.text("")?;
            out.rows(&used_columns(), &report.servers)?;
        }
    }
    Ok(())
}
