//! A log: where it begins and ends, and which of its pieces retention takes.
//!
//! - A piece goes as a whole, and only if what is left is enough, or if all of it is older than what is kept.
//! - An entry of the Raft log takes what is due before it decides anything. Two outcomes of one time may be of one entry, so
//!   the beginning of a log is exact only after its time has moved.
//! - An append of which nothing is known leaves the end and the pieces unknown; the next one that is told tells the end.

use super::rows::{Fact, Row};
use crate::proto::Retention;

/// How many pieces a retention has.
const PIECES: u64 = 64;
const SECOND_MS: u64 = 1_000;
/// With more pieces than this, every second one becomes a part of the one before it.
const PIECES_MAX: usize = 256;
/// Of a log of which everything is kept, a piece has at least this many records,
const RECORDS_MIN: u64 = 1_024;
/// and at least this part of them.
const PART_MIN: u64 = 16;

/// A log. What is `None` is not known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Log {
    /// Whether it is there.
    pub(super) there: Option<bool>,
    /// Where the next record goes, or would if it were made again.
    pub(super) end: Option<u64>,
    /// The first offset that is left, as far as the time of the last look at it.
    pub(super) start: Option<u64>,
    /// How much of it is kept.
    pub(super) retention: Option<Retention>,
    /// When it was made.
    pub(super) created_ms: Option<u64>,
    /// When one of its name was deleted last, and where that ended, if one was.
    pub(super) deleted: Fact<Deletion>,
    pieces: Option<Pieces>,
}

/// What stays of a log that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deletion {
    /// None: not known.
    pub(super) end: Option<u64>,
    pub(super) at_ms: u64,
}

/// What a log consists of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pieces {
    pub(super) list: Vec<Piece>,
    /// The bytes of all records since the log was made.
    pub(super) bytes: u64,
    /// The time of the last append.
    pub(super) last_ms: u64,
    /// The time up to which retention has been at work.
    seen_ms: u64,
}

/// Records that go at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub(super) first: u64,
    /// The bytes of all records before it.
    pub(super) bytes_before: u64,
    /// The time of its first record.
    pub(super) opened_ms: u64,
}

impl Row for Log {
    fn absent() -> Self {
        let (there, end, start) = (Some(false), Some(0), Some(0));
        Self { there, end, start, deleted: Fact::Is(None), ..Self::unknown() }
    }

    fn unknown() -> Self {
        let (there, end, start, retention, created_ms, pieces) = (None, None, None, None, None, None);
        Self { there, end, start, retention, created_ms, deleted: Fact::Unknown, pieces }
    }
}

impl Log {
    /// An empty log is made, which goes on where one of its name ended.
    pub(super) fn make(&mut self, retention: Retention, time_ms: u64) {
        let list = self.end.map(|end| vec![Piece { first: end, bytes_before: 0, opened_ms: time_ms }]);
        *self = Self {
            there: Some(true),
            end: self.end,
            start: self.end,
            retention: Some(retention),
            created_ms: Some(time_ms),
            deleted: self.deleted.clone(),
            pieces: list.map(|list| Pieces { list, bytes: 0, last_ms: time_ms, seen_ms: time_ms }),
        };
    }

    /// The log goes, and where it ended is remembered.
    pub(super) fn delete(&mut self, end: Option<u64>, time_ms: u64) {
        let deleted = Fact::Is(Some(Deletion { end, at_ms: time_ms }));
        *self = Self { there: Some(false), end, start: end, deleted, ..Self::unknown() };
    }

    /// Records come, the first of them here.
    pub(super) fn append(&mut self, first: u64, count: u64, bytes: u64, time_ms: u64) {
        if self.there == Some(false) {
            self.end = Some(first);
            self.make(Retention::default(), time_ms);
        }
        self.there = Some(true);
        if self.end != Some(first) {
            self.pieces = None;
        }
        self.retain(time_ms);
        self.begin_piece(time_ms);
        if let Some(pieces) = &mut self.pieces {
            pieces.bytes += bytes;
            pieces.last_ms = time_ms;
        }
        self.end = Some(first + count);
    }

    /// Records before this go; the log is told to begin there then.
    pub(super) fn trim(&mut self, before: u64, told: Option<u64>, time_ms: u64) {
        let start = told.or_else(|| self.start_after(before, time_ms).map(|(_, most)| most));
        self.retain(time_ms);
        match start {
            Some(start) => self.cut(start, time_ms),
            None => self.pieces = None,
        }
        self.start = start;
    }

    /// Where the log may begin after a trim: least, if retention has not been at work at this time yet, and most.
    pub(super) fn start_after(&self, before: u64, time_ms: u64) -> Option<(u64, u64)> {
        let (least, most) = self.start_at(time_ms)?;
        Some((least.max(before), most.max(before)))
    }

    /// Where the log may begin at a time: least, if retention has not been at work at this time yet, and most.
    pub(super) fn start_at(&self, time_ms: u64) -> Option<(u64, u64)> {
        if !self.is_bounded() {
            return self.start.map(|start| (start, start));
        }
        let mut now = self.clone();
        now.retain(time_ms);
        let least = now.start?;
        now.retain_now(time_ms);
        self.pieces.as_ref()?;
        Some((least, now.start?))
    }

    /// Where the log may begin at a time or later: least and most.
    pub(super) fn start_from(&self, time_ms: u64) -> Option<(u64, u64)> {
        let ages = self.retention.is_none_or(|retention| retention.age_ms.is_some());
        let (least, most) = self.start_at(time_ms)?;
        Some((least, if ages { self.end? } else { most }))
    }

    /// What the log consists of at a time, after retention has been at work; none: it is not known.
    pub(super) fn pieces_at(&self, time_ms: u64) -> Option<Pieces> {
        let mut now = self.clone();
        now.retain_now(time_ms);
        now.pieces.filter(|_| now.start.is_some() && now.end.is_some() && now.retention.is_some())
    }

    /// Whether retention may take something, as far as it is known.
    fn is_bounded(&self) -> bool {
        self.retention.is_none_or(|retention| retention != Retention::default())
    }

    /// Another retention: what is too much goes with the next entry.
    pub(super) fn set_retention(&mut self, retention: Retention, time_ms: u64) {
        self.retain(time_ms);
        self.retention = Some(retention);
    }

    /// Something that nobody knows of may have appended.
    pub(super) fn doubt_end(&mut self) {
        if self.there != Some(true) {
            *self = Self { deleted: self.deleted.clone(), ..Self::unknown() };
        }
        if self.is_bounded() {
            self.start = None;
        }
        (self.end, self.pieces) = (None, None);
    }

    /// Retention has surely been at work when the time has moved since the last look.
    fn retain(&mut self, time_ms: u64) {
        if self.pieces.as_ref().is_some_and(|pieces| pieces.seen_ms < time_ms) {
            self.retain_now(time_ms);
        }
    }

    fn retain_now(&mut self, time_ms: u64) {
        while let Some(before) = self.over(time_ms) {
            self.cut(before, time_ms);
            self.start = Some(before);
        }
        if let Some(pieces) = &mut self.pieces {
            pieces.seen_ms = time_ms;
        }
    }

    /// The end of the first piece, if that is to go.
    fn over(&self, time_ms: u64) -> Option<u64> {
        let (start, end, retention, pieces) = (self.start?, self.end?, self.retention?, self.pieces.as_ref()?);
        if start == end {
            return None;
        }
        let next = pieces.list.get(1);
        let is_enough = next.is_some_and(|next| {
            retention.records.is_some_and(|kept| end - next.first >= kept)
                || retention.bytes.is_some_and(|kept| pieces.bytes - next.bytes_before >= kept)
        });
        // The newest record of a piece is at most as young as the first one after it.
        let newest_ms = next.map_or(pieces.last_ms, |next| next.opened_ms);
        let is_old = retention.age_ms.is_some_and(|age_ms| newest_ms.saturating_add(age_ms) <= time_ms);
        (is_enough || is_old).then(|| next.map_or(end, |next| next.first))
    }

    fn cut(&mut self, start: u64, time_ms: u64) {
        let end = self.end;
        let Some(pieces) = &mut self.pieces else { return };
        if end == Some(start) {
            pieces.list = vec![Piece { first: start, bytes_before: pieces.bytes, opened_ms: time_ms }];
        } else {
            let gone = pieces.list.iter().skip(1).take_while(|piece| piece.first <= start).count();
            pieces.list.drain(..gone);
        }
    }

    fn begin_piece(&mut self, time_ms: u64) {
        let (Some(start), Some(end), Some(retention)) = (self.start, self.end, self.retention) else {
            self.pieces = None;
            return;
        };
        let Some(pieces) = &mut self.pieces else { return };
        let Some(last) = pieces.list.last().copied() else { return };
        let new = Piece { first: end, bytes_before: pieces.bytes, opened_ms: time_ms };
        if last.first == end {
            pieces.list.pop();
            pieces.list.push(new);
        } else if is_full(&retention, end - last.first, pieces.bytes - last.bytes_before, time_ms - last.opened_ms)
            || (retention == Retention::default() && end - last.first >= RECORDS_MIN.max((end - start) / PART_MIN))
        {
            pieces.list.push(new);
        }
        if pieces.list.len() > PIECES_MAX {
            let mut number = 0;
            pieces.list.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
    }
}

/// Whether a piece of so many records and bytes and of that age is a whole one.
fn is_full(retention: &Retention, records: u64, bytes: u64, age_ms: u64) -> bool {
    retention.records.is_some_and(|kept| records >= (kept / PIECES).max(1))
        || retention.bytes.is_some_and(|kept| bytes >= (kept / PIECES).max(1))
        || retention.age_ms.is_some_and(|kept| age_ms >= (kept / PIECES).max(SECOND_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(retention: Retention) -> Log {
        let mut log = Log::absent();
        log.make(retention, 1_000);
        log
    }

    #[test]
    fn records_beyond_a_bound_go_in_pieces() {
        let mut log = kept(Retention { records: Some(128), ..Retention::default() });
        for offset in 0..130 {
            log.append(offset, 1, 10, 1_000 + offset);
        }
        // The pieces have two records; 128 are there without the first piece.
        assert_eq!(log.start_at(1_129), Some((0, 2)));
        assert_eq!(log.start_at(1_130), Some((2, 2)));
    }

    #[test]
    fn an_old_piece_goes_when_its_newest_record_is_too_old() {
        let mut log = kept(Retention { age_ms: Some(64_000), ..Retention::default() });
        log.append(0, 1, 10, 1_000);
        log.append(1, 1, 10, 1_900);
        log.append(2, 1, 10, 2_000);
        log.append(3, 1, 10, 2_400);
        assert_eq!(log.start_at(65_999), Some((0, 0)));
        assert_eq!(log.start_at(66_000), Some((2, 2)));
    }

    #[test]
    fn a_log_that_was_deleted_goes_on_where_it_ended() {
        let mut log = Log::absent();
        log.append(0, 3, 10, 1);
        log.delete(Some(3), 1);
        log.append(3, 1, 10, 2);
        assert_eq!((log.start, log.end, log.created_ms), (Some(3), Some(4), Some(2)));
    }

    #[test]
    fn an_unknown_append_leaves_the_end_open_until_it_is_told() {
        let mut log = Log::absent();
        log.append(0, 3, 10, 1);
        log.doubt_end();
        assert_eq!((log.start, log.end), (Some(0), None));
        log.append(5, 1, 10, 2);
        assert_eq!(log.end, Some(6));
    }
}
