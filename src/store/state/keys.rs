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
//! |         | `0x08` · space `u32` · key: a cell                                                              |
//! |         | `0x09` · space `u32` · reader, an `0xff` behind each `0x00` in it · `0x00` `0x01` · log: a position |
//! |         | `0x0a` · space `u32` · name: a lock                                                             |
//! |         | `0x0b` · space `u32` · first birth in ms `u64`: a bucket                                        |
//! |         | `0x0c` · ms `u64` · what is due: `0` · space's name, `1` · space `u32` · lock, `2` · space `u32` · log |
//! |         | `0x0d` · space `u32` · name: what stayed of a log that was deleted                             |
//! |         | `0x0e` · as a position: what stayed of one that was deleted                                     |
//! |         | `0x0f` · name: what stayed of a space that was deleted                                          |
//!
//! What stayed of a log or a position is not taken away when that is there again. It counts only while there is no
//! row `0x07` or `0x09`. A tag of its own keeps it out of the way of whoever lists what is there.
//!
//! What is due sorts as the machine has it: by time, then by kind, space and name. Positions sort by reader, then by log,
//! and no reader's keys begin with another's: a `0x00` of its own is never followed by `0x01`.
//!
//! Ids with a birth sort by it, whatever their form: live ids lie together and forgetting is one range. The two forms
//! can't meet: the seventh byte of a `UUIDv7` is `0x70` to `0x7f`, that of a birth beside an id is `0x00`.

use std::ops::Range;

use crate::machine::Due;
use crate::types::{
    Birth, CellKey, Id, LockName, LogIndex, LogName, LogNumber, LogTime, Offset, ReaderName, SpaceName, SpaceNumber,
};

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
const CELL: u8 = 0x08;
const POSITION: u8 = 0x09;
const LOCK: u8 = 0x0a;
const BUCKET: u8 = 0x0b;
const DUE: u8 = 0x0c;
const DELETED_LOG: u8 = 0x0d;
const DELETED_POSITION: u8 = 0x0e;
const DELETED_SPACE: u8 = 0x0f;

/// The keys of all that stays of what was deleted.
pub(super) const MARKS: Range<[u8; 1]> = [DELETED_LOG]..[DELETED_SPACE + 1];

/// The tags of all small rows whose keys go on with the number of a space.
const OF_A_SPACE: [u8; 7] = [LOG, CELL, POSITION, LOCK, BUCKET, DELETED_LOG, DELETED_POSITION];

/// What the keys of all spaces begin with.
pub(super) const SPACES: [u8; 1] = [SPACE];
/// What the keys of all that is due begin with.
pub(super) const ALL_DUE: [u8; 1] = [DUE];

/// What ends a reader in a key; a zero byte of its own has another behind it.
const READER_END: [u8; 2] = [0, 1];

const DUE_FLOOR: u8 = 0;
const DUE_LOCK: u8 = 1;
const DUE_LOG: u8 = 2;

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

/// The name in a space's key; none for any other key.
pub(super) fn space_name(key: &[u8]) -> Option<SpaceName> {
    SpaceName::new(std::str::from_utf8(key.strip_prefix(&SPACES)?).ok()?).ok()
}

/// The key of what stayed of a space.
pub(super) fn deleted_space(name: &SpaceName) -> Vec<u8> {
    [&[DELETED_SPACE], name.as_str().as_bytes()].concat()
}

/// What the keys of all records of a space, and of all its ids, are between.
pub(super) fn numbered(space: SpaceNumber) -> Range<[u8; 4]> {
    space.0.to_be_bytes()..space.next().0.to_be_bytes()
}

/// What the keys of all small rows are between that belong to a space. What is due in it is not among them.
pub(super) fn small_of(space: SpaceNumber) -> [Range<[u8; 5]>; OF_A_SPACE.len()] {
    OF_A_SPACE.map(|tag| of_space(tag, space)..of_space(tag, space.next()))
}

/// The keys that ids of a space can have that were born from a time on and before another.
pub(super) fn ids_born(space: SpaceNumber, from: LogTime, below: LogTime) -> Range<Vec<u8>> {
    ids_born_from(space, from)..ids_born_from(space, below)
}

fn ids_born_from(space: SpaceNumber, birth: LogTime) -> Vec<u8> {
    let [_, _, birth @ ..] = birth.as_ms().to_be_bytes();
    [&space.0.to_be_bytes()[..], &[CLASS_BORN], &birth].concat()
}

/// The key of a log's head.
pub(super) fn log(space: SpaceNumber, name: &LogName) -> Vec<u8> {
    [logs(space).as_slice(), name.as_str().as_bytes()].concat()
}

/// What the keys of all logs of a space begin with.
pub(super) fn logs(space: SpaceNumber) -> [u8; 5] {
    of_space(LOG, space)
}

/// The name in a log's key; none for a key that is not of a log of this space.
pub(super) fn log_name(space: SpaceNumber, key: &[u8]) -> Option<LogName> {
    let name = key.strip_prefix(&logs(space))?;
    LogName::new(std::str::from_utf8(name).ok()?).ok()
}

/// The key of what stayed of a log.
pub(super) fn deleted_log(space: SpaceNumber, name: &LogName) -> Vec<u8> {
    [&of_space(DELETED_LOG, space)[..], name.as_str().as_bytes()].concat()
}

/// The key of a cell.
pub(super) fn cell(space: SpaceNumber, key: &CellKey) -> Vec<u8> {
    [&cells(space)[..], key.as_str().as_bytes()].concat()
}

/// What the keys of all cells of a space begin with.
pub(super) fn cells(space: SpaceNumber) -> [u8; 5] {
    of_space(CELL, space)
}

/// The key in a cell's key; none for a key that is not of a cell of this space.
pub(super) fn cell_key(space: SpaceNumber, key: &[u8]) -> Option<CellKey> {
    CellKey::new(std::str::from_utf8(key.strip_prefix(&cells(space))?).ok()?).ok()
}

/// The key of a reader's position in a log.
pub(super) fn position(space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Vec<u8> {
    in_log(positions_of(space, reader), log)
}

/// The key of what stayed of a reader's position in a log.
pub(super) fn deleted_position(space: SpaceNumber, reader: &ReaderName, log: &LogName) -> Vec<u8> {
    in_log(of_reader(DELETED_POSITION, space, reader), log)
}

fn in_log(mut of_reader: Vec<u8>, log: &LogName) -> Vec<u8> {
    of_reader.extend_from_slice(log.as_str().as_bytes());
    of_reader
}

/// What the keys of all positions of a space begin with.
pub(super) fn positions(space: SpaceNumber) -> [u8; 5] {
    of_space(POSITION, space)
}

/// What the keys of all positions of a reader begin with.
pub(super) fn positions_of(space: SpaceNumber, reader: &ReaderName) -> Vec<u8> {
    of_reader(POSITION, space, reader)
}

fn of_reader(tag: u8, space: SpaceNumber, reader: &ReaderName) -> Vec<u8> {
    let mut key = of_space(tag, space).to_vec();
    for &byte in reader.as_str().as_bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(u8::MAX);
        }
    }
    key.extend_from_slice(&READER_END);
    key
}

/// The reader and the log in a position's key; none for a key that is not of a position in this space.
pub(super) fn position_of(space: SpaceNumber, key: &[u8]) -> Option<(ReaderName, LogName)> {
    let mut rest = key.strip_prefix(&positions(space))?;
    let mut reader = Vec::new();
    let log = loop {
        rest = match rest {
            [0, u8::MAX, rest @ ..] => {
                reader.push(0);
                rest
            }
            [0, 1, log @ ..] => break log,
            [0, ..] | [] => return None,
            [byte, rest @ ..] => {
                reader.push(*byte);
                rest
            }
        };
    };
    let reader = ReaderName::new(std::str::from_utf8(&reader).ok()?).ok()?;
    Some((reader, LogName::new(std::str::from_utf8(log).ok()?).ok()?))
}

/// The key of a lock.
pub(super) fn lock(space: SpaceNumber, name: &LockName) -> Vec<u8> {
    [&locks(space)[..], name.as_str().as_bytes()].concat()
}

/// What the keys of all locks of a space begin with.
pub(super) fn locks(space: SpaceNumber) -> [u8; 5] {
    of_space(LOCK, space)
}

/// The name in a lock's key; none for a key that is not of a lock of this space.
pub(super) fn lock_name(space: SpaceNumber, key: &[u8]) -> Option<LockName> {
    LockName::new(std::str::from_utf8(key.strip_prefix(&locks(space))?).ok()?).ok()
}

/// The key of a bucket.
pub(super) fn bucket(space: SpaceNumber, start: LogTime) -> [u8; 13] {
    let mut key = [0; 13];
    key[..5].copy_from_slice(&buckets(space));
    key[5..].copy_from_slice(&start.as_ms().to_be_bytes());
    key
}

/// What the keys of all buckets of a space begin with.
pub(super) fn buckets(space: SpaceNumber) -> [u8; 5] {
    of_space(BUCKET, space)
}

/// The first birth in a bucket's key; none for a key that is not of a bucket of this space.
pub(super) fn bucket_start(space: SpaceNumber, key: &[u8]) -> Option<LogTime> {
    LogTime::from_ms(u64::from_be_bytes(key.strip_prefix(&buckets(space))?.try_into().ok()?))
}

/// The key of something that is due at a time.
pub(super) fn due(at: LogTime, due: &Due) -> Vec<u8> {
    let mut key = due_from(at).to_vec();
    let of_space = |kind: u8, space: &SpaceNumber, name: &str, key: &mut Vec<u8>| {
        key.push(kind);
        key.extend_from_slice(&space.0.to_be_bytes());
        key.extend_from_slice(name.as_bytes());
    };
    match due {
        Due::Floor(name) => {
            key.push(DUE_FLOOR);
            key.extend_from_slice(name.as_str().as_bytes());
        }
        Due::Lock(space, name) => of_space(DUE_LOCK, space, name.as_str(), &mut key),
        Due::Log(space, name) => of_space(DUE_LOG, space, name.as_str(), &mut key),
    }
    key
}

/// Where what is due at a time or later begins.
pub(super) fn due_from(at: LogTime) -> [u8; 9] {
    let mut key = [DUE; 9];
    key[1..].copy_from_slice(&at.as_ms().to_be_bytes());
    key
}

/// When something is due, and what; none for any other key.
pub(super) fn read_due(key: &[u8]) -> Option<(LogTime, Due)> {
    let (at, what) = key.strip_prefix(&ALL_DUE)?.split_first_chunk::<8>()?;
    let at = LogTime::from_ms(u64::from_be_bytes(*at))?;
    let (kind, what) = what.split_first()?;
    let of_space = || {
        let (space, name) = what.split_first_chunk::<4>()?;
        Some((SpaceNumber(u32::from_be_bytes(*space)), std::str::from_utf8(name).ok()?))
    };
    let due = match *kind {
        DUE_FLOOR => Due::Floor(SpaceName::new(std::str::from_utf8(what).ok()?).ok()?),
        DUE_LOCK => of_space().and_then(|(space, name)| Some(Due::Lock(space, LockName::new(name).ok()?)))?,
        DUE_LOG => of_space().and_then(|(space, name)| Some(Due::Log(space, LogName::new(name).ok()?)))?,
        _ => return None,
    };
    Some((at, due))
}

fn of_space(tag: u8, space: SpaceNumber) -> [u8; 5] {
    let mut key = [tag; 5];
    key[1..].copy_from_slice(&space.0.to_be_bytes());
    key
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
        let log_name = LogName::new("a-b").expect("valid");
        assert_eq!(hex(&log(space_number, &log_name)), "0701020304612d62");
        assert_eq!(hex(&cell(space_number, &CellKey::new("a/B").expect("valid"))), "0801020304612f42");
        let reader = ReaderName::new("r").expect("valid");
        assert_eq!(hex(&position(space_number, &reader, &log_name)), "0901020304720001612d62");
        let odd = ReaderName::new("r s").expect("valid");
        assert_eq!(hex(&position(space_number, &odd, &log_name)), "09010203047220730001612d62");
        let lock_name = LockName::new("l").expect("valid");
        assert_eq!(hex(&lock(space_number, &lock_name)), "0a010203046c");
        assert_eq!(hex(&bucket(space_number, ms(300))), "0b01020304000000000000012c");
        assert_eq!(hex(&due(ms(300), &Due::Floor(SpaceName::main()))), "0c000000000000012c006d61696e");
        assert_eq!(hex(&due(ms(300), &Due::Lock(space_number, lock_name))), "0c000000000000012c01010203046c");
        assert_eq!(hex(&due(ms(300), &Due::Log(space_number, log_name))), "0c000000000000012c0201020304612d62");
        assert_eq!(hex(&ids_born_from(space_number, ms(0x019a_9f3c_7b00))), "0102030400019a9f3c7b00");
        let log_name = LogName::new("a-b").expect("valid");
        assert_eq!(hex(&deleted_log(space_number, &log_name)), "0d01020304612d62");
        assert_eq!(hex(&deleted_position(space_number, &odd, &log_name)), "0e010203047220730001612d62");
        assert_eq!(hex(&deleted_space(&SpaceName::main())), "0f6d61696e");
    }

    #[test]
    fn what_belongs_to_a_space_and_nothing_else_is_in_its_ranges() {
        let log_name = LogName::new("orders").expect("valid");
        let reader = ReaderName::new("r").expect("valid");
        let lock_name = LockName::new("l").expect("valid");
        let small = |number| {
            let number = SpaceNumber(number);
            [
                log(number, &log_name),
                cell(number, &CellKey::new("k").expect("valid")),
                position(number, &reader, &log_name),
                lock(number, &lock_name),
                bucket(number, ms(u64::MAX >> 16)).to_vec(),
                deleted_log(number, &log_name),
                deleted_position(number, &reader, &log_name),
            ]
        };
        let is_small_of = |key: &Vec<u8>| small_of(SpaceNumber(255)).iter().any(|range| is_in(range, key));
        assert!(small(255).iter().all(is_small_of));
        assert!(!small(254).iter().chain(&small(256)).any(is_small_of));
        let others = [space(&SpaceName::main()), deleted_space(&SpaceName::main()), GLOBALS.to_vec(), DIGEST.to_vec()];
        assert!(!others.iter().any(is_small_of));
        assert!(!is_small_of(&due(ms(255), &Due::Lock(SpaceNumber(255), lock_name))));

        let record_of = |number| record(SpaceNumber(number), LogNumber(u64::MAX), Offset(u64::MAX));
        let id_of = |number| id(SpaceNumber(number), &Id::new(V7).expect("valid"));
        let range = numbered(SpaceNumber(255));
        assert!(is_in(&range, &record_of(255)) && is_in(&range, &id_of(255)));
        assert!(![254, 256].iter().any(|&other| is_in(&range, &record_of(other)) || is_in(&range, &id_of(other))));
    }

    fn is_in(range: &Range<impl AsRef<[u8]>>, key: &[u8]) -> bool {
        (range.start.as_ref()..range.end.as_ref()).contains(&key)
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
    fn what_a_key_says_comes_back() {
        let (space, log) = (SpaceNumber(7), LogName::new("orders").expect("valid"));
        let reader = ReaderName::new("odd reader").expect("valid");
        assert_eq!(position_of(space, &position(space, &reader, &log)), Some((reader, log)));
        let key = CellKey::new("Zürich").expect("valid");
        assert_eq!(cell_key(space, &cell(space, &key)), Some(key));
        let name = LockName::new("nightly run").expect("valid");
        assert_eq!(lock_name(space, &lock(space, &name)), Some(name));
        assert_eq!(bucket_start(space, &bucket(space, ms(9))), Some(ms(9)));
        assert_eq!(space_name(&super::space(&SpaceName::main())), Some(SpaceName::main()));
    }

    fn any_due() -> impl Strategy<Value = (LogTime, Due)> {
        let name = "[ab][ab.]{0,2}";
        let due = prop_oneof![
            name.prop_map(|name| Due::Floor(SpaceName::new(&name).expect("valid"))),
            (0_u32..3, name)
                .prop_map(|(space, name)| Due::Lock(SpaceNumber(space), LockName::new(&name).expect("valid"))),
            (0_u32..3, name)
                .prop_map(|(space, name)| Due::Log(SpaceNumber(space), LogName::new(&name).expect("valid"))),
        ];
        (0_u64..3, due).prop_map(|(at, due)| (ms(at), due))
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
        let text = prop_oneof!["[ab p]{1,6}", near_v7];
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
        fn what_is_due_sorts_as_the_machine_has_it(one in any_due(), other in any_due()) {
            let (one_key, other_key) = (due(one.0, &one.1), due(other.0, &other.1));
            prop_assert_eq!(one_key.cmp(&other_key), one.cmp(&other));
            prop_assert_eq!(read_due(&one_key), Some(one));
        }

        #[test]
        fn positions_sort_by_reader_and_log_whatever_a_reader_is_called(
            one in ("[ !ab]{1,4}", "a[a-]?"),
            other in ("[ !ab]{1,4}", "a[a-]?"),
        ) {
            let [one, other] = [one, other].map(|(reader, log)| {
                (ReaderName::new(&reader).expect("valid"), LogName::new(&log).expect("valid"))
            });
            let [one_key, other_key] = [&one, &other].map(|(reader, log)| position(SpaceNumber(1), reader, log));
            prop_assert_eq!(one_key.cmp(&other_key), one.cmp(&other));
            prop_assert_eq!(one_key.starts_with(&positions_of(SpaceNumber(1), &other.0)), one.0 == other.0);
            prop_assert_eq!(position_of(SpaceNumber(1), &one_key), Some(one));
        }

        #[test]
        fn a_range_of_births_takes_ids_of_either_form(id_of in any_id(), from in 0_u64..4) {
            if let Some(birth) = id_of.birth().time() {
                let key = id(SpaceNumber(1), &id_of);
                prop_assert_eq!(key >= ids_born_from(SpaceNumber(1), ms(from)), birth >= ms(from));
            }
        }

        #[test]
        fn records_sort_by_space_log_and_offset(one: (u32, u64, u64), other: (u32, u64, u64)) {
            let key = |(space, log, offset)| record(SpaceNumber(space), LogNumber(log), Offset(offset));
            prop_assert_eq!(one.cmp(&other), key(one).cmp(&key(other)));
        }
    }
}
