//! What lies under a key of the log's database, and the chain that links entries.
//!
//! - A link is the first 64 bits (big-endian) of blake3 over the link before it and the entry's bytes, its log id among
//!   them. So an entry that was changed, lost, doubled or put back from an older life breaks the chain.
//! - The link before the first retained entry is the anchor. It is stored with `purged`; a log that was never purged
//!   starts at 0, one that starts behind an installed snapshot at a link made from the snapshot's log id.
//! - The chain is this node's own: it is never sent or compared with another's.
//!
//! | value | bytes |
//! |---|---|
//! | entry | version `1` · link `u64` · an entry as `store::entry` writes it |
//! | purged | version `1` · log id as `store::entry` writes it · anchor `u64` |

use bytes::Bytes;

use crate::store::entry;
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{LogEntry, LogId};

const VERSION: u8 = 1;
const ENTRY_HEAD_BYTES: usize = 9;

/// A link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u64);

impl Link {
    /// The anchor of a log that was never purged.
    pub(super) const START: Self = Self(0);

    /// The anchor of a log that begins behind an installed snapshot.
    pub(super) fn behind_snapshot(last: LogId) -> Self {
        Self::of(&[b"behind a snapshot", &entry::encode_log_id(Some(last))])
    }

    /// The link of an entry with these bytes that follows this one.
    pub(super) fn next(self, entry: &[u8]) -> Self {
        Self::of(&[&self.0.to_be_bytes(), entry])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        Self(first_u64(&hasher.finalize()))
    }
}

/// The first 64 bits of a hash, big-endian.
pub(super) fn first_u64(hash: &blake3::Hash) -> u64 {
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}

/// The value of an entry that follows `previous`, and its link.
pub(super) fn encode_entry(previous: Link, entry: &LogEntry) -> (Vec<u8>, Link) {
    let mut encoder = Encoder::with_capacity(ENTRY_HEAD_BYTES + entry::encoded_len_max(entry));
    encoder.byte(VERSION);
    encoder.fixed_u64(0);
    entry::write_entry(&mut encoder, entry);
    let mut value = encoder.finish();
    let (head, body) = value.split_at_mut(ENTRY_HEAD_BYTES);
    let link = previous.next(body);
    head.split_at_mut(1).1.copy_from_slice(&link.0.to_be_bytes());
    (value, link)
}

/// A stored entry: its link, and the bytes that the link covers.
pub(super) struct StoredEntry {
    pub(super) link: Link,
    pub(super) bytes: Bytes,
}

impl StoredEntry {
    pub(super) fn decode(value: Bytes) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(value);
        read_version(&mut decoder, "a stored entry")?;
        Ok(Self { link: Link(decoder.fixed_u64()?), bytes: decoder.rest() })
    }

    pub(super) fn entry(&self) -> Result<LogEntry, DecodeError> {
        entry::decode_entry(self.bytes.clone())
    }
}

pub(super) fn encode_purged(purged: LogId, anchor: Link) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.byte(VERSION);
    entry::write_log_id(&mut encoder, purged);
    encoder.fixed_u64(anchor.0);
    encoder.finish()
}

pub(super) fn decode_purged(value: Bytes) -> Result<(LogId, Link), DecodeError> {
    let mut decoder = Decoder::new(value);
    read_version(&mut decoder, "a purged log id")?;
    let purged = entry::read_log_id(&mut decoder)?;
    let anchor = Link(decoder.fixed_u64()?);
    decoder.finish()?;
    Ok((purged, anchor))
}

fn read_version(decoder: &mut Decoder, what: &'static str) -> Result<(), DecodeError> {
    match decoder.byte()? {
        VERSION => Ok(()),
        found => Err(DecodeError::UnknownVersion { what, found: u64::from(found) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{EntryKind, LogIndex, NodeId};

    fn id(index: u64) -> LogId {
        LogId { term: 1, node: NodeId(2), index: LogIndex(index) }
    }

    fn batch(index: u64) -> LogEntry {
        LogEntry { id: id(index), kind: EntryKind::Batch(Bytes::from_static(b"batch")) }
    }

    #[test]
    fn values_have_these_bytes_and_come_back() {
        let (value, link) = encode_entry(Link(7), &batch(3));
        assert_eq!(value, b"\x01\x37\xbf\xab\x49\xb1\x62\x79\x20\x01\x01\x01\x02\x03batch");
        let stored = StoredEntry::decode(value.into()).unwrap();
        assert_eq!(stored.link, link);
        assert_eq!(stored.entry(), Ok(batch(3)));

        let purged = encode_purged(id(300), Link(0x0102_0304_0506_0708));
        assert_eq!(purged, b"\x01\x01\x02\xac\x02\x01\x02\x03\x04\x05\x06\x07\x08");
        assert_eq!(decode_purged(purged.into()), Ok((id(300), Link(0x0102_0304_0506_0708))));
        assert_eq!(Link::behind_snapshot(id(300)), Link(0x8bbc_b662_315d_5525));
    }

    #[test]
    fn a_link_depends_on_the_link_before_and_on_every_byte() {
        let link = Link(7).next(b"entry");
        assert_ne!(link, Link(8).next(b"entry"));
        assert_ne!(link, Link(7).next(b"entrz"));
        assert_ne!(Link::behind_snapshot(id(1)), Link::behind_snapshot(id(2)));
    }
}
