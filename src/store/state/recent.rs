//! The newest records of logs that somebody follows, in memory: who is at a log's end reads no disk.
//!
//! - A run of rows without a gap, bounded by bytes; whatever it lacks is on disk.
//! - It begins with the first append after somebody began to follow, and goes with the last who does.
//! - What was trimmed away is not in it: who asks for it is sent to the disk, and learns there where the log begins.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;

use super::lock;
use super::rows;
use crate::types::codec::DecodeError;
use crate::types::limits::{RECENT_BYTES_MAX, RECENT_BYTES_TARGET};
use crate::types::{LogNumber, Offset, Record, SpaceNumber};

type Key = (SpaceNumber, LogNumber);

/// The logs that are followed.
#[derive(Debug, Default)]
pub(super) struct Recent {
    logs: Mutex<HashMap<Key, Weak<Run>>>,
    /// How many there are, to be asked without the lock.
    count: AtomicUsize,
}

/// The newest rows of one log, as they are on disk.
#[derive(Debug, Default)]
struct Run {
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    first: Offset,
    /// From the first on, without a gap.
    values: VecDeque<Bytes>,
    bytes: usize,
}

/// One who follows a log.
#[derive(Debug)]
pub struct Followed {
    recent: Arc<Recent>,
    /// None only while it is dropped.
    run: Option<Arc<Run>>,
}

impl Recent {
    /// Begins to keep a log's newest records, or goes on.
    pub(super) fn follow(self: &Arc<Self>, space: SpaceNumber, log: LogNumber) -> Followed {
        let mut logs = lock(&self.logs);
        let known = logs.get(&(space, log)).and_then(Weak::upgrade);
        let run = known.unwrap_or_else(|| {
            let run = Arc::new(Run::default());
            logs.insert((space, log), Arc::downgrade(&run));
            run
        });
        self.count.store(logs.len(), Ordering::SeqCst);
        Followed { recent: self.clone(), run: Some(run) }
    }

    /// Whether anybody follows any log.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Takes in what was written to a log, if anybody follows it.
    pub(super) fn push(&self, space: SpaceNumber, log: LogNumber, first: Offset, rows: impl Iterator<Item = Bytes>) {
        let (run, count) = {
            let logs = lock(&self.logs);
            (logs.get(&(space, log)).and_then(Weak::upgrade), logs.len().max(1))
        };
        if let Some(run) = run {
            // Many that are followed share what there is.
            lock(&run.rows).push(first, rows, RECENT_BYTES_MAX.min(RECENT_BYTES_TARGET / count));
        }
    }

    /// Takes in that a log was trimmed.
    pub(super) fn trim(&self, space: SpaceNumber, log: LogNumber, before: Offset) {
        let run = lock(&self.logs).get(&(space, log)).and_then(Weak::upgrade);
        if let Some(run) = run {
            lock(&run.rows).trim(before);
        }
    }

    /// Forgets what there was of a space that went.
    pub(super) fn clear_space(&self, number: SpaceNumber) {
        let logs = lock(&self.logs);
        let of_space = logs.iter().filter(|((space, _), _)| *space == number);
        for run in of_space.filter_map(|(_, run)| run.upgrade()) {
            *lock(&run.rows) = Rows::default();
        }
    }

    /// Forgets everything: another generation has become the state.
    pub(super) fn clear(&self) {
        let logs = lock(&self.logs);
        for run in logs.values().filter_map(Weak::upgrade) {
            *lock(&run.rows) = Rows::default();
        }
    }

    /// Forgets what nobody follows any more.
    fn sweep(&self) {
        let mut logs = lock(&self.logs);
        logs.retain(|_, run| run.strong_count() > 0);
        self.count.store(logs.len(), Ordering::SeqCst);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.run = None;
        self.recent.sweep();
    }
}

impl Rows {
    fn end(&self) -> Offset {
        Offset(self.first.0 + self.values.len() as u64)
    }

    fn push(&mut self, first: Offset, rows: impl Iterator<Item = Bytes>, bytes_max: usize) {
        if self.end() != first {
            *self = Self { first, ..Self::default() };
        }
        for row in rows {
            self.bytes += row.len();
            self.values.push_back(row);
        }
        while self.bytes > bytes_max && self.values.len() > 1 {
            self.drop_first();
        }
    }

    fn trim(&mut self, before: Offset) {
        while self.first < before && !self.values.is_empty() {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(row) = self.values.pop_front() {
            self.bytes -= row.len();
            self.first = self.first.next();
        }
    }
}

impl Followed {
    /// Records from an offset on, and the log's end; none if they are not in memory. At least one record, at most about
    /// `bytes_max` bytes of them.
    pub fn records(&self, from: Offset, bytes_max: usize) -> Result<Option<(Vec<Record>, Offset)>, DecodeError> {
        let Some(run) = &self.run else { return Ok(None) };
        let (rows, end) = {
            let run = lock(&run.rows);
            let Some(skip) = from.0.checked_sub(run.first.0).and_then(|skip| usize::try_from(skip).ok()) else {
                return Ok(None);
            };
            let mut bytes = 0;
            let fits = |row: &&Bytes| {
                let is_first = bytes == 0;
                bytes += row.len();
                is_first || bytes <= bytes_max
            };
            let rows: Vec<Bytes> = run.values.iter().skip(skip).take_while(fits).cloned().collect();
            (rows, run.end())
        };
        if rows.is_empty() {
            return Ok(None);
        }
        let mut offset = from;
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            records.push(rows::read_record(offset, row)?);
            offset = offset.next();
        }
        Ok(Some((records, end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Id, LogTime, NewRecord};

    const PLACE: Key = (SpaceNumber(1), LogNumber(2));

    fn row(payload: &'static [u8]) -> Bytes {
        let record = NewRecord { payload: payload.into(), headers: Vec::new() };
        rows::record(LogTime::ZERO, &Id::new("a").expect("an id"), &record).into()
    }

    fn offsets(followed: &Followed, from: u64, bytes_max: usize) -> Option<Vec<u64>> {
        let found = followed.records(Offset(from), bytes_max).expect("readable")?;
        Some(found.0.into_iter().map(|record| record.offset.0).collect())
    }

    #[test]
    fn what_was_written_while_somebody_follows_is_served_from_memory() {
        let recent = Arc::new(Recent::default());
        assert!(recent.is_empty());
        let followed = recent.follow(PLACE.0, PLACE.1);
        assert!(!recent.is_empty());
        recent.push(PLACE.0, PLACE.1, Offset(5), [row(b"x"), row(b"y")].into_iter());
        recent.push(PLACE.0, LogNumber(9), Offset(7), [row(b"of another log")].into_iter());
        assert_eq!(offsets(&followed, 4, 1_000), None);
        assert_eq!(offsets(&followed, 5, 1_000), Some(vec![5, 6]));
        assert_eq!(offsets(&followed, 6, 1_000), Some(vec![6]));
        assert_eq!(offsets(&followed, 7, 1_000), None);
        assert_eq!(offsets(&followed, 5, 1), Some(vec![5]), "at least one");
        let (records, end) = followed.records(Offset(6), 1_000).unwrap().unwrap();
        assert_eq!((&records[0].payload[..], end), (&b"y"[..], Offset(7)));
    }

    #[test]
    fn a_gap_and_another_generation_begin_anew() {
        let recent = Arc::new(Recent::default());
        let followed = recent.follow(PLACE.0, PLACE.1);
        recent.push(PLACE.0, PLACE.1, Offset(0), [row(b"x")].into_iter());
        recent.push(PLACE.0, PLACE.1, Offset(3), [row(b"y")].into_iter());
        assert_eq!((offsets(&followed, 0, 100), offsets(&followed, 3, 100)), (None, Some(vec![3])));
        recent.clear();
        assert_eq!(offsets(&followed, 3, 100), None);
    }

    #[test]
    fn of_a_space_that_went_nothing_is_served_and_of_others_everything() {
        let recent = Arc::new(Recent::default());
        let (followed, other) = (recent.follow(PLACE.0, PLACE.1), recent.follow(SpaceNumber(9), PLACE.1));
        recent.push(PLACE.0, PLACE.1, Offset(0), [row(b"x")].into_iter());
        recent.push(SpaceNumber(9), PLACE.1, Offset(0), [row(b"x")].into_iter());
        recent.clear_space(PLACE.0);
        assert_eq!((offsets(&followed, 0, 100), offsets(&other, 0, 100)), (None, Some(vec![0])));
    }

    #[test]
    fn what_was_trimmed_away_is_not_served_and_what_comes_after_it_is() {
        let recent = Arc::new(Recent::default());
        let followed = recent.follow(PLACE.0, PLACE.1);
        recent.push(PLACE.0, PLACE.1, Offset(5), [row(b"x"), row(b"y"), row(b"z")].into_iter());
        recent.trim(PLACE.0, LogNumber(9), Offset(8));
        recent.trim(PLACE.0, PLACE.1, Offset(3));
        assert_eq!(offsets(&followed, 5, 1_000), Some(vec![5, 6, 7]));
        recent.trim(PLACE.0, PLACE.1, Offset(6));
        assert_eq!((offsets(&followed, 5, 1_000), offsets(&followed, 6, 1_000)), (None, Some(vec![6, 7])));
        recent.trim(PLACE.0, PLACE.1, Offset(8));
        assert_eq!((offsets(&followed, 7, 1_000), kept(&followed)), (None, (Offset(8), 0)));
        recent.push(PLACE.0, PLACE.1, Offset(8), [row(b"x")].into_iter());
        assert_eq!(offsets(&followed, 8, 1_000), Some(vec![8]));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let recent = Arc::new(Recent::default());
        let followed = recent.follow(PLACE.0, PLACE.1);
        let long = Bytes::from(vec![0; RECENT_BYTES_MAX / 4]);
        recent.push(PLACE.0, PLACE.1, Offset(0), std::iter::repeat_n(long, 10));
        assert_eq!(kept(&followed), (Offset(6), 4));

        // A hundred logs share what there is; each has its newest record at least.
        let others: Vec<_> = (10..110).map(|log| recent.follow(PLACE.0, LogNumber(log))).collect();
        let long = Bytes::from(vec![0; RECENT_BYTES_MAX / 4]);
        recent.push(PLACE.0, PLACE.1, Offset(10), std::iter::repeat_n(long, 10));
        assert_eq!(kept(&followed), (Offset(19), 1));
        drop(others);
    }

    fn kept(followed: &Followed) -> (Offset, usize) {
        let run = lock(&followed.run.as_ref().unwrap().rows);
        (run.first, run.values.len())
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let recent = Arc::new(Recent::default());
        drop(recent.follow(PLACE.0, PLACE.1));
        assert!(recent.is_empty());
        recent.push(PLACE.0, PLACE.1, Offset(0), [row(b"x")].into_iter());
        let followed = recent.follow(PLACE.0, PLACE.1);
        assert_eq!(offsets(&followed, 0, 100), None);
    }
}
