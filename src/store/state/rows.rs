//! Values of the state: every byte layout, in one place.
//!
//! - A value begins with a version byte, now 1 everywhere. Another layout gets another version, and both are read.
//! - Integers are canonical LEB128 where nothing else is said.
//! - The applied log id and the membership are laid out in [`crate::store::entry`], versions included.
//!
//! | row               | after the version byte                                                                  |
//! |-------------------|-----------------------------------------------------------------------------------------|
//! | record            | time · id · count of headers · for each: key, value, each behind its length · payload   |
//! | id                | `0` (tombstone), or `1` · fingerprint's version, one byte · its 16 bytes; then an outcome, as the machine encodes it |
//! | globals           | history · clock                                                                         |
//! | digest            | 16 bytes                                                                                |
//! | space             | number · memory: `0` for ever, or `1` · seconds · nanoseconds · floor · last sequence · next log |
//! | log               | number · start · end · bytes · created                                                  |

use std::time::Duration;

use bytes::Bytes;

use crate::machine::{Digest, Fingerprint, Globals, LogHead, Remembered, Space, decode_outcome, encode_outcome};
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{Header, History, Id, LogNumber, LogTime, Memory, NewRecord, Offset, Record, Sequence, SpaceNumber};

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
    Ok(Remembered { fingerprint, outcome: decode_outcome(decoder.rest())? })
}

/// The value of what holds for all spaces.
pub(super) fn globals(globals: &Globals) -> Vec<u8> {
    let mut encoder = begin(24);
    encoder.varint(globals.history.0);
    encoder.varint(globals.clock.as_ms());
    encoder.finish()
}

/// Reads what holds for all spaces.
pub(super) fn read_globals(value: Bytes) -> Result<Globals, DecodeError> {
    let mut decoder = version_one(value, "globals")?;
    let globals = Globals { history: History(decoder.varint()?), clock: time(&mut decoder)? };
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

/// A space's value.
pub(super) fn space(space: &Space) -> Vec<u8> {
    let mut encoder = begin(40);
    encoder.varint(space.number.0.into());
    match space.memory {
        Memory::Forever => encoder.byte(0),
        Memory::For(duration) => {
            encoder.byte(1);
            encoder.varint(duration.as_secs());
            encoder.varint(duration.subsec_nanos().into());
        }
    }
    encoder.varint(space.floor.as_ms());
    encoder.varint(space.last_sequence.0);
    encoder.varint(space.next_log.0);
    encoder.finish()
}

/// Reads a space.
pub(super) fn read_space(value: Bytes) -> Result<Space, DecodeError> {
    let mut decoder = version_one(value, "a space")?;
    let number = SpaceNumber(decoder.varint_u32()?);
    let memory = match decoder.byte()? {
        0 => Memory::Forever,
        1 => {
            let (seconds, nanoseconds) = (decoder.varint()?, decoder.varint_u32()?);
            if nanoseconds >= 1_000_000_000 {
                return Err(DecodeError::Invalid("duration"));
            }
            Memory::For(Duration::new(seconds, nanoseconds))
        }
        found => {
            return Err(DecodeError::UnknownKind { what: "a space's memory", found: found.into() });
        }
    };
    let space = Space {
        number,
        memory,
        floor: time(&mut decoder)?,
        last_sequence: Sequence(decoder.varint()?),
        next_log: LogNumber(decoder.varint()?),
    };
    decoder.finish()?;
    Ok(space)
}

/// The value of a log's head.
pub(super) fn log(head: &LogHead) -> Vec<u8> {
    let mut encoder = begin(48);
    encoder.varint(head.number.0);
    encoder.varint(head.start.0);
    encoder.varint(head.end.0);
    encoder.varint(head.bytes);
    encoder.varint(head.created.as_ms());
    encoder.finish()
}

/// Reads a log's head.
pub(super) fn read_log(value: Bytes) -> Result<LogHead, DecodeError> {
    let mut decoder = version_one(value, "a log's head")?;
    let head = LogHead {
        number: LogNumber(decoder.varint()?),
        start: Offset(decoder.varint()?),
        end: Offset(decoder.varint()?),
        bytes: decoder.varint()?,
        created: time(&mut decoder)?,
    };
    decoder.finish()?;
    if head.start > head.end {
        return Err(DecodeError::Invalid("log's head"));
    }
    Ok(head)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ActionResult, Outcome, Refusal, Verdict};
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
        let decided = Remembered { fingerprint, outcome: outcome(applied) };
        assert_eq!(
            hex(&remembered(&decided)),
            "01".to_owned() + "01" + "01" + &"ab".repeat(16) + "01" + "05c801ac02" + "0101010702"
        );
        let tombstone = Remembered { fingerprint: None, outcome: outcome(Verdict::Cancelled) };
        assert_eq!(hex(&remembered(&tombstone)), "01".to_owned() + "00" + "01" + "05c801ac02" + "03");
        assert_eq!(hex(&globals(&Globals { history: History(200), clock: ms(300) })), "01c801ac02");
        assert_eq!(hex(&digest(Digest::from_bytes([7; 16]))), "01".to_owned() + &"07".repeat(16));
        let mut row = Space {
            number: SpaceNumber(1),
            memory: Memory::Forever,
            floor: ms(2),
            last_sequence: Sequence(3),
            next_log: LogNumber(4),
        };
        assert_eq!(hex(&space(&row)), "010100020304");
        row.memory = Memory::For(Duration::new(300, 5));
        assert_eq!(hex(&space(&row)), "010101ac0205020304");
        let head = LogHead { number: LogNumber(1), start: Offset(2), end: Offset(3), bytes: 300, created: ms(4) };
        assert_eq!(hex(&log(&head)), "01010203ac0204");
    }

    #[test]
    fn what_is_of_another_version_cut_or_too_long_is_refused() {
        let head = LogHead { number: LogNumber(1), start: Offset(0), end: Offset(3), bytes: 4, created: ms(5) };
        let value = log(&head);
        let mut newer = value.clone();
        newer[0] = 2;
        assert!(matches!(read_log(newer.into()), Err(DecodeError::UnknownVersion { found: 2, .. })));
        for length in 0..value.len() {
            assert!(read_log(value[..length].to_vec().into()).is_err(), "{length} bytes");
        }
        assert!(read_log([value, vec![0]].concat().into()).is_err());
        let backwards = LogHead { start: Offset(4), ..head };
        assert!(read_log(log(&backwards).into()).is_err());
    }

    #[test]
    fn a_fingerprint_that_this_build_cannot_compare_is_refused() {
        for version in [0, Fingerprint::CURRENT + 1] {
            let fingerprint = Some(Fingerprint { version, hash: [0; 16] });
            let row = Remembered { fingerprint, outcome: outcome(Verdict::Cancelled) };
            assert!(read_remembered(remembered(&row).into()).is_err(), "version {version}");
        }
    }

    fn any_verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::Cancelled),
            any::<(u32, u64)>()
                .prop_map(|(guard, found)| Verdict::Refused(Refusal::LogEnd { guard, found: Offset(found) })),
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
            let row = Remembered { fingerprint, outcome };
            prop_assert_eq!(read_remembered(remembered(&row).into()), Ok(row));

            let row = Space {
                number: SpaceNumber(7),
                memory: memory.map_or(Memory::Forever, Memory::For),
                floor: time,
                last_sequence: Sequence(two),
                next_log: LogNumber(three),
            };
            prop_assert_eq!(read_space(space(&row).into()), Ok(row));

            let (start, end) = (Offset(four.min(five)), Offset(four.max(five)));
            let row = LogHead { number: LogNumber(two), start, end, bytes: three, created: time };
            prop_assert_eq!(read_log(log(&row).into()), Ok(row));

            let row = Globals { history: History(two), clock: time };
            prop_assert_eq!(read_globals(globals(&row).into()), Ok(row));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let bytes = Bytes::from([vec![1], bytes].concat());
            let _ = read_record(Offset(0), bytes.clone());
            let _ = read_remembered(bytes.clone());
            let _ = read_space(bytes.clone());
            let _ = read_log(bytes.clone());
            let _ = read_globals(bytes.clone());
            let _ = read_digest(bytes);
        }
    }
}
