//! What time does in the model: everything is looked through for what is due, again and again.

use std::collections::BTreeMap;

use super::{Model, ModelLog, ModelSpace};
use crate::types::{Found, Id, LogName, NewRecord, Retention};

/// When, what kind of thing, the number of its space, its name.
pub(in crate::machine::tests) type DueThing = (u64, Kind, u32, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::machine::tests) enum Kind {
    /// Of a floor; these are in the order of the names of their spaces alone.
    Floor,
    Lock,
    Log,
}

impl Model {
    /// Returns how many things were due and done.
    pub(in crate::machine::tests) fn hear_stamp(&mut self, stamp_ms: u64, proposals: usize) -> Vec<Kind> {
        self.clock_ms = self.clock_ms.max(stamp_ms);
        let mut done = Vec::new();
        while done.len() < 64 + proposals {
            let all = self.due_things();
            let Some(first) = all.into_iter().min() else { break };
            if first.0 > self.clock_ms {
                break;
            }
            done.push(first.1);
            if let Some(place) = self.left_behind.iter().position(|left| *left == first) {
                self.left_behind.remove(place);
                continue;
            }
            let (_, kind, number, name) = first;
            match kind {
                Kind::Floor => self.spaces.get_mut(&name).expect("just seen").forget_oldest(),
                Kind::Lock => {
                    self.numbered(number).locks.remove(&name);
                }
                Kind::Log => {
                    let clock_ms = self.clock_ms;
                    let log = self.numbered(number).logs.iter_mut().find(|log| log.name == name);
                    log.expect("just seen").retain(clock_ms);
                }
            }
        }
        done
    }

    pub(in crate::machine::tests) fn due_things(&self) -> Vec<DueThing> {
        let mut all = self.left_behind.clone();
        for (name, space) in &self.spaces {
            all.extend(space.forgets_at().map(|at_ms| (at_ms, Kind::Floor, 0, name.clone())));
            for (lock, held) in &space.locks {
                all.push((held.expires_ms, Kind::Lock, space.number, lock.clone()));
            }
            for log in &space.logs {
                all.extend(log.due_ms.map(|at_ms| (at_ms, Kind::Log, space.number, log.name.clone())));
            }
        }
        all
    }

    fn numbered(&mut self, number: u32) -> &mut ModelSpace {
        self.spaces.values_mut().find(|space| space.number == number).expect("just seen")
    }
}

impl ModelSpace {
    /// Where buckets begin and end, and how many ids are in each.
    pub(in crate::machine::tests) fn buckets(&self) -> BTreeMap<(u64, u64), u64> {
        let mut buckets = BTreeMap::new();
        for known in &self.decided {
            if let Some(bucket) = known.bucket {
                *buckets.entry(bucket).or_default() += 1;
            }
        }
        buckets
    }

    pub(in crate::machine::tests) fn forgets_at(&self) -> Option<u64> {
        let ((_, end_ms), _) = self.buckets().into_iter().next()?;
        Some(end_ms + self.memory_ms.expect("only finite spaces have buckets"))
    }

    fn forget_oldest(&mut self) {
        let (bucket, _) = self.buckets().into_iter().next().expect("it was due");
        self.decided.retain(|known| known.bucket != Some(bucket));
        self.floor_ms = self.floor_ms.max(bucket.1);
    }

    pub(super) fn bucket_of(&self, birth_ms: u64) -> (u64, u64) {
        let mut found = (0, 0);
        for (place, &(from_ms, width_ms)) in self.eras.iter().enumerate() {
            if from_ms > birth_ms {
                break;
            }
            let start_ms = birth_ms - (birth_ms - from_ms) % width_ms;
            let next_ms = self.eras.get(place + 1).map_or(u64::MAX, |&(next_ms, _)| next_ms);
            found = (start_ms, next_ms.min(start_ms + width_ms));
        }
        found
    }

    pub(super) fn change_memory(&mut self, memory_ms: u64, clock_ms: u64) -> Result<(), Found> {
        if self.memory_ms.is_none() {
            return Err(Found::MemoryIsFixed);
        }
        self.closed_ms = self.closed_at(clock_ms);
        if self.decided.iter().all(|known| known.bucket.is_none()) {
            self.floor_ms = self.closed_ms;
        }
        // Ids may be born ten minutes ahead, and not a millisecond more.
        let (_, from_ms) = self.bucket_of(clock_ms + 600_001);
        self.eras.retain(|&(era_ms, _)| era_ms < from_ms);
        if self.eras[self.eras.len() - 1].1 != width(memory_ms) {
            self.eras.push((from_ms, width(memory_ms)));
        }
        let ends_below_the_floor = |pair: &&[(u64, u64)]| pair[1].0 <= self.floor_ms;
        let over = self.eras.windows(2).filter(ends_below_the_floor).count();
        self.eras.drain(..over);
        if self.eras.len() > 64 {
            return Err(Found::TooManyChanges);
        }
        self.memory_ms = Some(memory_ms);
        Ok(())
    }
}

pub(super) fn width(memory_ms: u64) -> u64 {
    (memory_ms / 64).max(1_000)
}

impl ModelLog {
    /// After records that were there before it was deleted.
    pub(super) fn new(name: &LogName, retention: Retention, clock_ms: u64, records: Vec<(NewRecord, Id, u64)>) -> Self {
        let end = records.len() as u64;
        Self {
            name: name.as_str().to_owned(),
            created_ms: clock_ms,
            last_ms: clock_ms,
            deleted_ms: None,
            start: end,
            base: end,
            records,
            pieces: vec![(end, clock_ms)],
            retention,
            due_ms: None,
        }
    }

    /// What an append does to the pieces before its records are there.
    pub(super) fn open_piece(&mut self, clock_ms: u64) {
        let end = self.end();
        let (first, opened_ms) = self.pieces[self.pieces.len() - 1];
        if first == end {
            self.pieces.pop();
            self.pieces.push((end, clock_ms));
        } else if self.is_full(first, opened_ms, clock_ms) {
            self.pieces.push((end, clock_ms));
        }
        if self.pieces.len() > 256 {
            let every_other = self.pieces.iter().copied().enumerate().filter(|(place, _)| place % 2 == 0);
            self.pieces = every_other.map(|(_, piece)| piece).collect();
        }
    }

    fn is_full(&self, first: u64, opened_ms: u64, clock_ms: u64) -> bool {
        let (records, bytes) = (self.end() - first, self.bytes_from(first));
        match self.retention {
            Retention { age: None, bytes: None, records: None } => {
                records >= 1_024 && records >= (self.end() - self.start) / 16
            }
            Retention { age, bytes: most_bytes, records: most_records } => {
                let age_ms = age.map(|age| u64::try_from(age.as_millis()).expect("small"));
                age_ms.is_some_and(|age_ms| clock_ms - opened_ms >= (age_ms / 64).max(1_000))
                    || most_bytes.is_some_and(|most| bytes >= 1 && bytes >= most / 64)
                    || most_records.is_some_and(|most| records >= most / 64)
            }
        }
    }

    pub(super) fn front_goes_at(&self, clock_ms: u64) -> Option<u64> {
        if self.start == self.end() {
            return None;
        }
        let next = self.pieces.get(1).copied();
        if let Some((next_first, _)) = next {
            let left = self.end() - next_first;
            if self.retention.records.is_some_and(|kept| left >= kept)
                || self.retention.bytes.is_some_and(|kept| self.bytes_from(next_first) >= kept)
            {
                return Some(clock_ms);
            }
        }
        let age = self.retention.age?;
        let newest_ms = next.map_or(self.last_ms, |(_, opened_ms)| opened_ms);
        Some(newest_ms + u64::try_from(age.as_millis()).expect("small"))
    }

    pub(super) fn cut(&mut self, before: u64, clock_ms: u64) {
        self.start = before;
        if before == self.end() {
            self.pieces = vec![(before, clock_ms)];
        }
        while self.pieces.get(1).is_some_and(|&(second, _)| second <= before) {
            self.pieces.remove(0);
        }
    }

    fn retain(&mut self, clock_ms: u64) {
        while self.front_goes_at(clock_ms).is_some_and(|at_ms| at_ms <= clock_ms) {
            let before = self.pieces.get(1).map_or(self.end(), |&(second, _)| second);
            self.cut(before, clock_ms);
        }
        self.due_ms = self.front_goes_at(clock_ms);
    }
}
