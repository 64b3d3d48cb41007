//! Keys of the state: every byte layout, in one place.
//!
//! - Integers are big-endian, so that keys sort as they count.
//! - A layout never changes. Another meaning gets another tag or class.
//!
//! | family  | key                                                                                             |
//! |---------|-------------------------------------------------------------------------------------------------|
//! | records | space `u32` · log `u64` · offset `u64`                                                          |
//! | ids     | space `u32` · class `0` (born) · the sixteen bytes of a `UUIDv7`                                |
//! |         | space `u32` · class `0` (born) · birth in ms, 48 bits · `0x00` · text, for a birth beside an id |
//! |         | space `u32` · class `1` (unborn) · text                                                         |
//! | small   | `0x01` globals · `0x02` applied log id · `0x03` membership · `0x04` digest                      |
//! |         | `0x05` · index `u64`: a remembered digest                                                       |
//! |         | `0x06` · name: a space                                                                          |
//! |         | `0x07` · space `u32` · name: a log                                                              |
//!
//! Ids with a birth sort by it, whatever their form: live ids lie together and forgetting is one range. The two forms
//! can't meet: the seventh byte of a `UUIDv7` is `0x70` to `0x7f`, that of a birth beside an id is `0x00`.

use crate::types::{Birth, Id, LogIndex, LogName, LogNumber, Offset, SpaceName, SpaceNumber};

/// What holds for all spaces.
pub(super) const GLOBALS: [u8; 1] = [0x01];
/// The log id of the last applied entry.
pub(super) const APPLIED: [u8; 1] = [0x02];
/// The last applied membership.
pub(super) const MEMBERSHIP: [u8; 1] = [0x03];
/// The digest after the last applied entry.
pub(super) const DIGEST: [u8; 1] = [0x04];

/// What the keys of all remembered digests begin with.
pub(super) const REMEMBERED_DIGESTS: [u8; 1] = [REMEMBERED_DIGEST];

const REMEMBERED_DIGEST: u8 = 0x05;
const SPACE: u8 = 0x06;
const LOG: u8 = 0x07;

const CLASS_BORN: u8 = 0;
const CLASS_UNBORN: u8 = 1;
const BESIDE: u8 = 0x00;

/// A record's key.
pub(super) fn record(space: SpaceNumber, log: LogNumber, offset: Offset) -> [u8; 20] {
    let mut key = [0; 20];
    key[..4].copy_from_slice(&space.0.to_be_bytes());
    key[4..12].copy_from_slice(&log.0.to_be_bytes());
    key[12..].copy_from_slice(&offset.0.to_be_bytes());
    key
}

/// The key of what a space knows of an id.
pub(super) fn id(space: SpaceNumber, id: &Id) -> Vec<u8> {
    let text = id.text().as_bytes();
    let mut key = Vec::with_capacity(4 + 1 + 7 + text.len());
    key.extend_from_slice(&space.0.to_be_bytes());
    match (id.uuid_v7(), id.birth()) {
        (Some(uuid), _) => {
            key.push(CLASS_BORN);
            key.extend_from_slice(&uuid);
        }
        (None, Birth::Beside(birth) | Birth::Carried(birth)) => {
            let [_, _, birth @ ..] = birth.as_ms().to_be_bytes();
            key.push(CLASS_BORN);
            key.extend_from_slice(&birth);
            key.push(BESIDE);
            key.extend_from_slice(text);
        }
        (None, Birth::Absent) => {
            key.push(CLASS_UNBORN);
            key.extend_from_slice(text);
        }
    }
    key
}

/// The key of the digest remembered at `index`.
pub(super) fn remembered_digest(index: LogIndex) -> [u8; 9] {
    let mut key = [REMEMBERED_DIGEST; 9];
    key[1..].copy_from_slice(&index.0.to_be_bytes());
    key
}

/// The index in a remembered digest's key; none for any other key.
pub(super) fn remembered_digest_index(key: &[u8]) -> Option<LogIndex> {
    let index = key.strip_prefix(&[REMEMBERED_DIGEST])?;
    Some(LogIndex(u64::from_be_bytes(index.try_into().ok()?)))
}

/// The key of a space.
pub(super) fn space(name: &SpaceName) -> Vec<u8> {
    [&[SPACE], name.as_str().as_bytes()].concat()
}

/// The key of a log's head.
pub(super) fn log(space: SpaceNumber, name: &LogName) -> Vec<u8> {
    [logs(space).as_slice(), name.as_str().as_bytes()].concat()
}

/// What the keys of all logs of a space begin with.
pub(super) fn logs(space: SpaceNumber) -> [u8; 5] {
    let mut key = [LOG; 5];
    key[1..].copy_from_slice(&space.0.to_be_bytes());
    key
}

/// The name in a log's key; none for a key that is not of a log of this space.
pub(super) fn log_name(space: SpaceNumber, key: &[u8]) -> Option<LogName> {
    let name = key.strip_prefix(&logs(space))?;
    LogName::new(std::str::from_utf8(name).ok()?).ok()
}

/// The first key after all that begin with `prefix`; none if there can be no such key.
pub(super) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let length = prefix.iter().rposition(|&byte| byte != u8::MAX)? + 1;
    let mut end = prefix.get(..length)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LogTime;
    use proptest::prelude::*;

    const V7: &str = "019a9f3c-7b00-7abc-8def-0123456789ab";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    fn ms(ms: u64) -> LogTime {
        LogTime::from_ms(ms).expect("48 bits")
    }

    #[test]
    fn every_key_has_the_bytes_that_it_has_on_disk() {
        let space_number = SpaceNumber(0x0102_0304);
        let record_key = record(space_number, LogNumber(0x0506), Offset(0x0708));
        assert_eq!(hex(&record_key), "01020304".to_owned() + "0000000000000506" + "0000000000000708");
        let uuid = Id::new(V7).expect("valid");
        assert_eq!(hex(&id(space_number, &uuid)), "0102030400019a9f3c7b007abc8def0123456789ab");
        let beside = Id::with_birth("pay-1", ms(0x019a_9f3c_7b00)).expect("valid");
        assert_eq!(hex(&id(space_number, &beside)), "0102030400019a9f3c7b00007061792d31");
        let unborn = Id::new("pay-1").expect("valid");
        assert_eq!(hex(&id(space_number, &unborn)), "01020304017061792d31");
        assert_eq!(hex(&[GLOBALS, APPLIED, MEMBERSHIP, DIGEST].concat()), "01020304");
        assert_eq!(hex(&remembered_digest(LogIndex(1024))), "050000000000000400");
        assert_eq!(hex(&space(&SpaceName::main())), "066d61696e");
        assert_eq!(hex(&log(space_number, &LogName::new("a-b").expect("valid"))), "0701020304612d62");
    }

    #[test]
    fn names_and_indexes_come_back_from_their_keys_and_from_no_others() {
        let name = LogName::new("orders").expect("valid");
        assert_eq!(log_name(SpaceNumber(7), &log(SpaceNumber(7), &name)), Some(name.clone()));
        assert_eq!(log_name(SpaceNumber(8), &log(SpaceNumber(7), &name)), None);
        assert_eq!(log_name(SpaceNumber(7), b"\x07\x00\x00\x00\x07NOT A NAME"), None);
        assert_eq!(remembered_digest_index(&remembered_digest(LogIndex(2048))), Some(LogIndex(2048)));
        assert_eq!(remembered_digest_index(&space(&SpaceName::main())), None);
    }

    #[test]
    fn the_key_after_a_prefix_carries_over() {
        assert_eq!(after_prefix(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(after_prefix(&[1, 0xff]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xff]), None);
    }

    fn any_id() -> impl Strategy<Value = Id> {
        let near_v7 =
            (0_u64..4, 0_u8..3).prop_map(|(birth, tail)| format!("00000000-000{birth}-7abc-8def-01234567890{tail}"));
        let text = prop_oneof!["[ab\\x00p]{1,6}", near_v7];
        (text, proptest::option::of(0_u64..4)).prop_filter_map("a birth other than the carried", |(text, beside)| {
            match beside {
                Some(birth) => Id::with_birth(text, ms(birth)).ok(),
                None => Id::new(text).ok(),
            }
        })
    }

    proptest! {
        #[test]
        fn different_ids_have_different_keys_and_born_ones_sort_by_birth(one in any_id(), other in any_id()) {
            let (one_key, other_key) = (id(SpaceNumber(1), &one), id(SpaceNumber(1), &other));
            prop_assert_eq!(one_key == other_key, one == other);
            if let (Some(one_birth), Some(other_birth)) = (one.birth().time(), other.birth().time()) {
                prop_assert!(one_birth >= other_birth || one_key < other_key);
            }
        }

        #[test]
        fn records_sort_by_space_log_and_offset(one: (u32, u64, u64), other: (u32, u64, u64)) {
            let key = |(space, log, offset)| record(SpaceNumber(space), LogNumber(log), Offset(offset));
            prop_assert_eq!(one.cmp(&other), key(one).cmp(&key(other)));
        }
    }
}
