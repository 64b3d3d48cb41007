//! How a bench prints what it has measured.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::meter::Counts;
use super::servers::Used;
use crate::cli::output::{self, Format, Row};

/// The result of one bench.
#[derive(Debug, Clone, Serialize)]
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
        let per_second = |count: u64| (output::float(count) / seconds * 10.0).round() / 10.0;
        let ms = |micros: u64| output::float(micros) / 1_000.0;
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
            mib_per_s: (output::float(counts.bytes) / seconds / f64::from(1 << 20) * 100.0).round() / 100.0,
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

impl Row for Report {
    const HEADINGS: &'static [&'static str] =
        &["OPS/S", "RECORDS/S", "MIB/S", "P50 MS", "P90 MS", "P99 MS", "P99.9 MS", "MAX MS", "REPLAYED", "ERRORS"];

    fn cells(&self) -> Vec<String> {
        let ms = |value: f64| format!("{value:.2}");
        vec![
            format!("{:.0}", self.ops_per_s),
            format!("{:.0}", self.records_per_s),
            format!("{:.2}", self.mib_per_s),
            ms(self.p50_ms),
            ms(self.p90_ms),
            ms(self.p99_ms),
            ms(self.p999_ms),
            ms(self.max_ms),
            self.replayed.to_string(),
            self.errors.to_string(),
        ]
    }
}

impl Row for Used {
    const HEADINGS: &'static [&'static str] = &["NODE", "ROLE", "CPU", "WRITTEN", "SYNCS", "ENTRIES", "LOG BYTES"];

    fn cells(&self) -> Vec<String> {
        let bytes = |bytes: u64| bytesize::ByteSize(bytes).display().iec().to_string();
        vec![
            self.node_id.to_string(),
            self.role.to_owned(),
            format!("{:.0} %", self.cpu_percent),
            bytes(self.written_bytes),
            self.log_syncs.to_string(),
            self.log_entries.to_string(),
            bytes(self.log_bytes),
        ]
    }
}

/// For people two tables, for programs everything.
pub(super) fn print(out: &mut impl Write, format: Format, report: &Report) -> io::Result<()> {
    output::print_one(out, format, report)?;
    if format == Format::Table {
        if !report.error_reasons.is_empty() {
            let reasons = report.error_reasons.iter().map(|(reason, count)| format!("{count} {reason}"));
            writeln!(out, "errors: {}", reasons.collect::<Vec<_>>().join(", "))?;
        }
        if !report.servers.is_empty() {
            writeln!(out)?;
            output::print_rows(out, format, &report.servers)?;
        }
    }
    Ok(())
}
