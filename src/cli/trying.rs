//! Says once that the nodes are still being tried: after a second in which every attempt failed, and after a whole timeout
//! where a command goes on even then.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Error, Tried};

use super::arguments::Printing;
use super::output::{self, Output};

/// How long attempts fail in silence.
const SILENCE: Duration = Duration::from_secs(1);
/// After so long without a failure there was an answer in between: no attempt takes longer.
const RECOVERED: Duration = Duration::from_secs(5);
/// The pause after the nodes could not be reached for a whole timeout.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears of failed attempts, and says when it is time.
struct Trying {
    /// When attempts began to fail.
    since: Instant,
    last: Instant,
    is_told: bool,
}

impl Trying {
    fn new(now: Instant) -> Self {
        Self { since: now, last: now, is_told: false }
    }

    /// What to say after a failed attempt, if it is time.
    fn failed(&mut self, tried: &Tried, now: Instant) -> Option<String> {
        if now - self.last > RECOVERED {
            self.since = now;
        }
        self.last = now;
        let is_time = now - self.since >= SILENCE && !self.is_told;
        self.is_told |= is_time;
        is_time.then(|| format!("still trying: {}: {}", tried.address, tried.last))
    }
}

/// What a client calls after each failed attempt.
pub(super) fn teller(printing: Printing) -> impl Fn(&Tried) + Send + Sync {
    let trying = Mutex::new(Trying::new(Instant::now()));
    move |tried| {
        let text = trying.lock().unwrap_or_else(PoisonError::into_inner).failed(tried, Instant::now());
        if let Some(text) = text {
            output::note(printing, &text);
        }
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

    /// Says why nothing comes, and that it is still being tried. It returns when it is time for that.
    pub(super) async fn tell(&mut self, out: &Output, error: Error) {
        if self.begins(Instant::now()) {
            out.complain(error);
            out.note("still trying until a node answers; Ctrl-C stops it");
        }
        tokio::time::sleep(PAUSE).await;
    }

    /// Whether an outage begins with a failure.
    fn begins(&mut self, now: Instant) -> bool {
        self.last.replace(now).is_none_or(|last| now - last > self.recovered)
    }
}

#[cfg(test)]
mod tests {
    use crate::client::{ErrorReport, Reason};

    use super::*;

    #[test]
    fn it_is_said_once_after_a_second_of_failures() {
        let start = Instant::now();
        let mut trying = Trying::new(start);
        let last = ErrorReport::without_effect(Reason::NoLeader, "an election is under way");
        let tried = Tried { address: "a:1".to_owned(), attempts: 1, last };
        let mut at = |ms| trying.failed(&tried, start + Duration::from_millis(ms));
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
        let mut trying = Trying::new(start);
        let tried = Tried { address: "a:1".to_owned(), attempts: 1, last: ErrorReport::outcome_unknown("silent") };
        assert_eq!(trying.failed(&tried, start + Duration::from_mins(5)), None);
    }
}
