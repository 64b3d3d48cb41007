//! Says once that the nodes are still being tried: after a second in which every attempt failed, and after a whole timeout
//! where a command goes on even then.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Error, Tried};

use super::arguments::Printing;
use super::output::{self, Output};

/// How long attempts fail in silence.
const SILENCE: Duration = Duration::from_secs(1);
/// After so long without a failure there was an answer in between: no attempt takes longer.
const RECOVERED: Duration = Duration::from_secs(5);

/// Hears of failed attempts, and says when it is time.
struct Trying {
    /// When attempts began to fail, and when the last one did.
    failing: Mutex<(Instant, Instant)>,
    is_told: AtomicBool,
}

impl Trying {
    fn new(now: Instant) -> Self {
        Self { failing: Mutex::new((now, now)), is_told: AtomicBool::new(false) }
    }

    /// What to say after a failed attempt, if it is time.
    fn failed(&self, tried: &Tried, now: Instant) -> Option<String> {
        let mut failing = self.failing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (since, last) = *failing;
        let since = if now - last > RECOVERED { now } else { since };
        *failing = (since, now);
        let is_time = now - since >= SILENCE && !self.is_told.swap(true, Ordering::Relaxed);
        is_time.then(|| format!("still trying: {}: {}", tried.address, tried.last))
    }
}

/// Tells of an outage once, however often a command that goes on trying fails meanwhile.
pub(super) struct Outage {
    /// After so long without a failure there was an answer in between.
    recovered: Duration,
    last: Option<Instant>,
}

impl Outage {
    /// For operations that take at most so long.
    pub(super) fn of(timeout: Duration) -> Self {
        Self { recovered: timeout.saturating_add(RECOVERED), last: None }
    }

    /// Says why nothing comes, and that it is still being tried.
    pub(super) fn tell(&mut self, out: &Output, error: Error) {
        if self.begins(Instant::now()) {
            out.complain(error);
            out.note("still trying until a node answers; Ctrl-C stops it");
        }
    }

    /// Whether an outage begins with a failure.
    fn begins(&mut self, now: Instant) -> bool {
        let goes_on = self.last.is_some_and(|last| now - last <= self.recovered);
        self.last = Some(now);
        !goes_on
    }
}

/// What a client calls after each failed attempt.
pub(super) fn teller(printing: Printing) -> impl Fn(&Tried) + Send + Sync {
    let trying = Trying::new(Instant::now());
    move |tried| {
        if let Some(text) = trying.failed(tried, Instant::now()) {
            output::note(printing, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::client::{ErrorReport, Reason};

    use super::*;

    #[test]
    fn it_is_said_once_after_a_second_of_failures() {
        let start = Instant::now();
        let trying = Trying::new(start);
        let last = ErrorReport::without_effect(Reason::NoLeader, "an election is under way");
        let tried = Tried { address: "a:1".to_owned(), attempts: 1, last };
        let at = |ms| trying.failed(&tried, start + Duration::from_millis(ms));
        assert_eq!((at(200), at(900)), (None, None));
        assert_eq!(at(1_100).as_deref(), Some("still trying: a:1: an election is under way"));
        assert_eq!(at(1_200), None);
    }

    #[test]
    fn an_outage_is_told_once_and_the_next_one_again() {
        let (start, mut outage) = (Instant::now(), Outage::of(Duration::from_secs(10)));
        let mut begins = |second| outage.begins(start + Duration::from_secs(second));
        assert!(begins(10));
        assert!(!begins(21) && !begins(32));
        assert!(begins(60));
    }

    #[test]
    fn a_single_failure_between_answers_is_not_told() {
        let start = Instant::now();
        let trying = Trying::new(start);
        let tried = Tried { address: "a:1".to_owned(), attempts: 1, last: ErrorReport::outcome_unknown("silent") };
        assert_eq!(trying.failed(&tried, start + Duration::from_mins(5)), None);
    }
}
