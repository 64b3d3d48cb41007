//! What commands have made and taken away, by its key: cells, spaces, positions of readers.
//!
//! - Each change has its sequence, and *known* is the greatest that somebody was told of, or has seen, before a moment.
//! - Where nobody knows whether a change was done, all may be as it was or as it would be.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::history::Command;

/// All that commands of one space have made and taken away.
pub(super) struct Presence<K> {
    things: HashMap<K, Thing>,
}

#[derive(Default)]
struct Thing {
    /// By sequence, in order.
    done: Vec<Change>,
    /// When each was known, with the greatest sequence that was known by then.
    known: Vec<(Duration, u64)>,
    /// Whether there is something of which nobody knows whether it was done.
    open: bool,
}

#[derive(Clone, Copy)]
struct Change {
    sequence: u64,
    /// Whether the thing was there after that.
    is_there: bool,
    invoked: Duration,
}

impl<K> Default for Presence<K> {
    fn default() -> Self {
        Self { things: HashMap::new() }
    }
}

impl<K: Copy + Ord + Hash> Presence<K> {
    /// A command was to make something, or to take it away.
    pub(super) fn learn(&mut self, key: K, command: &Command, is_there: bool) {
        let thing = self.things.entry(key).or_default();
        match command.decided() {
            Some((at, sealed)) if sealed.is_applied() && !sealed.got().is_empty() => {
                let (sequence, invoked) = (sealed.sequence, command.invoked().unwrap_or_default());
                thing.done.push(Change { sequence, is_there, invoked });
                thing.known.push((at, sequence));
            }
            Some(_) => {}
            None => thing.open |= command.is_open(),
        }
    }

    /// Somebody has seen a version.
    pub(super) fn see(&mut self, key: K, at: Duration, version: u64) {
        self.things.entry(key).or_default().known.push((at, version));
    }

    /// All is learned.
    pub(super) fn in_order(&mut self) {
        for thing in self.things.values_mut() {
            thing.done.sort_unstable_by_key(|change| change.sequence);
            thing.known.sort_unstable();
            let mut greatest = 0;
            for (_, sequence) in &mut thing.known {
                greatest = greatest.max(*sequence);
                *sequence = greatest;
            }
        }
    }

    /// All keys, in order.
    pub(super) fn keys(&self) -> Vec<K> {
        let mut keys: Vec<K> = self.things.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// The greatest version that somebody knew before a moment; 0 if nobody knew one.
    pub(super) fn known(&self, key: K, before: Duration) -> u64 {
        self.things.get(&key).map_or(0, |thing| thing.known_before(before))
    }

    /// Whether something may have had this version by then.
    pub(super) fn may_have_been(&self, key: K, version: u64, by: Duration) -> bool {
        self.things.get(&key).is_some_and(|thing| {
            thing.open || thing.at(version).is_some_and(|change| change.is_there && change.invoked <= by)
        })
    }

    /// Whether a reader that asked and was answered then may have missed something.
    pub(super) fn may_be_absent(&self, key: K, invoked: Duration, by: Duration) -> bool {
        let Some(thing) = self.things.get(&key) else { return true };
        let known = thing.known_before(invoked);
        let gone = |change: &Change| !change.is_there && change.sequence >= known && change.invoked <= by;
        known == 0 || thing.open || thing.done.iter().any(gone)
    }

    /// Whether it may have seen something.
    pub(super) fn may_be_there(&self, key: K, invoked: Duration, by: Duration) -> bool {
        let Some(thing) = self.things.get(&key) else { return false };
        let known = thing.known_before(invoked);
        let there = |change: &Change| change.is_there && change.sequence >= known && change.invoked <= by;
        // A version that somebody has seen was there, whoever has made it.
        let is_seen = known != 0 && thing.at(known).is_none();
        is_seen || thing.open || thing.done.iter().any(there)
    }

    /// Whether it was ever there, up to then.
    pub(super) fn may_have_been_there(&self, key: K, by: Duration) -> bool {
        self.may_be_there(key, Duration::ZERO, by)
    }
}

impl Thing {
    fn known_before(&self, moment: Duration) -> u64 {
        let count = self.known.partition_point(|(at, _)| *at < moment);
        count.checked_sub(1).and_then(|last| self.known.get(last)).map_or(0, |(_, sequence)| *sequence)
    }

    fn at(&self, sequence: u64) -> Option<&Change> {
        let place = self.done.binary_search_by_key(&sequence, |change| change.sequence).ok()?;
        self.done.get(place)
    }
}
