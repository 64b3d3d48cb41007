//! The stamp of an entry: the lower median of the voters' wall clocks.
//!
//! - Readings are at most three seconds old and come from at least a majority of the voters; so one clock that is a year
//!   off moves nothing.
//! - With too few readings, or only two that differ by more than ten seconds, time goes on from the last applied stamp by
//!   the monotonic clock.
//! - A cluster of one voter trusts its own clock.

use std::sync::Mutex;

use tokio::time::Instant;

use crate::raft::Raft;
use crate::types::limits::{CLOCK_READING_AGE_MAX, TWO_CLOCKS_APART_MAX};
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LogTime, Membership, NodeId};

/// Makes stamps.
pub(super) struct Stamps {
    raft: Raft,
    /// The last applied stamp that was seen, and when.
    applied: Mutex<(LogTime, Instant)>,
}

impl Stamps {
    pub(super) fn new(raft: Raft) -> Self {
        let clock = raft.state().applied().globals.clock;
        Self { raft, applied: Mutex::new((clock, Instant::now())) }
    }

    /// The time now, as the voters' clocks have it.
    pub(super) fn now(&self) -> LogTime {
        if seeded(Bug::TimeOfTheLeader) {
            // One clock a year ahead forgets everything, and that can't be undone.
            return self.raft.wall_clock();
        }
        let now = Instant::now();
        let since_applied = self.since_applied(now);
        let membership = self.raft.membership();
        let clocks = self.clocks(&membership, now);
        median(&clocks, majority(&membership)).unwrap_or(since_applied)
    }

    /// Whether a stamp from the clocks can be made, or time has been going on already. A cluster's very first entry waits
    /// for this, or it would be stamped 1970.
    pub(super) fn is_ready(&self) -> bool {
        let membership = self.raft.membership();
        let clocks = self.clocks(&membership, Instant::now());
        self.raft.state().applied().globals.clock > LogTime::ZERO || median(&clocks, majority(&membership)).is_some()
    }

    fn since_applied(&self, now: Instant) -> LogTime {
        let clock = self.raft.state().applied().globals.clock;
        let mut applied = self.applied.lock().expect("no holder of the clock panics");
        if clock > applied.0 {
            *applied = (clock, now);
        }
        applied.0.saturating_add(now.saturating_duration_since(applied.1))
    }

    fn clocks(&self, membership: &Membership, now: Instant) -> Vec<LogTime> {
        let here = self.raft.local().node_id();
        let readings = self.raft.readings().all();
        let reading = |node: NodeId| {
            if node == here {
                return Some(self.raft.wall_clock());
            }
            let reading = readings.get(&node)?;
            let age = now.saturating_duration_since(reading.at);
            (age <= CLOCK_READING_AGE_MAX).then(|| reading.wall.saturating_add(age))
        };
        voters(membership).into_iter().filter_map(reading).collect()
    }
}

fn voters(membership: &Membership) -> std::collections::BTreeSet<NodeId> {
    membership.configs.iter().flatten().copied().collect()
}

fn majority(membership: &Membership) -> usize {
    voters(membership).len() / 2 + 1
}

/// The lower median of the clocks, if they say enough.
fn median(clocks: &[LogTime], majority: usize) -> Option<LogTime> {
    if clocks.is_empty() || clocks.len() < majority {
        return None;
    }
    let mut sorted = clocks.to_vec();
    sorted.sort_unstable();
    if let [earlier, later] = sorted.as_slice()
        && *later > earlier.saturating_add(TWO_CLOCKS_APART_MAX)
    {
        return None;
    }
    sorted.get((sorted.len() - 1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> LogTime {
        LogTime::from_ms(ms).expect("48 bits")
    }

    const YEAR_MS: u64 = 365 * 24 * 3_600_000;

    #[test]
    fn one_clock_of_three_that_is_a_year_off_moves_nothing() {
        let (now, soon) = (at(2 * YEAR_MS), at(2 * YEAR_MS + 40));
        assert_eq!(median(&[now, soon, at(3 * YEAR_MS)], 2), Some(soon));
        assert_eq!(median(&[at(YEAR_MS), now, soon], 2), Some(now));
    }

    #[test]
    fn two_clocks_that_differ_by_more_than_ten_seconds_say_nothing() {
        assert_eq!(median(&[at(1_000), at(11_000)], 2), Some(at(1_000)));
        assert_eq!(median(&[at(1_000), at(11_001)], 2), None);
    }

    #[test]
    fn a_minority_of_clocks_says_nothing_and_a_single_voter_trusts_its_own() {
        assert_eq!(median(&[at(1_000)], 2), None);
        assert_eq!(median(&[at(1_000)], 1), Some(at(1_000)));
        assert_eq!(median(&[], 1), None);
    }

    #[test]
    fn of_an_even_number_of_clocks_the_lower_middle_one_counts() {
        assert_eq!(median(&[at(4), at(1), at(3), at(2)], 3), Some(at(2)));
    }
}
