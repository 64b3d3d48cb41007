//! The keys of the log's database.
//!
//! | key | bytes | value |
//! |---|---|---|
//! | vote | group `u32` · `1` · `0` as `u64` | a vote (`store::entry`) |
//! | purged | group `u32` · `3` · `0` as `u64` | a log id and the chain's anchor (`record`) |
//! | entry | group `u32` · `4` · index `u64` | the chain's link and an entry (`record`) |
//! | committed | group `u32` · `5` · `0` as `u64` | a log id, if any (`store::entry`) |
//!
//! Integers are big-endian, so entries lie in the order of their index. All keys have 13 bytes.
//!
//! What is written all the time lies together, at the end: entries are appended and committed follows them. In front of
//! them it would stretch every table file over the whole log, and every compaction would write the whole log again.

use crate::types::LogIndex;

const KIND_VOTE: u8 = 1;
const KIND_PURGED: u8 = 3;
const KIND_ENTRY: u8 = 4;
const KIND_COMMITTED: u8 = 5;

/// The length of every key.
pub(super) const KEY_BYTES: usize = 13;

/// A place in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Vote,
    Committed,
    Purged,
    Entry(LogIndex),
}

impl Key {
    pub(super) fn encode(self, group: u32) -> [u8; KEY_BYTES] {
        let (kind, index) = match self {
            Self::Vote => (KIND_VOTE, 0),
            Self::Committed => (KIND_COMMITTED, 0),
            Self::Purged => (KIND_PURGED, 0),
            Self::Entry(index) => (KIND_ENTRY, index.0),
        };
        let mut bytes = [0; KEY_BYTES];
        let (head, tail) = bytes.split_at_mut(5);
        let (number, rest) = head.split_at_mut(4);
        number.copy_from_slice(&group.to_be_bytes());
        rest.fill(kind);
        tail.copy_from_slice(&index.to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<(u32, Self)> {
        let (group, rest) = bytes.split_first_chunk::<4>()?;
        let (kind, index) = rest.split_first()?;
        let index = u64::from_be_bytes(index.try_into().ok()?);
        let key = match (*kind, index) {
            (KIND_VOTE, 0) => Self::Vote,
            (KIND_COMMITTED, 0) => Self::Committed,
            (KIND_PURGED, 0) => Self::Purged,
            (KIND_ENTRY, index) => Self::Entry(LogIndex(index)),
            _ => return None,
        };
        Some((u32::from_be_bytes(*group), key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_these_bytes_and_come_back() {
        let golden = [
            (Key::Vote, *b"\x00\x00\x01\x02\x01\0\0\0\0\0\0\0\0"),
            (Key::Committed, *b"\x00\x00\x01\x02\x05\0\0\0\0\0\0\0\0"),
            (Key::Purged, *b"\x00\x00\x01\x02\x03\0\0\0\0\0\0\0\0"),
            (Key::Entry(LogIndex(0x0304)), *b"\x00\x00\x01\x02\x04\0\0\0\0\0\0\x03\x04"),
        ];
        for (key, bytes) in golden {
            assert_eq!(key.encode(0x0102), bytes);
            assert_eq!(Key::decode(&bytes), Some((0x0102, key)));
        }
    }

    #[test]
    fn entries_lie_in_the_order_of_their_index_between_what_seldom_changes_and_what_follows_them() {
        let entry = |index| Key::Entry(LogIndex(index));
        let keys = [Key::Vote, Key::Purged, entry(0), entry(255), entry(256), entry(u64::MAX), Key::Committed];
        let encoded: Vec<_> = keys.iter().map(|key| key.encode(7)).chain([Key::Vote.encode(8)]).collect();
        assert!(encoded.is_sorted());
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        assert_eq!(Key::decode(b"short"), None);
        assert_eq!(Key::decode(b"\0\0\0\0\x09\0\0\0\0\0\0\0\0"), None);
        assert_eq!(Key::decode(b"\0\0\0\0\x01\0\0\0\0\0\0\0\x01"), None);
    }
}
