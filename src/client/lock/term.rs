//! How long a lock is held, as its holder can know: by what the space answered, and by its own clock since.
//!
//! - It counts from *before* the command that took or renewed the lock was sent: the space cannot have begun to count
//!   earlier.
//! - It ends a tenth of its time early, because two clocks never run quite alike.
//! - What was answered may be about the past. A look at the lock bounds it then, and never makes it longer: while nothing is
//!   decided the space's clock stands still, and what it leaves of the lock's time is too much.

use std::time::Duration;

use tokio::time::Instant;

use crate::client::Client;
use crate::client::error::Error;
use crate::types::{Consistency, LockName, Token};

/// Of the lock's time, the part by which the holder gives up early.
const MARGIN_PART: u32 = 10;
/// Of the lock's time, the part after which it is renewed: two renewals may fail before it is lost.
const RENEWAL_PART: u32 = 3;

/// How much of a lock's time is left when its holder gives up.
pub(super) fn margin(time: Duration) -> Duration {
    time / MARGIN_PART
}

/// One stretch of holding a lock. Time is monotonic: setting this machine's wall clock changes nothing.
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
        Self { until: sent + time.saturating_sub(margin(time)), renewal: sent + time / RENEWAL_PART }
    }

    /// What a look at the lock leaves of its time; none if it is not held by this token.
    pub(super) async fn shown(client: &Client, lock: &LockName, token: Token) -> Result<Option<Self>, Error> {
        let asked = Instant::now();
        let reading = client.lock_reading(lock, Consistency::Linearizable).await?;
        let held = reading.lock.filter(|lock| lock.token == token);
        Ok(held.map(|lock| {
            let left = lock.expires.as_ms().saturating_sub(reading.clock.as_ms());
            Self::from(asked, Duration::from_millis(left))
        }))
    }

    /// As long as both say.
    pub(super) fn at_most(self, other: Self) -> Self {
        Self { until: self.until.min(other.until), renewal: self.renewal.min(other.renewal) }
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

    #[tokio::test]
    async fn a_look_makes_a_term_shorter_and_never_longer() {
        let sent = Instant::now();
        let asked = sent + Duration::from_secs(1);
        let term = Term::from(sent, Duration::from_secs(30));
        let (short, long) = (Term::from(asked, Duration::from_secs(3)), Term::from(asked, Duration::from_hours(1)));
        assert_eq!((term.at_most(short), term.at_most(long)), (short, term));
    }
}
