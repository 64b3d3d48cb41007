//! Where a reader is in one log, and what it has fetched beyond. Pure: it neither sends nor waits.
//!
//! - What is fetched begins exactly at the position, or there is none. Only a reader that was never moved begins where the
//!   log begins, be that trimmed or not: it has missed nothing.
//! - A position that may be out of date is none: it is read anew before anything is handed out.

use crate::types::{Action, Guard, LogName, Offset, Page, Position, ReaderName, Record};

/// One log.
#[derive(Debug)]
pub(super) struct Place {
    log: LogName,
    position: Option<Position>,
    fetched: Vec<Record>,
}

impl Place {
    pub(super) fn new(log: LogName) -> Self {
        Self { log, position: None, fetched: Vec::new() }
    }

    pub(super) fn log(&self) -> &LogName {
        &self.log
    }

    /// Where the reader is, as far as it is known.
    pub(super) fn position(&self) -> Option<Position> {
        self.position
    }

    /// The offset to fetch from; none: the first that is left.
    pub(super) fn begin(&self) -> Option<Offset> {
        self.position.filter(Position::was_moved).map(|position| position.offset)
    }

    pub(super) fn fetched(&self) -> &[Record] {
        &self.fetched
    }

    /// The position was read.
    pub(super) fn found(&mut self, position: Position) {
        self.position = Some(position);
        self.fetched.clear();
    }

    /// Somebody else may have moved the reader.
    pub(super) fn forget(&mut self) {
        self.position = None;
        self.fetched.clear();
    }

    /// Takes in what was fetched from the position on; nothing that was fetched before is left then.
    pub(super) fn store(&mut self, page: Page) {
        let Some(first) = page.records.first().map(|record| record.offset) else { return };
        if self.position.is_some() && self.begin().is_none_or(|begin| begin == first) {
            self.fetched = page.records;
        }
    }

    /// What refuses a command unless the reader is still here.
    pub(super) fn guard(&self, reader: &ReaderName) -> Guard {
        let Position { offset, version, .. } = self.position.unwrap_or_default();
        Guard::Position { reader: reader.clone(), log: self.log.clone(), offset, version }
    }

    /// What moves the reader.
    pub(super) fn step(&self, reader: &ReaderName, to: Offset) -> Action {
        Action::Move { reader: reader.clone(), log: self.log.clone(), to }
    }

    /// A command of ours moved the reader.
    pub(super) fn moved(&mut self, to: Position) {
        self.position = Some(to);
        self.fetched.retain(|record| record.offset >= to.offset);
        if self.fetched.first().is_some_and(|first| first.offset != to.offset) {
            self.fetched.clear();
        }
    }
}

/// How many records of each place make a batch: from the place `first` on, up to a count and up to so many bytes of
/// payload, but at least one record if there is any. At most `places` of them have a part in it.
pub(super) fn choose(
    fetched: &[&[Record]],
    first: usize,
    places: usize,
    count: usize,
    bytes: usize,
) -> Vec<(usize, usize)> {
    let (mut records_left, mut bytes_left) = (count.max(1), bytes);
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for (index, records) in fetched.iter().enumerate().cycle().skip(first).take(fetched.len()) {
        let mut taken = 0;
        for record in records.iter().take(records_left) {
            let is_first = taken == 0 && chosen.is_empty();
            if record.payload.len() > bytes_left && !is_first {
                break;
            }
            bytes_left = bytes_left.saturating_sub(record.payload.len());
            taken += 1;
        }
        records_left -= taken;
        if taken > 0 {
            chosen.push((index, taken));
        }
        if records_left == 0 || chosen.len() == places {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::types::{Id, LogIndex, LogTime, Version};

    use super::*;

    fn records(offsets: std::ops::Range<u64>, bytes: usize) -> Vec<Record> {
        let record = |offset| Record {
            offset: Offset(offset),
            payload: Bytes::from(vec![b'x'; bytes]),
            headers: Vec::new(),
            id: Id::new("a").unwrap(),
            time: LogTime::ZERO,
        };
        offsets.map(record).collect()
    }

    fn page(offsets: std::ops::Range<u64>) -> Page {
        let (next, end) = (Offset(offsets.end), Offset(offsets.end));
        Page { records: records(offsets, 1), next, end, start: Offset(0), applied: LogIndex(1) }
    }

    fn at(offset: u64, version: u64) -> Position {
        Position { offset: Offset(offset), version: Version(version), time: LogTime::from_ms_saturating(version) }
    }

    fn place(offset: u64) -> Place {
        let mut place = Place::new(LogName::new("orders").unwrap());
        place.found(at(offset, 3));
        place
    }

    #[test]
    fn a_guard_names_the_position_and_how_it_came_to_be() {
        let reader = ReaderName::new("billing").unwrap();
        let guard = place(7).guard(&reader);
        assert!(matches!(guard, Guard::Position { offset: Offset(7), version: Version(3), .. }), "{guard:?}");
    }

    #[test]
    fn what_was_not_committed_is_still_there_after_a_step() {
        let mut place = place(5);
        place.store(page(5..9));
        place.moved(at(7, 8));
        let offsets: Vec<_> = place.fetched().iter().map(|record| record.offset.0).collect();
        assert_eq!(offsets, [7, 8]);
        place.moved(at(20, 9));
        assert!(place.fetched().is_empty());
        place.store(page(20..22));
        place.moved(at(3, 10));
        assert!(place.fetched().is_empty(), "what was fetched does not begin at the position");
    }

    #[test]
    fn nothing_is_handed_out_that_does_not_begin_at_the_position() {
        let mut place = place(5);
        place.store(page(6..9));
        assert!(place.fetched().is_empty());
        place.store(page(5..9));
        place.forget();
        assert!(place.fetched().is_empty());
    }

    #[test]
    fn a_reader_that_was_never_moved_begins_at_the_first_record_that_is_left() {
        let mut place = Place::new(LogName::new("orders").unwrap());
        place.store(page(5..9));
        assert!(place.fetched().is_empty(), "nobody knows yet that it was never moved");
        place.found(at(0, 0));
        assert_eq!(place.begin(), None);
        place.store(page(5..9));
        assert_eq!(place.fetched().len(), 4);
        let reader = ReaderName::new("billing").unwrap();
        let guard = place.guard(&reader);
        assert!(matches!(guard, Guard::Position { offset: Offset(0), version: Version(0), .. }), "{guard:?}");
        place.moved(at(7, 3));
        assert_eq!((place.begin(), place.fetched().len()), (Some(Offset(7)), 2));
        place.found(at(0, 9));
        assert_eq!(place.begin(), Some(Offset(0)), "one that was moved to 0 wants what is at 0");
        place.found(Position::deleted(Version(12)));
        assert_eq!(place.begin(), None, "one that was deleted begins like one that was never moved");
        let guard = place.guard(&reader);
        assert!(matches!(guard, Guard::Position { offset: Offset(0), version: Version(12), .. }), "{guard:?}");
    }

    #[test]
    fn a_batch_is_full_by_count_or_by_bytes_and_never_empty() {
        let long = records(0..5, 100);
        assert_eq!(choose(&[&long], 0, 9, 3, 1_000), [(0, 3)]);
        assert_eq!(choose(&[&long], 0, 9, 9, 250), [(0, 2)]);
        assert_eq!(choose(&[&long], 0, 9, 9, 1), [(0, 1)]);
        assert_eq!(choose(&[&long], 0, 9, 0, 1_000), [(0, 1)]);
        assert_eq!(choose(&[&[], &[]], 0, 9, 9, 1_000), []);
    }

    #[test]
    fn every_log_has_its_turn() {
        let (one, two) = (records(0..5, 1), records(0..2, 1));
        assert_eq!(choose(&[&one, &two], 0, 9, 6, 1_000), [(0, 5), (1, 1)]);
        assert_eq!(choose(&[&one, &two], 1, 9, 6, 1_000), [(1, 2), (0, 4)]);
        assert_eq!(choose(&[&one, &[], &two], 1, 1, 6, 1_000), [(2, 2)]);
    }
}
