//! Every record that anybody was shown, told once.
//!
//! - Looks and pages are many, and show the same records again and again. So the history keeps samples of each, and beside
//!   that each record once: when it was shown first, and again whenever another one was shown in its place.
//! - What was shown already is known by four bytes a record.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Name, RecordSeen};

/// Records that nobody was shown before, or not so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The node.
    pub node: u64,
    /// The log, as a dump of a replica names it.
    pub log: Name,
    /// When they were shown.
    pub at: Duration,
    /// Each of them.
    pub records: Vec<RecordShown>,
}

/// A record that somebody was shown, in as little as tells it from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, Name, u32)", into = "(u64, Name, u32)")]
pub struct RecordShown {
    /// Where.
    pub offset: u64,
    /// The id that wrote it.
    pub id: Name,
    /// A quarter of the hash of what it holds.
    pub hash: u32,
}

impl From<(u64, Name, u32)> for RecordShown {
    fn from((offset, id, hash): (u64, Name, u32)) -> Self {
        Self { offset, id, hash }
    }
}

impl From<RecordShown> for (u64, Name, u32) {
    fn from(RecordShown { offset, id, hash }: RecordShown) -> Self {
        (offset, id, hash)
    }
}

impl From<RecordSeen> for RecordShown {
    fn from(RecordSeen { offset, id, content }: RecordSeen) -> Self {
        Self { offset, id, hash: content.hash.quarter() }
    }
}

/// How many records of a log are kept together.
const PIECE: usize = 1 << 10;

/// What was shown already.
#[derive(Debug, Default)]
pub(super) struct Already {
    /// By log and number of a piece, what is known of each record; 0 if it was not shown.
    pieces: HashMap<(Name, u64), Box<[u32; PIECE]>>,
}

impl Already {
    /// Adds a record. Says whether it is news.
    pub(super) fn add(&mut self, log: Name, record: RecordShown) -> bool {
        let (piece, place) = (record.offset / PIECE as u64, record.offset % PIECE as u64);
        let piece = self.pieces.entry((log, piece)).or_insert_with(|| Box::new([0; PIECE]));
        let place = usize::try_from(place).ok().and_then(|place| piece.get_mut(place));
        let place = place.expect("a place in the piece");
        let known = std::mem::replace(place, record.short());
        known != *place
    }
}

impl RecordShown {
    /// What tells its id and content from others at its place; never 0.
    fn short(self) -> u32 {
        let id = u32::try_from(self.id.number()).expect("fewer than four billion names");
        (self.hash ^ id.wrapping_mul(0x9e37_79b9)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_news_once_and_another_one_in_its_place_is_again() {
        let mut already = Already::default();
        let record = |offset, id: &str, hash| RecordShown { offset, id: Name::of(id), hash };
        let (one, other) = (Name::of("orders"), Name::of("payments"));
        for offset in [0, 1, 1_023, 1_024, 1 << 60] {
            assert!(already.add(one, record(offset, "a", 7)), "{offset}");
            assert!(!already.add(one, record(offset, "a", 7)), "{offset}");
            assert!(already.add(other, record(offset, "a", 7)), "{offset}");
        }
        assert!(already.add(one, record(1, "b", 7)), "of another id");
        assert!(already.add(one, record(1, "b", 8)), "with other bytes");
        assert!(already.add(one, record(0, "a", 0)) && !already.add(one, record(0, "a", 0)));
    }

    #[test]
    fn json_has_three_values_a_record() {
        let record = RecordShown { offset: 5, id: Name::of("a"), hash: 7 };
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!((json.as_str(), serde_json::from_str(&json).unwrap()), (r#"[5,"a",7]"#, record));
    }
}
