//! The digest is final: nodes of different builds compare theirs.

use std::time::Duration;

use bytes::Bytes;

use super::bytes::unhex;
use crate::machine::{Bucket, DeletedLog, Digest, Due, Effect, Fingerprint, Globals, LogHead, Mark, Remembered, Space};
use crate::types::{
    Answer, Cell, CellKey, CellValue, Era, History, Holder, Id, Lock, LockName, LogCreation, LogIndex, LogName,
    LogNumber, LogTime, MachineVersion, Memory, NewRecord, Offset, Outcome, Position, ReaderName, Rejection, Retention,
    Sequence, SpaceName, SpaceNumber, Token, Verdict, Version,
};

const SPACE: SpaceNumber = SpaceNumber(1);

#[test]
fn the_digest_of_every_kind_of_answer_and_effect_is_final() {
    let answers = [
        Answer::Decided { outcome: outcome(), replayed: true },
        Answer::Rejected(Rejection::BornAhead { clock: time(1_000) }),
    ];
    let (mut effects, mut hashed) = (Vec::new(), Vec::new());
    for (effect, bytes) in
        rows().into_iter().chain(rows_that_go()).chain(ids()).chain(records_and_ranges()).chain(marks())
    {
        effects.push(effect);
        hashed.push(bytes);
    }
    let count = format!("{:02x}", effects.len());
    let head = ["dddddddddddddddddddddddddddddddd ac02 01", "02", "01 01 05 07 e807 03", "02 05 e807", &count];
    let hashed = unhex(&[&head[..], &hashed].concat());

    let digest = Digest::from_bytes([0xdd; 16]).next(LogIndex(300), MachineVersion(1), &answers, &effects);
    assert_eq!(digest.as_bytes()[..], blake3::hash(&hashed).as_bytes()[..16]);
    assert_eq!(digest.to_string(), "f77328b332c5a7347bc9a9f8f68de408");
}

#[test]
fn an_entry_that_does_nothing_moves_the_digest_and_so_does_its_place() {
    let next = |index| Digest::default().next(LogIndex(index), MachineVersion::FIRST, &[], &[]);
    assert_eq!(Digest::default().to_string(), "0".repeat(32));
    assert_ne!(next(1), Digest::default());
    assert_ne!(next(1), next(2));
    assert_eq!(next(1).to_string(), "a9e2741ed1c6dfd0bb4130685e349564");
}

fn rows() -> [(Effect, &'static str); 9] {
    let globals =
        Globals { history: History(7), clock: time(1_000), version: MachineVersion(2), next_space: SpaceNumber(3) };
    let forever = Space {
        number: SPACE,
        memory: Memory::Forever,
        logs: LogCreation::ByAppend,
        floor: LogTime::ZERO,
        closed: LogTime::ZERO,
        eras: Vec::new(),
        due: None,
        ids: 8,
        id_bytes: 300,
        last_sequence: Sequence(6),
        next_log: LogNumber(2),
    };
    let finite = Space {
        memory: Memory::For(Duration::from_secs(1)),
        logs: LogCreation::Explicit,
        floor: time(1_000),
        closed: time(7),
        eras: vec![Era { from: time(4), width: Duration::from_millis(5) }],
        due: Some(time(9)),
        ..forever.clone()
    };
    let head = LogHead {
        number: LogNumber(1),
        start: Offset(2),
        end: Offset(3),
        bytes_ever: 4,
        created: time(5),
        last: time(6),
        retention: Retention { age: Some(Duration::from_millis(7)), bytes: None, records: Some(8) },
        due: Some(time(9)),
        marks: vec![Mark { first: Offset(1), bytes_before: 2, opened: time(3) }],
    };
    let plain = LogHead { retention: Retention::EVERYTHING, due: None, marks: Vec::new(), ..head.clone() };
    let token = Token { history: History(7), sequence: Sequence(2) };
    let lock = Lock { holder: Holder::new("h").expect("valid"), token, expires: time(1_000) };
    [
        (Effect::Globals(globals), "01 07 e807 02 03"),
        (
            Effect::Space { name: SpaceName::main(), space: forever },
            "02 04 6d61696e 01 00 01 00 00 00 00 08 ac02 06 02",
        ),
        (
            Effect::Space { name: SpaceName::main(), space: finite },
            "02 04 6d61696e 01 01 e807 02 e807 07 01 04 05 01 09 08 ac02 06 02",
        ),
        (
            Effect::Log { space: SPACE, name: log(), head },
            "03 01 01 78 01 02 03 04 05 06 01 07 00 01 08 01 09 01 01 02 03",
        ),
        (Effect::Log { space: SPACE, name: log(), head: plain }, "03 01 01 78 01 02 03 04 05 06 00 00 00 00 00"),
        (
            Effect::Bucket { space: SPACE, start: time(1), bucket: Some(Bucket { end: time(2), ids: 3, bytes: 4 }) },
            "06 01 01 01 02 03 04",
        ),
        (
            Effect::Cell { space: SPACE, key: key(), cell: Some(cell(CellValue::Integer(-1))) },
            "07 01 01 6b 01 02 01 02 03",
        ),
        (
            Effect::Position {
                space: SPACE,
                reader: ReaderName::new("r").expect("valid"),
                log: log(),
                position: Position { offset: Offset(1), version: Version(2), time: time(3) },
            },
            "08 01 01 72 01 78 01 02 03",
        ),
        (Effect::Lock { space: SPACE, name: lock_name(), lock: Some(lock) }, "09 01 01 6c 01 01 68 07 02 e807"),
    ]
}

fn rows_that_go() -> [(Effect, &'static str); 7] {
    [
        (Effect::Bucket { space: SPACE, start: time(1), bucket: None }, "06 01 01 00"),
        (Effect::Cell { space: SPACE, key: key(), cell: None }, "07 01 01 6b 00"),
        (
            Effect::Cell { space: SPACE, key: key(), cell: Some(cell(Bytes::from_static(b"p").into())) },
            "07 01 01 6b 01 01 01 70 02 03",
        ),
        (Effect::Lock { space: SPACE, name: lock_name(), lock: None }, "09 01 01 6c 00"),
        (Effect::Due { at: time(1), due: Due::Floor(SpaceName::main()), is: true }, "0a 01 01 04 6d61696e 01"),
        (Effect::Due { at: time(1), due: Due::Lock(SPACE, lock_name()), is: false }, "0a 01 02 01 01 6c 00"),
        (Effect::Due { at: time(1), due: Due::Log(SPACE, log()), is: true }, "0a 01 03 01 01 78 01"),
    ]
}

fn ids() -> [(Effect, &'static str); 2] {
    let fingerprint = Some(Fingerprint { version: 1, hash: [0xee; 16] });
    let undone = Remembered { fingerprint, outcome: outcome(), compensated_by: Some(id("b")) };
    let tombstone = Remembered { fingerprint: None, outcome: outcome(), compensated_by: None };
    [
        (
            Effect::Remember { space: SPACE, id: id("a"), remembered: undone },
            "05 01 01 01 61 01 eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee 05 07 e807 03 01 01 01 62",
        ),
        (Effect::Remember { space: SPACE, id: id("a"), remembered: tombstone }, "05 01 01 01 61 00 05 07 e807 03 00"),
    ]
}

fn records_and_ranges() -> [(Effect, &'static str); 3] {
    let records = vec![NewRecord { payload: Bytes::from_static(b"p"), headers: Vec::new() }];
    let log = LogNumber(1);
    [
        (
            Effect::Records { space: SPACE, log, first: Offset(2), id: id("a"), time: time(3), records },
            "04 01 01 02 01 01 61 03 01 01 70 00",
        ),
        (Effect::Trim { space: SPACE, log, from: Offset(2), before: Offset(3) }, "0c 01 01 02 03"),
        (Effect::Forget { space: SPACE, from: time(1), below: time(2) }, "0b 01 01 02"),
    ]
}

fn marks() -> [(Effect, &'static str); 3] {
    let mark = DeletedLog { number: LogNumber(1), end: Offset(300), at: time(1_000) };
    let reader = ReaderName::new("r").expect("valid");
    [
        (Effect::LogDeleted { space: SPACE, name: log(), mark }, "0d 01 01 78 01 ac02 e807"),
        (Effect::PositionDeleted { space: SPACE, reader, log: log(), version: Version(300) }, "0e 01 01 72 01 78 ac02"),
        (Effect::SpaceDeleted { name: SpaceName::main(), number: SPACE, at: time(1_000) }, "0f 04 6d61696e 01 e807"),
    ]
}

fn outcome() -> Outcome {
    Outcome { verdict: Verdict::Cancelled, sequence: Sequence(5), history: History(7), time: time(1_000) }
}

fn cell(value: CellValue) -> Cell {
    Cell { value, version: Version(2), time: time(3) }
}

fn key() -> CellKey {
    CellKey::new("k").expect("valid")
}

fn log() -> LogName {
    LogName::new("x").expect("valid")
}

fn lock_name() -> LockName {
    LockName::new("l").expect("valid")
}

fn id(text: &str) -> Id {
    Id::new(text).expect("valid")
}

fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("48 bits")
}
