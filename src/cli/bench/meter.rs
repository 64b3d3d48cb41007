//! What was measured: latencies and counts of what ended inside the measured time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use crate::cli::value::Value;
use crate::client::{Error, Reason};

/// What one request did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) replayed: bool,
}

/// Counts what many tasks do. Clones count together.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    begin: Instant,
    end: Instant,
    counts: Arc<Mutex<Counts>>,
    last_error: Arc<Mutex<Option<Error>>>,
}

/// What was counted.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// In microseconds.
    pub(super) latency: Histogram<u64>,
    pub(super) operations: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) replayed: u64,
    /// By reason.
    pub(super) errors: BTreeMap<&'static str, u64>,
}

impl Default for Counts {
    fn default() -> Self {
        let (latency, errors) = (histogram(), BTreeMap::new());
        Self { latency, operations: 0, records: 0, bytes: 0, replayed: 0, errors }
    }
}

/// Of durations in microseconds.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are allowed")
}

/// Takes in a duration.
pub(super) fn take_in(histogram: &mut Histogram<u64>, duration: Duration) {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
    histogram.record(micros).expect("the histogram grows");
}

/// A number that programs see with some decimals, and people with fewer.
pub(super) fn rounded(value: f64, decimals: i32, for_people: usize) -> Value {
    let power = 10_f64.powi(decimals);
    Value::Float((value * power).round() / power, for_people)
}

impl Meter {
    pub(super) fn new(begin: Instant, end: Instant) -> Self {
        Self { begin, end, counts: Arc::default(), last_error: Arc::default() }
    }

    /// When the load ends.
    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// Takes in what became of a request that was due at a time.
    pub(super) fn record(&self, due: Instant, result: Result<Done, Error>) {
        self.record_at(Instant::now(), due, result);
    }

    fn record_at(&self, now: Instant, due: Instant, result: Result<Done, Error>) {
        if now < self.begin || now > self.end {
            return;
        }
        let mut counts = lock(&self.counts);
        match result {
            Ok(done) => {
                take_in(&mut counts.latency, now.saturating_duration_since(due));
                counts.operations += 1;
                counts.records += done.records;
                counts.bytes += done.bytes;
                counts.replayed += u64::from(done.replayed);
            }
            Err(error) => {
                *counts.errors.entry(error.reason().map_or("NO_ANSWER", Reason::as_str)).or_default() += 1;
                *lock(&self.last_error) = Some(error);
            }
        }
    }

    /// What was counted so far.
    pub(super) fn so_far(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// How many requests have succeeded so far.
    pub(super) fn operations(&self) -> u64 {
        lock(&self.counts).operations
    }

    /// How much of the measured time has passed.
    pub(super) fn measured(&self) -> Duration {
        Instant::now().min(self.end).saturating_duration_since(self.begin)
    }

    /// The error that came last.
    pub(super) fn take_last_error(&self) -> Option<Error> {
        lock(&self.last_error).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_inside_the_measured_time_counts() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let meter = Meter::new(at(10), at(30));
        let done = Done { records: 2, bytes: 10, replayed: true };
        meter.record_at(at(9), at(0), Ok(done));
        meter.record_at(at(20), at(19), Ok(done));
        meter.record_at(at(31), at(29), Ok(done));
        let counts = meter.so_far();
        assert_eq!((counts.operations, counts.records, counts.bytes, counts.replayed), (1, 2, 10, 1));
        assert_eq!(counts.latency.max() / 10_000, 100);
        assert_eq!(meter.measured(), Duration::ZERO, "it has not begun");
    }
}
