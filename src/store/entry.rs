//! How the words of consensus are written, on disk and between nodes.
//!
//! - Every value starts with its layout's version; a layout never changes, a new one gets a new version.
//! - Equal values have equal bytes: integers are in their shortest form, sets and maps in ascending order, and whatever
//!   is written otherwise is refused.
//! - The payload of a batch comes last and without a length, so that reading an entry copies nothing.
//!
//! | value | bytes |
//! |---|---|
//! | log id | term, node, index: varints |
//! | log id, if any | version `1` · `0`, or `1` and the log id |
//! | vote | version `1` · term, node: varints · committed: `0` or `1` |
//! | entry | version `1` · kind · log id · payload: nothing (kind `0`, blank), the batch (`1`), a membership's body (`2`) |
//! | membership | version `1` · body |
//! | a membership's body | count of configs · each: count of voters, voters · count of members · each: node, peer address, client address (text behind its length), incarnation (16 bytes), history |
//! | stored membership | version `1` · `0`, or `1` and the log id · a membership's body |

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{
    EntryKind, History, Incarnation, LogEntry, LogId, LogIndex, Member, Membership, NodeId, StoredMembership, Vote,
};

const VERSION: u8 = 1;
const KIND_BLANK: u8 = 0;
const KIND_BATCH: u8 = 1;
const KIND_MEMBERSHIP: u8 = 2;
const VARINT_BYTES_MAX: usize = 10;
/// Version, kind, log id.
const ENTRY_HEAD_BYTES_MAX: usize = 2 + 3 * VARINT_BYTES_MAX;
/// Node, two lengths, incarnation, history.
const MEMBER_FIXED_BYTES_MAX: usize = 16 + 4 * VARINT_BYTES_MAX;

/// The bytes of an entry.
pub fn encode_entry(entry: &LogEntry) -> Bytes {
    let mut encoder = Encoder::with_capacity(encoded_len_max(entry));
    write_entry(&mut encoder, entry);
    encoder.finish().into()
}

/// Writes an entry behind whatever the encoder holds.
pub(crate) fn write_entry(encoder: &mut Encoder, entry: &LogEntry) {
    encoder.byte(VERSION);
    encoder.byte(match entry.kind {
        EntryKind::Blank => KIND_BLANK,
        EntryKind::Batch(_) => KIND_BATCH,
        EntryKind::Membership(_) => KIND_MEMBERSHIP,
    });
    write_log_id(encoder, entry.id);
    match &entry.kind {
        EntryKind::Blank => {}
        EntryKind::Batch(payload) => encoder.raw(payload),
        EntryKind::Membership(membership) => write_membership(encoder, membership),
    }
}

/// The entry of these bytes; a batch's payload is a slice of them.
pub fn decode_entry(bytes: Bytes) -> Result<LogEntry, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    read_version(&mut decoder, "an entry")?;
    let kind = decoder.byte()?;
    let id = read_log_id(&mut decoder)?;
    let kind = match kind {
        KIND_BLANK => {
            decoder.finish()?;
            EntryKind::Blank
        }
        KIND_BATCH => EntryKind::Batch(decoder.rest()),
        KIND_MEMBERSHIP => {
            let membership = read_membership(&mut decoder)?;
            decoder.finish()?;
            EntryKind::Membership(membership)
        }
        found => {
            return Err(DecodeError::UnknownKind { what: "an entry", found: u64::from(found) });
        }
    };
    Ok(LogEntry { id, kind })
}

/// At least as many bytes as the entry takes; about as many as it takes.
pub(crate) fn encoded_len_max(entry: &LogEntry) -> usize {
    let payload = match &entry.kind {
        EntryKind::Blank => 0,
        EntryKind::Batch(payload) => payload.len(),
        EntryKind::Membership(membership) => {
            let voters: usize = membership.configs.iter().map(|voters| 1 + voters.len()).sum();
            let addresses = |member: &Member| member.peer_address.len() + member.client_address.len();
            let members: usize =
                membership.members.values().map(|member| MEMBER_FIXED_BYTES_MAX + addresses(member)).sum();
            (2 + voters) * VARINT_BYTES_MAX + members
        }
    };
    ENTRY_HEAD_BYTES_MAX + payload
}

/// The bytes of a membership.
pub fn encode_membership(membership: &Membership) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.byte(VERSION);
    write_membership(&mut encoder, membership);
    encoder.finish()
}

/// The membership of these bytes.
pub fn decode_membership(bytes: Bytes) -> Result<Membership, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    read_version(&mut decoder, "a membership")?;
    let membership = read_membership(&mut decoder)?;
    decoder.finish()?;
    Ok(membership)
}

/// The bytes of a membership and the entry that it came with.
pub fn encode_stored_membership(stored: &StoredMembership) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.byte(VERSION);
    write_optional_log_id(&mut encoder, stored.log_id);
    write_membership(&mut encoder, &stored.membership);
    encoder.finish()
}

/// The membership of these bytes and the entry that it came with.
pub fn decode_stored_membership(bytes: Bytes) -> Result<StoredMembership, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    read_version(&mut decoder, "a stored membership")?;
    let log_id = read_optional_log_id(&mut decoder)?;
    let membership = read_membership(&mut decoder)?;
    decoder.finish()?;
    Ok(StoredMembership { log_id, membership })
}

/// The bytes of a log id, or of there being none.
pub fn encode_log_id(log_id: Option<LogId>) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.byte(VERSION);
    write_optional_log_id(&mut encoder, log_id);
    encoder.finish()
}

/// The log id of these bytes, if there is one.
pub fn decode_log_id(bytes: Bytes) -> Result<Option<LogId>, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    read_version(&mut decoder, "a log id")?;
    let log_id = read_optional_log_id(&mut decoder)?;
    decoder.finish()?;
    Ok(log_id)
}

/// The bytes of a vote.
pub fn encode_vote(vote: &Vote) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.byte(VERSION);
    write_vote(&mut encoder, vote);
    encoder.finish()
}

/// The vote of these bytes.
pub fn decode_vote(bytes: Bytes) -> Result<Vote, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    read_version(&mut decoder, "a vote")?;
    let vote = read_vote(&mut decoder)?;
    decoder.finish()?;
    Ok(vote)
}

pub(crate) fn write_vote(encoder: &mut Encoder, vote: &Vote) {
    encoder.varint(vote.term);
    encoder.varint(vote.node.0);
    encoder.byte(u8::from(vote.committed));
}

pub(crate) fn read_vote(decoder: &mut Decoder) -> Result<Vote, DecodeError> {
    Ok(Vote { term: decoder.varint()?, node: NodeId(decoder.varint()?), committed: read_flag(decoder)? })
}

pub(crate) fn write_log_id(encoder: &mut Encoder, log_id: LogId) {
    encoder.varint(log_id.term);
    encoder.varint(log_id.node.0);
    encoder.varint(log_id.index.0);
}

pub(crate) fn read_log_id(decoder: &mut Decoder) -> Result<LogId, DecodeError> {
    Ok(LogId { term: decoder.varint()?, node: NodeId(decoder.varint()?), index: LogIndex(decoder.varint()?) })
}

pub(crate) fn write_optional_log_id(encoder: &mut Encoder, log_id: Option<LogId>) {
    encoder.byte(u8::from(log_id.is_some()));
    if let Some(log_id) = log_id {
        write_log_id(encoder, log_id);
    }
}

pub(crate) fn read_optional_log_id(decoder: &mut Decoder) -> Result<Option<LogId>, DecodeError> {
    if read_flag(decoder)? { read_log_id(decoder).map(Some) } else { Ok(None) }
}

/// A membership's body, which has no version of its own.
pub(crate) fn write_membership(encoder: &mut Encoder, membership: &Membership) {
    encoder.length(membership.configs.len());
    for voters in &membership.configs {
        encoder.length(voters.len());
        for voter in voters {
            encoder.varint(voter.0);
        }
    }
    write_members(encoder, &membership.members);
}

/// A membership's body, which has no version of its own.
pub(crate) fn read_membership(decoder: &mut Decoder) -> Result<Membership, DecodeError> {
    let mut configs = Vec::new();
    for _ in 0..decoder.length()? {
        let mut voters = BTreeSet::new();
        for _ in 0..decoder.length()? {
            let voter = NodeId(decoder.varint()?);
            if voters.last().is_some_and(|last| *last >= voter) {
                return Err(DecodeError::Invalid("set of voters"));
            }
            voters.insert(voter);
        }
        configs.push(voters);
    }
    Ok(Membership { configs, members: read_members(decoder)? })
}

/// Members behind their count, in ascending order.
pub(crate) fn write_members(encoder: &mut Encoder, members: &BTreeMap<NodeId, Member>) {
    encoder.length(members.len());
    for (node, member) in members {
        encoder.varint(node.0);
        write_member(encoder, member);
    }
}

/// Members behind their count, in ascending order.
pub(crate) fn read_members(decoder: &mut Decoder) -> Result<BTreeMap<NodeId, Member>, DecodeError> {
    let mut members = BTreeMap::new();
    for _ in 0..decoder.length()? {
        let node = NodeId(decoder.varint()?);
        if members.last_key_value().is_some_and(|(last, _)| *last >= node) {
            return Err(DecodeError::Invalid("list of members"));
        }
        members.insert(node, read_member(decoder)?);
    }
    Ok(members)
}

fn write_member(encoder: &mut Encoder, member: &Member) {
    encoder.text(&member.peer_address);
    encoder.text(&member.client_address);
    encoder.raw(member.incarnation.as_bytes());
    encoder.varint(member.history.0);
}

fn read_member(decoder: &mut Decoder) -> Result<Member, DecodeError> {
    Ok(Member {
        peer_address: decoder.text()?,
        client_address: decoder.text()?,
        incarnation: Incarnation::from_bytes(decoder.array()?),
        history: History(decoder.varint()?),
    })
}

fn read_version(decoder: &mut Decoder, what: &'static str) -> Result<(), DecodeError> {
    match decoder.byte()? {
        VERSION => Ok(()),
        found => Err(DecodeError::UnknownVersion { what, found: u64::from(found) }),
    }
}

pub(crate) fn read_flag(decoder: &mut Decoder) -> Result<bool, DecodeError> {
    match decoder.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Invalid("flag")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    fn log_id() -> impl Strategy<Value = LogId> {
        (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(term, node, index)| LogId {
            term,
            node: NodeId(node),
            index: LogIndex(index),
        })
    }

    fn member() -> impl Strategy<Value = Member> {
        (".{0,8}", ".{0,8}", any::<[u8; 16]>(), any::<u64>()).prop_map(|(peer, client, incarnation, history)| Member {
            peer_address: peer,
            client_address: client,
            incarnation: Incarnation::from_bytes(incarnation),
            history: History(history),
        })
    }

    fn membership() -> impl Strategy<Value = Membership> {
        let voters = btree_set(any::<u64>().prop_map(NodeId), 0..4);
        (vec(voters, 0..3), btree_map(any::<u64>().prop_map(NodeId), member(), 0..4))
            .prop_map(|(configs, members)| Membership { configs, members })
    }

    fn entry() -> impl Strategy<Value = LogEntry> {
        let kind = prop_oneof![
            Just(EntryKind::Blank),
            vec(any::<u8>(), 0..64).prop_map(|payload| EntryKind::Batch(payload.into())),
            membership().prop_map(EntryKind::Membership),
        ];
        (log_id(), kind).prop_map(|(id, kind)| LogEntry { id, kind })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn everything_comes_back(entry in entry(), id in proptest::option::of(log_id()), members in membership(), committed: bool) {
            prop_assert!(encode_entry(&entry).len() <= encoded_len_max(&entry));
            prop_assert_eq!(decode_entry(encode_entry(&entry)), Ok(entry));
            prop_assert_eq!(decode_log_id(encode_log_id(id).into()), Ok(id));
            prop_assert_eq!(decode_membership(encode_membership(&members).into()), Ok(members.clone()));
            let stored = StoredMembership { log_id: id, membership: members };
            prop_assert_eq!(decode_stored_membership(encode_stored_membership(&stored).into()), Ok(stored));
            let vote = Vote { term: id.map_or(0, |id| id.term), node: NodeId(7), committed };
            prop_assert_eq!(decode_vote(encode_vote(&vote).into()), Ok(vote));
        }

        #[test]
        fn bytes_that_are_read_are_the_bytes_that_would_be_written(bytes in vec(0_u8..4, 0..24)) {
            let bytes = Bytes::from(bytes);
            if let Ok(entry) = decode_entry(bytes.clone()) {
                prop_assert_eq!(encode_entry(&entry), bytes.clone());
            }
            if let Ok(stored) = decode_stored_membership(bytes.clone()) {
                prop_assert_eq!(encode_stored_membership(&stored), bytes.clone());
            }
            if let Ok(vote) = decode_vote(bytes.clone()) {
                prop_assert_eq!(encode_vote(&vote), bytes);
            }
        }

        #[test]
        fn a_cut_membership_is_refused(members in membership(), cut in 1_usize..200) {
            let bytes = encode_membership(&members);
            let kept = bytes.len().saturating_sub(cut);
            prop_assert!(decode_membership(Bytes::from(bytes).slice(..kept)).is_err());
        }
    }

    fn golden_id() -> LogId {
        LogId { term: 5, node: NodeId(2), index: LogIndex(300) }
    }

    fn golden_membership() -> Membership {
        let member = Member {
            peer_address: "a:1".to_owned(),
            client_address: "b".to_owned(),
            incarnation: Incarnation::from_bytes([0xab; 16]),
            history: History(200),
        };
        Membership {
            configs: vec![[NodeId(1), NodeId(2)].into(), [NodeId(1)].into()],
            members: [(NodeId(1), member)].into(),
        }
    }

    const GOLDEN_MEMBERSHIP_BODY: &[u8] =
        b"\x02\x02\x01\x02\x01\x01\x01\x01\x03a:1\x01b\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xc8\x01";

    #[test]
    fn entries_have_these_bytes() {
        let of = |kind| encode_entry(&LogEntry { id: golden_id(), kind });
        assert_eq!(of(EntryKind::Blank), &b"\x01\x00\x05\x02\xac\x02"[..]);
        assert_eq!(of(EntryKind::Batch(Bytes::from_static(b"batch"))), &b"\x01\x01\x05\x02\xac\x02batch"[..]);
        assert_eq!(
            of(EntryKind::Membership(golden_membership())),
            [b"\x01\x02\x05\x02\xac\x02", GOLDEN_MEMBERSHIP_BODY].concat()
        );
    }

    #[test]
    fn memberships_votes_and_log_ids_have_these_bytes() {
        assert_eq!(encode_membership(&golden_membership()), [b"\x01", GOLDEN_MEMBERSHIP_BODY].concat());
        let stored = |log_id| encode_stored_membership(&StoredMembership { log_id, membership: golden_membership() });
        assert_eq!(stored(None), [b"\x01\x00", GOLDEN_MEMBERSHIP_BODY].concat());
        assert_eq!(stored(Some(golden_id())), [b"\x01\x01\x05\x02\xac\x02", GOLDEN_MEMBERSHIP_BODY].concat());
        assert_eq!(encode_log_id(None), b"\x01\x00");
        assert_eq!(encode_log_id(Some(golden_id())), b"\x01\x01\x05\x02\xac\x02");
        assert_eq!(encode_vote(&Vote { term: 300, node: NodeId(3), committed: true }), b"\x01\xac\x02\x03\x01");
        assert_eq!(encode_vote(&Vote { term: 1, node: NodeId(3), committed: false }), b"\x01\x01\x03\x00");
    }

    #[test]
    fn an_unknown_version_or_kind_is_named() {
        let found = |bytes: &'static [u8]| decode_entry(Bytes::from_static(bytes));
        assert_eq!(found(b"\x02\x00\x01\x01\x01"), Err(DecodeError::UnknownVersion { what: "an entry", found: 2 }));
        assert_eq!(found(b"\x01\x07\x01\x01\x01"), Err(DecodeError::UnknownKind { what: "an entry", found: 7 }));
    }

    #[test]
    fn a_batch_shares_the_bytes_it_came_in() {
        let bytes = encode_entry(&LogEntry { id: golden_id(), kind: EntryKind::Batch(Bytes::from_static(b"batch")) });
        let range = bytes.as_ptr_range();
        let Ok(LogEntry { kind: EntryKind::Batch(payload), .. }) = decode_entry(bytes) else { panic!("a batch") };
        assert!(range.contains(&payload.as_ptr()));
    }
}
