//! How long a lock is surely held, as its holder can know by its own clock alone.
//!
//! - It counts from *before* the command that took or renewed the lock was sent: the space cannot have begun to count
//!   earlier.
//! - It ends a tenth of the lock's time early, because two clocks never run quite alike.

use std::time::Duration;

use tokio::time::Instant;

/// Of the lock's time, the part by which the holder gives up early.
const MARGIN_PART: u32 = 10;
/// Of the lock's time, the part after which it is renewed: two renewals may fail before it is lost.
const RENEWAL_PART: u32 = 3;

/// One stretch of holding a lock. Time is monotonic: setting a wall clock changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// From here on it may be somebody else's.
    pub(super) until: Instant,
    /// From here on it is to be renewed.
    pub(super) renewal: Instant,
}

impl Term {
    /// What a command gives that was first sent at this instant.
    pub(super) fn from(sent: Instant, time: Duration) -> Self {
        Self { until: sent + time.saturating_sub(time / MARGIN_PART), renewal: sent + time / RENEWAL_PART }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Whether so much of it has passed that what was answered may be about the past.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        now >= self.renewal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_term_counts_from_before_it_was_asked_for_and_ends_early() {
        let sent = Instant::now();
        let seconds = |seconds| sent + Duration::from_secs(seconds);
        let term = Term::from(sent, Duration::from_secs(30));
        assert_eq!((term.renewal, term.until), (seconds(10), seconds(27)));
        assert!(!term.is_late(seconds(9)) && term.is_late(seconds(10)));
        assert!(!term.is_over(seconds(26)) && term.is_over(seconds(27)));
    }

    #[tokio::test]
    async fn an_answer_that_took_longer_than_the_lock_gives_nothing() {
        let sent = Instant::now();
        let answered = sent + Duration::from_secs(11);
        assert!(Term::from(sent, Duration::from_secs(10)).is_over(answered));
    }
}
