//! How old duplicates are when they arrive: what an operator needs to know to choose how long a space remembers.
//!
//! - A duplicate is a command or a cancel whose id was decided before it arrived: one that this node knew already, or that
//!   the machine found among what this node proposed. What joins a command on its way is too young to count.
//! - Only spaces that exist have duplicates, so no more is kept than there ever were spaces. It goes with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::types::{DuplicatesOfAge, LogTime, Outcome, Proposal, SpaceName};

/// Where one age ends and the next begins; the oldest have no end.
const BOUNDS: [Duration; 9] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
    Duration::from_hours(7 * 24),
    Duration::from_hours(30 * 24),
];

/// Counts of one space, by age.
type Counts = [u64; BOUNDS.len() + 1];

/// The duplicates that this node has recognised.
#[derive(Default)]
pub(super) struct Duplicates {
    spaces: Mutex<BTreeMap<SpaceName, Counts>>,
}

impl Duplicates {
    /// Counts a proposal whose id has got this outcome before it arrived. Its age is the time since the id was made, as the
    /// space's clock has it; for an id that does not say, the time since it was decided.
    pub(super) fn count(&self, proposal: &Proposal, outcome: &Outcome, clock: LogTime) {
        let since = proposal.id().birth().time().unwrap_or(outcome.time);
        let age = Duration::from_millis(clock.as_ms().saturating_sub(since.as_ms()));
        let place = BOUNDS.partition_point(|bound| *bound <= age);
        let mut spaces = self.lock();
        if let Some(count) = spaces.entry(proposal.space().clone()).or_default().get_mut(place) {
            *count += 1;
        }
    }

    /// The counts of a space, youngest first.
    pub(super) fn of(&self, space: &SpaceName) -> Vec<DuplicatesOfAge> {
        let counts = self.lock().get(space).copied().unwrap_or_default();
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(counts).map(|(below, count)| DuplicatesOfAge { below, count }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SpaceName, Counts>> {
        self.spaces.lock().expect("no holder of the counts panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Cancel, History, Id, Sequence, Verdict};

    const NOW_MS: u64 = 1_760_000_000_000;

    fn at(ms: u64) -> LogTime {
        LogTime::from_ms(ms).unwrap()
    }

    fn counted(target: Id, decided: LogTime) -> Vec<u64> {
        let duplicates = Duplicates::default();
        let space = SpaceName::main();
        let proposal = Proposal::Cancel(Cancel { space: space.clone(), target });
        let outcome =
            Outcome { verdict: Verdict::Cancelled, sequence: Sequence(1), history: History(1), time: decided };
        duplicates.count(&proposal, &outcome, at(NOW_MS));
        assert!(duplicates.of(&SpaceName::system()).iter().all(|of_age| of_age.count == 0), "each space has its own");
        duplicates.of(&space).into_iter().map(|of_age| of_age.count).collect()
    }

    fn place_of(counts: &[u64]) -> usize {
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (BOUNDS.len() + 1, 1));
        counts.iter().position(|count| *count == 1).unwrap()
    }

    #[test]
    fn an_age_counts_from_the_birth_of_the_id_or_else_from_its_outcome() {
        let decided = at(NOW_MS - 5_000);
        let born = Id::with_birth("a", at(NOW_MS - 3_600_000)).unwrap();
        assert_eq!(place_of(&counted(born, decided)), 5, "an hour old");
        assert_eq!(place_of(&counted(Id::new("a").unwrap(), decided)), 1, "decided five seconds ago");
    }

    #[test]
    fn every_bound_begins_the_next_age_and_an_id_from_the_future_is_young() {
        for (place, bound) in BOUNDS.into_iter().enumerate() {
            let ms = u64::try_from(bound.as_millis()).unwrap();
            let born = |ms: u64| Id::with_birth("a", at(ms)).unwrap();
            assert_eq!(place_of(&counted(born(NOW_MS - ms), at(NOW_MS))), place + 1);
            assert_eq!(place_of(&counted(born(NOW_MS - ms + 1), at(NOW_MS))), place);
        }
        assert_eq!(place_of(&counted(Id::with_birth("a", at(NOW_MS + 9)).unwrap(), at(NOW_MS))), 0);
    }
}
