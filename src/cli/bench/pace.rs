//! When each request is due.
//!
//! With a rate, every task has its own share of the moments: latency counts from the moment, so that a slow answer is not
//! forgiven by the requests that were not sent meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::cli::value::float;

/// The moments of one task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    start: Instant,
    /// Between two moments of this task; none: as soon as the last one is answered.
    step: Option<Duration>,
    offset: Duration,
    count: u32,
}

impl Pace {
    /// The pace of one task among many that together reach a rate.
    pub(super) fn new(start: Instant, rate: Option<f64>, task: usize, tasks: usize) -> Self {
        let step = rate.map(|rate| Duration::from_secs_f64(float(tasks as u64) / rate));
        let offset = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(float(task as u64) / rate));
        Self { start, step, offset, count: 0 }
    }

    /// Waits until the next request is due, and says when that was.
    pub(super) async fn due(&mut self) -> Instant {
        let Some(due) = self.next() else { return Instant::now() };
        sleep_until(due).await;
        due
    }

    /// The next moment, whether or not it has passed.
    fn next(&mut self) -> Option<Instant> {
        let due = self.start + self.offset + self.step? * self.count;
        self.count += 1;
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_share_the_moments_of_a_rate_whatever_the_time_is() {
        let start = Instant::now();
        let moments = |task| {
            let mut pace = Pace::new(start, Some(10.0), task, 2);
            [pace.next(), pace.next(), pace.next()].map(|due| (due.unwrap() - start).as_millis())
        };
        assert_eq!((moments(0), moments(1)), ([0, 200, 400], [100, 300, 500]));
        assert_eq!(Pace::new(start, None, 3, 4).next(), None);
    }

    #[tokio::test]
    async fn who_is_late_does_not_wait() {
        let start = Instant::now() - Duration::from_mins(1);
        let mut pace = Pace::new(start, Some(1.0), 0, 1);
        assert_eq!((pace.due().await, pace.due().await), (start, start + Duration::from_secs(1)));
    }
}
