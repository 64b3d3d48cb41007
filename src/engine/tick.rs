//! When time alone is proposed: an entry without a command, so that what is due happens in an idle cluster, too.
//!
//! - Every entry brings the time along. So a tick is wanted only where nothing else is under way.
//! - At most one a second, and none if nothing is due.

use std::time::Duration;

use tokio::time::Instant;

use crate::types::LogTime;

/// The least time between two ticks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often an idle leader looks whether something is due.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The ticks of one node.
#[derive(Default)]
pub(super) struct Ticks {
    last: Option<Instant>,
}

impl Ticks {
    /// Whether there may be a tick now, as far as the last one goes.
    pub(super) fn is_time(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now >= last + INTERVAL)
    }

    /// There is one now.
    pub(super) fn ticked(&mut self, now: Instant) {
        self.last = Some(now);
    }
}

/// Whether an entry with this stamp would make something happen.
pub(super) fn is_wanted(next_due: Option<LogTime>, stamp: LogTime) -> bool {
    next_due.is_some_and(|due| due <= stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_at_most_one_tick_a_second() {
        let start = Instant::now();
        let mut ticks = Ticks::default();
        assert!(ticks.is_time(start));
        ticks.ticked(start);
        assert!(!ticks.is_time(start + INTERVAL - Duration::from_millis(1)));
        assert!(ticks.is_time(start + INTERVAL));
    }

    #[test]
    fn only_what_is_due_by_the_stamp_wants_one() {
        let at = |ms| LogTime::from_ms(ms).unwrap();
        assert!(!is_wanted(None, at(10)));
        assert!(!is_wanted(Some(at(11)), at(10)));
        assert!(is_wanted(Some(at(10)), at(10)));
    }
}
