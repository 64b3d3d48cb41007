//! Values of the state: every byte layout, in one place.
//!
//! - A value begins with a version byte, now 1 everywhere. Another layout gets another version, and both are read.
//! - Integers are canonical LEB128 where nothing else is said.
//! - The applied log id and the membership are laid out in [`crate::store::entry`], versions included.
//!
//! | row               | after the version byte                                                                  |
//! |-------------------|-----------------------------------------------------------------------------------------|
//! | record            | time · id · count of headers · for each: key, value, each behind its length · payload   |
//! | id                | `0` (tombstone), or `1` · fingerprint's version, one byte · its 16 bytes; then `0`, or `1` · the id that has undone it; then an outcome, as the machine encodes it |
//! | globals           | history · clock · machine version · number of the next space                            |
//! | digest            | 16 bytes                                                                                |
//! | space             | number · memory: `0` for ever, or `1` · duration · logs come by append `0`, explicitly `1` · floor · closed · count of eras · each: from, width as a duration · due, if any · ids · their bytes · last sequence · next log |
//! | bucket            | end · ids · bytes                                                                       |
//! | log               | number · start · end · bytes ever · created · last · what is kept: age as a duration, bytes, records, each if any · due, if any · count of marks · each, as more than the one before: first, bytes before, opened |
//! | cell              | version · time · `0` and bytes, or `1` and eight bytes of a big-endian integer          |
//! | position          | offset · version · time                                                                 |
//! | lock              | holder behind its length · token: history, sequence · expiry                            |
//! | due               | nothing: the key says it all                                                            |
//! | deleted log       | number · end · when                                                                     |
//! | deleted position  | version                                                                                 |
//! | deleted space     | when                                                                                    |
//!
//! A duration is seconds and nanoseconds. What there may be none of is `0`, or `1` and it.

mod cell;
mod deleted;
mod log;
mod space;

use std::time::Duration;

use bytes::Bytes;

pub(super) use cell::{cell, lock, position, read_cell, read_lock, read_position};
pub(super) use deleted::{
    deleted_log, deleted_position, deleted_space, read_deleted_log, read_deleted_position, read_deleted_space,
};
pub(super) use log::{log, read_log};
pub(super) use space::{bucket, read_bucket, read_space, space};

use crate::machine::{Digest, Fingerprint, Globals, Remembered, decode_outcome, encode_outcome};
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{Header, History, Id, LogTime, MachineVersion, NewRecord, Offset, Record, SpaceNumber};

const VERSION: u8 = 1;

/// A record's value.
pub(super) fn record(time: LogTime, id: &Id, record: &NewRecord) -> Vec<u8> {
    let mut encoder = begin(64 + record.size());
    encoder.varint(time.as_ms());
    id.encode(&mut encoder);
    encoder.length(record.headers.len());
    for header in &record.headers {
        encoder.text(&header.key);
        encoder.bytes(&header.value);
    }
    encoder.raw(&record.payload);
    encoder.finish()
}

/// Reads a record's value.
pub(super) fn read_record(offset: Offset, value: Bytes) -> Result<Record, DecodeError> {
    let mut decoder = version_one(value, "a record")?;
    let time = time(&mut decoder)?;
    let id = Id::decode(&mut decoder)?;
    let headers = (0..decoder.length()?)
        .map(|_| Ok(Header { key: decoder.text()?, value: decoder.bytes()? }))
        .collect::<Result<_, DecodeError>>()?;
    Ok(Record { offset, payload: decoder.rest(), headers, id, time })
}

/// The value of what a space knows of an id.
pub(super) fn remembered(remembered: &Remembered) -> Vec<u8> {
    let mut encoder = begin(64);
    match remembered.fingerprint {
        None => encoder.byte(0),
        Some(fingerprint) => {
            encoder.byte(1);
            encoder.byte(fingerprint.version);
            encoder.raw(&fingerprint.hash);
        }
    }
    encoder.option(remembered.compensated_by.as_ref(), |encoder, by| by.encode(encoder));
    encoder.raw(&encode_outcome(&remembered.outcome));
    encoder.finish()
}

/// Reads what a space knows of an id. A fingerprint that this build can't compare is an error here, not a panic later.
pub(super) fn read_remembered(value: Bytes) -> Result<Remembered, DecodeError> {
    let mut decoder = version_one(value, "what is remembered of an id")?;
    let fingerprint = match decoder.byte()? {
        0 => None,
        1 => {
            let version = decoder.byte()?;
            if !(1..=Fingerprint::CURRENT).contains(&version) {
                return Err(DecodeError::UnknownVersion { what: "a fingerprint", found: version.into() });
            }
            Some(Fingerprint { version, hash: decoder.array()? })
        }
        found => {
            return Err(DecodeError::UnknownKind { what: "what is remembered of an id", found: found.into() });
        }
    };
    let compensated_by = decoder.option(Id::decode)?;
    Ok(Remembered { fingerprint, outcome: decode_outcome(decoder.rest())?, compensated_by })
}

/// The value of what holds for all spaces.
pub(super) fn globals(globals: &Globals) -> Vec<u8> {
    let mut encoder = begin(24);
    encoder.varint(globals.history.0);
    encoder.varint(globals.clock.as_ms());
    encoder.varint(globals.version.0.into());
    encoder.varint(globals.next_space.0.into());
    encoder.finish()
}

/// Reads what holds for all spaces.
pub(super) fn read_globals(value: Bytes) -> Result<Globals, DecodeError> {
    let mut decoder = version_one(value, "globals")?;
    let globals = Globals {
        history: History(decoder.varint()?),
        clock: time(&mut decoder)?,
        version: MachineVersion(u16::try_from(decoder.varint()?).map_err(|_| DecodeError::Invalid("machine version"))?),
        next_space: SpaceNumber(decoder.varint_u32()?),
    };
    decoder.finish()?;
    Ok(globals)
}

/// A digest's value.
pub(super) fn digest(digest: Digest) -> Vec<u8> {
    let mut encoder = begin(17);
    encoder.raw(digest.as_bytes());
    encoder.finish()
}

/// Reads a digest.
pub(super) fn read_digest(value: Bytes) -> Result<Digest, DecodeError> {
    let mut decoder = version_one(value, "a digest")?;
    let digest = Digest::from_bytes(decoder.array()?);
    decoder.finish()?;
    Ok(digest)
}

/// The value of something that is due.
pub(super) fn due() -> Vec<u8> {
    begin(1).finish()
}

/// Reads the value of something that is due.
pub(super) fn read_due(value: Bytes) -> Result<(), DecodeError> {
    version_one(value, "something that is due")?.finish()
}

fn begin(capacity: usize) -> Encoder {
    let mut encoder = Encoder::with_capacity(capacity);
    encoder.byte(VERSION);
    encoder
}

fn version_one(value: Bytes, what: &'static str) -> Result<Decoder, DecodeError> {
    let mut decoder = Decoder::new(value);
    match decoder.byte()? {
        VERSION => Ok(decoder),
        found => Err(DecodeError::UnknownVersion { what, found: found.into() }),
    }
}

fn time(decoder: &mut Decoder) -> Result<LogTime, DecodeError> {
    LogTime::from_ms(decoder.varint()?).ok_or(DecodeError::Invalid("time"))
}

fn write_time(encoder: &mut Encoder, time: LogTime) {
    encoder.varint(time.as_ms());
}

fn duration(decoder: &mut Decoder) -> Result<Duration, DecodeError> {
    let (seconds, nanoseconds) = (decoder.varint()?, decoder.varint_u32()?);
    if nanoseconds >= 1_000_000_000 {
        return Err(DecodeError::Invalid("duration"));
    }
    Ok(Duration::new(seconds, nanoseconds))
}

fn write_duration(encoder: &mut Encoder, duration: Duration) {
    encoder.varint(duration.as_secs());
    encoder.varint(duration.subsec_nanos().into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Bucket, DeletedLog, LogHead, Mark, Space};
    use crate::types::{
        ActionResult, Cell, CellValue, Era, Found, Holder, Lock, LogCreation, LogNumber, Memory, Outcome, Position,
        Refusal, Retention, Sequence, Step, Token, Verdict, Version,
    };
    use proptest::prelude::*;

    const V7: &str = "019a9f3c-7b00-7abc-8def-0123456789ab";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    fn ms(ms: u64) -> LogTime {
        LogTime::from_ms(ms).expect("48 bits")
    }

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome { verdict, sequence: Sequence(5), history: History(200), time: ms(300) }
    }

    #[test]
    fn every_row_has_the_bytes_that_it_has_on_disk() {
        let headers = vec![Header { key: "k".to_owned(), value: Bytes::from_static(b"vw") }];
        let new = NewRecord { payload: Bytes::from_static(b"pay"), headers };
        let id = Id::new(V7).expect("valid");
        assert_eq!(
            hex(&record(ms(300), &id, &new)),
            "01".to_owned() + "ac02" + "00019a9f3c7b007abc8def0123456789ab" + "01" + "016b" + "027677" + "706179"
        );
        let fingerprint = Some(Fingerprint { version: 1, hash: [0xab; 16] });
        let applied = Verdict::Applied(vec![ActionResult::Appended { first: Offset(7), count: 2 }]);
        let decided = Remembered { fingerprint, outcome: outcome(applied), compensated_by: None };
        assert_eq!(
            hex(&remembered(&decided)),
            "01".to_owned() + "01" + "01" + &"ab".repeat(16) + "00" + "01" + "05c801ac02" + "0101010702"
        );
        let undone = Remembered { compensated_by: Some(Id::new("u").expect("short")), ..decided };
        assert_eq!(
            hex(&remembered(&undone)),
            "01".to_owned() + "01" + "01" + &"ab".repeat(16) + "01010175" + "01" + "05c801ac02" + "0101010702"
        );
        let tombstone = Remembered { fingerprint: None, outcome: outcome(Verdict::Cancelled), compensated_by: None };
        assert_eq!(hex(&remembered(&tombstone)), "01".to_owned() + "00" + "00" + "01" + "05c801ac02" + "03");
        assert_eq!(hex(&globals(&some_globals())), "01c801ac020102");
        assert_eq!(hex(&digest(Digest::from_bytes([7; 16]))), "01".to_owned() + &"07".repeat(16));
        let mut row = a_space(Memory::Forever);
        assert_eq!(
            hex(&space(&row)),
            "01".to_owned() + "01" + "00" + "01" + "02" + "03" + "00" + "00" + "05" + "06" + "03" + "04"
        );
        row.memory = Memory::For(Duration::new(300, 5));
        row.eras = vec![Era { from: ms(0), width: Duration::new(4, 0) }];
        row.due = Some(ms(300));
        assert_eq!(
            hex(&space(&row)),
            "01".to_owned()
                + "01"
                + "01ac0205"
                + "01"
                + "02"
                + "03"
                + "01000400"
                + "01ac02"
                + "05"
                + "06"
                + "03"
                + "04"
        );
        assert_eq!(hex(&bucket(&Bucket { end: ms(300), ids: 2, bytes: 3 })), "01ac020203");
        assert_eq!(
            hex(&log(&a_head())),
            "01".to_owned()
                + "01"
                + "02"
                + "03"
                + "ac02"
                + "04"
                + "05"
                + "010007"
                + "00"
                + "0108"
                + "0109"
                + "01"
                + "010203"
        );
        let number = Cell { value: CellValue::Integer(-2), version: Version(300), time: ms(4) };
        assert_eq!(hex(&cell(&number)), "01ac020401fffffffffffffffe");
        let bytes = Cell { value: CellValue::Bytes(Bytes::from_static(b"ab")), ..number };
        assert_eq!(hex(&cell(&bytes)), "01ac0204006162");
        let at = Position { offset: Offset(300), version: Version(2), time: ms(3) };
        assert_eq!(hex(&position(&at)), "01ac020203");
        assert_eq!(hex(&lock(&a_lock())), "01".to_owned() + "027731" + "0102" + "ac02");
        let mark = DeletedLog { number: LogNumber(1), end: Offset(300), at: ms(4) };
        assert_eq!(hex(&deleted_log(&mark)), "0101ac0204");
        assert_eq!(hex(&deleted_position(Version(300))), "01ac02");
        assert_eq!(hex(&deleted_space(ms(300))), "01ac02");
    }

    fn some_globals() -> Globals {
        Globals { history: History(200), clock: ms(300), ..Globals::default() }
    }

    fn a_space(memory: Memory) -> Space {
        Space {
            number: SpaceNumber(1),
            memory,
            logs: LogCreation::Explicit,
            floor: ms(2),
            closed: ms(3),
            eras: Vec::new(),
            due: None,
            ids: 5,
            id_bytes: 6,
            last_sequence: Sequence(3),
            next_log: LogNumber(4),
        }
    }

    fn a_head() -> LogHead {
        LogHead {
            number: LogNumber(1),
            start: Offset(2),
            end: Offset(3),
            bytes_ever: 300,
            created: ms(4),
            last: ms(5),
            retention: Retention { age: Some(Duration::new(0, 7)), bytes: None, records: Some(8) },
            due: Some(ms(9)),
            marks: vec![Mark { first: Offset(1), bytes_before: 2, opened: ms(3) }],
        }
    }

    fn a_lock() -> Lock {
        let token = Token { history: History(1), sequence: Sequence(2) };
        Lock { holder: Holder::new("w1").expect("short"), token, expires: ms(300) }
    }

    #[test]
    fn what_is_of_another_version_cut_or_too_long_is_refused() {
        let head = a_head();
        let value = log(&head);
        let mut newer = value.clone();
        newer[0] = 2;
        assert!(matches!(read_log(newer.into()), Err(DecodeError::UnknownVersion { found: 2, .. })));
        for length in 0..value.len() {
            assert!(read_log(value[..length].to_vec().into()).is_err(), "{length} bytes");
        }
        assert!(read_log([value, vec![0]].concat().into()).is_err());
        let backwards = LogHead { start: Offset(4), ..head.clone() };
        assert!(read_log(log(&backwards).into()).is_err());
        let nowhere = LogHead { marks: Vec::new(), ..head };
        assert!(read_log(log(&nowhere).into()).is_err());
    }

    #[test]
    fn a_fingerprint_that_this_build_cannot_compare_is_refused() {
        for version in [0, Fingerprint::CURRENT + 1] {
            let fingerprint = Some(Fingerprint { version, hash: [0; 16] });
            let row = Remembered { fingerprint, outcome: outcome(Verdict::Cancelled), compensated_by: None };
            assert!(read_remembered(remembered(&row).into()).is_err(), "version {version}");
        }
    }

    fn any_verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::Cancelled),
            any::<(u32, u64)>().prop_map(|(guard, found)| {
                Verdict::Refused(Refusal { step: Step::Guard(guard), found: Found::LogEnd(Offset(found)) })
            }),
            proptest::collection::vec(any::<(u64, u32)>(), 0..3).prop_map(|results| {
                let appended = |(first, count)| ActionResult::Appended { first: Offset(first), count };
                Verdict::Applied(results.into_iter().map(appended).collect())
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_row_comes_back(
            payload: Vec<u8>,
            headers: Vec<(String, Vec<u8>)>,
            text in "\\PC{1,20}",
            numbers: [u64; 5],
            memory: Option<Duration>,
            hash: Option<[u8; 16]>,
            verdict in any_verdict(),
        ) {
            let [one, two, three, four, five] = numbers;
            let time = LogTime::from_ms_saturating(one);
            let headers = headers.into_iter().map(|(key, value)| Header { key, value: value.into() }).collect();
            let new = NewRecord { payload: payload.into(), headers };
            let id = Id::new(text).expect("short");
            let back = read_record(Offset(two), record(time, &id, &new).into()).expect("whole");
            let expected =
                Record { offset: Offset(two), payload: new.payload, headers: new.headers, id, time };
            prop_assert_eq!(back, expected);

            let fingerprint = hash.map(|hash| Fingerprint { version: 1, hash });
            let outcome = Outcome { verdict, sequence: Sequence(two), history: History(three), time };
            let compensated_by = memory.map(|_| Id::with_birth("undo", time).expect("short"));
            let row = Remembered { fingerprint, outcome, compensated_by };
            prop_assert_eq!(read_remembered(remembered(&row).into()), Ok(row));

            let row = Space {
                floor: time,
                closed: time,
                eras: memory.map(|width| Era { from: time, width }).into_iter().collect(),
                due: memory.map(|_| time),
                ids: four,
                id_bytes: five,
                last_sequence: Sequence(two),
                next_log: LogNumber(three),
                ..a_space(memory.map_or(Memory::Forever, Memory::For))
            };
            prop_assert_eq!(read_space(space(&row).into()), Ok(row));
            let row = Bucket { end: time, ids: two, bytes: three };
            prop_assert_eq!(read_bucket(bucket(&row).into()), Ok(row));

            let (start, end) = (Offset(four.min(five)), Offset(four.max(five)));
            let row = LogHead {
                number: LogNumber(two),
                start,
                end,
                bytes_ever: three,
                created: time,
                last: time,
                retention: Retention { age: None, bytes: memory.map(|_| two), records: None },
                due: memory.map(|_| time),
                marks: vec![Mark { first: start, bytes_before: three, opened: time }],
            };
            prop_assert_eq!(read_log(log(&row).into()), Ok(row));

            let value = match memory {
                None => CellValue::Integer(i64::from_be_bytes(two.to_be_bytes())),
                Some(_) => CellValue::Bytes(Bytes::copy_from_slice(&three.to_be_bytes())),
            };
            let row = Cell { value, version: Version(two), time };
            prop_assert_eq!(read_cell(cell(&row).into()), Ok(row));
            let row = Position { offset: Offset(two), version: Version(three), time };
            prop_assert_eq!(read_position(position(&row).into()), Ok(row));
            let token = Token { history: History(two), sequence: Sequence(three) };
            let row = Lock { token, expires: time, ..a_lock() };
            prop_assert_eq!(read_lock(lock(&row).into()), Ok(row));
            let row = DeletedLog { number: LogNumber(two), end: Offset(three), at: time };
            prop_assert_eq!(read_deleted_log(deleted_log(&row).into()), Ok(row));
            prop_assert_eq!(read_deleted_position(deleted_position(Version(four)).into()), Ok(Version(four)));
            prop_assert_eq!(read_deleted_space(deleted_space(time).into()), Ok(time));

            let row = Globals { history: History(two), clock: time, next_space: SpaceNumber(9), ..some_globals() };
            prop_assert_eq!(read_globals(globals(&row).into()), Ok(row));
        }

        #[test]
        fn a_log_comes_back_with_all_its_pieces(
            pieces in proptest::collection::vec((1_u64..1_000, 0_u64..1_000, 0_u64..1_000), 1..40),
            age: Option<Duration>,
        ) {
            let mut mark = Mark { first: Offset(0), bytes_before: 0, opened: LogTime::ZERO };
            let marks: Vec<_> = pieces.into_iter().map(|(records, bytes, passed)| {
                mark = Mark {
                    first: mark.first.plus(records),
                    bytes_before: mark.bytes_before + bytes,
                    opened: mark.opened.saturating_add(Duration::from_millis(passed)),
                };
                mark
            }).collect();
            let (start, end) = (marks[0].first, mark.first.next());
            let retention = Retention { age, ..Retention::EVERYTHING };
            let row = LogHead { start, end, bytes_ever: mark.bytes_before, retention, marks, ..a_head() };
            prop_assert_eq!(read_log(log(&row).into()), Ok(row));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let bytes = Bytes::from([vec![1], bytes].concat());
            let _ = read_record(Offset(0), bytes.clone());
            let _ = read_remembered(bytes.clone());
            let _ = read_space(bytes.clone());
            let _ = read_log(bytes.clone());
            let _ = read_bucket(bytes.clone());
            let _ = read_cell(bytes.clone());
            let _ = read_position(bytes.clone());
            let _ = read_lock(bytes.clone());
            let _ = read_due(bytes.clone());
            let _ = read_deleted_log(bytes.clone());
            let _ = read_deleted_position(bytes.clone());
            let _ = read_deleted_space(bytes.clone());
            let _ = read_globals(bytes.clone());
            let _ = read_digest(bytes);
        }
    }
}
