//! The bytes of every kind of guard, action, result and refusal are final.

use std::time::Duration;

use bytes::Bytes;

use super::bytes::assert_final;
use crate::machine::{encode_outcome, encode_proposal};
use crate::types::{
    Action, ActionResult, CellKey, CellValue, Command, FateIs, FateKind, Found, Guard, History, Holder, Id, LockName,
    LogCreation, LogName, LogTime, MachineVersion, Memory, NewRecord, Offset, Outcome, Proposal, ReaderName, Refusal,
    Retention, Sequence, SpaceName, SpacePolicy, Step, Token, Verdict, Version,
};

const TOKEN: Token = Token { history: History(7), sequence: Sequence(300) };

#[test]
fn the_bytes_of_every_guard_are_final() {
    let key = || CellKey::new("k").expect("valid");
    let fate = |is| Guard::Fate { target: id(), is };
    for (guard, expected) in [
        (Guard::LogEnd { log: log(), end: Offset(300) }, "01 01 78 ac02"),
        (Guard::CellAbsent { key: key() }, "02 01 6b"),
        (Guard::CellVersion { key: key(), version: Version(300) }, "03 01 6b ac02"),
        (Guard::CellAtLeast { key: key(), least: -1 }, "04 01 6b 01"),
        (
            Guard::Position { reader: reader(), log: log(), offset: Offset(3), version: Version(4) },
            "05 01 72 01 78 03 04",
        ),
        (Guard::LockHeld { lock: lock(), token: TOKEN }, "06 01 6c 07 ac02"),
        (fate(FateIs::Applied), "07 01 01 74 01"),
        (fate(FateIs::InForce), "07 01 01 74 02"),
        (fate(FateIs::Refused), "07 01 01 74 03"),
        (fate(FateIs::Cancelled), "07 01 01 74 04"),
        (fate(FateIs::Unknown), "07 01 01 74 05"),
    ] {
        let bytes = encode_proposal(&Proposal::Command(Command { guards: vec![guard], ..command() }));
        assert_final(&bytes, &["01 01 04 6d61696e 01 01 61 01", expected, "00"]);
    }
}

#[test]
fn the_bytes_of_every_action_are_final() {
    let key = || CellKey::new("k").expect("valid");
    let holder = Holder::new("h").expect("valid");
    let time = Duration::from_secs(1);
    let records = vec![NewRecord { payload: Bytes::from_static(b"p"), headers: Vec::new() }];
    let bounds = Retention { age: Some(time), bytes: Some(300), records: Some(2) };
    let name = SpaceName::new("s").expect("valid");
    let create = |memory, logs| Action::CreateSpace { name: name.clone(), policy: SpacePolicy { memory, logs } };
    for (action, expected) in [
        (Action::Append { log: log(), records }, "01 01 78 01 01 70 00"),
        (Action::Put { key: key(), value: CellValue::Bytes(Bytes::from_static(b"p")) }, "02 01 6b 01 01 70"),
        (Action::Put { key: key(), value: CellValue::Integer(-2) }, "02 01 6b 02 03"),
        (Action::Delete { key: key() }, "03 01 6b"),
        (Action::Add { key: key(), amount: -1, least: 0, most: 1, absent: None }, "04 01 6b 01 00 02 00"),
        (
            Action::Add { key: key(), amount: 1, least: i64::MIN, most: i64::MAX, absent: Some(-1) },
            "04 01 6b 02 ffffffffffffffffff01 feffffffffffffffff01 01 01",
        ),
        (Action::Move { reader: reader(), log: log(), to: Offset(3) }, "05 01 72 01 78 03"),
        (Action::Acquire { lock: lock(), holder, time }, "06 01 6c 01 68 e807"),
        (Action::Renew { lock: lock(), token: TOKEN, time }, "07 01 6c 07 ac02 e807"),
        (Action::Release { lock: lock(), token: TOKEN }, "08 01 6c 07 ac02"),
        (Action::Trim { log: log(), before: Offset(3) }, "09 01 78 03"),
        (Action::Compensate { target: id() }, "0a 01 01 74"),
        (Action::CreateLog { log: log(), retention: bounds }, "0b 01 78 01 e807 01 ac02 01 02"),
        (Action::SetRetention { log: log(), retention: Retention::EVERYTHING }, "0c 01 78 00 00 00"),
        (create(Memory::Forever, LogCreation::ByAppend), "0d 01 73 00 01"),
        (create(Memory::For(time), LogCreation::Explicit), "0d 01 73 01 e807 02"),
        (Action::SetSpace { name: name.clone(), memory: Some(time), logs: None }, "0e 01 73 01 e807 00"),
        (Action::SetSpace { name: name.clone(), memory: None, logs: Some(LogCreation::Explicit) }, "0e 01 73 00 01 02"),
        (Action::RaiseVersion { to: MachineVersion(300) }, "0f ac02"),
        (Action::DeleteLog { log: log() }, "10 01 78"),
        (Action::DeleteReader { reader: reader(), log: log() }, "11 01 72 01 78"),
        (Action::DeleteSpace { name: name.clone() }, "12 01 73"),
    ] {
        let bytes = encode_proposal(&Proposal::Command(Command { actions: vec![action], ..command() }));
        assert_final(&bytes, &["01 01 04 6d61696e 01 01 61 00 01", expected]);
    }
}

#[test]
fn the_bytes_of_every_result_are_final() {
    let version = Version(300);
    for (result, expected) in [
        (ActionResult::Appended { first: Offset(300), count: 2 }, "01 ac02 02"),
        (ActionResult::Put { version }, "02 ac02"),
        (ActionResult::Deleted { version }, "03 ac02"),
        (ActionResult::Added { value: -1, version }, "04 01 ac02"),
        (ActionResult::Moved { version }, "05 ac02"),
        (ActionResult::Locked { token: TOKEN, expires: time() }, "06 07 ac02 e807"),
        (ActionResult::Released, "07"),
        (ActionResult::Trimmed { start: Offset(300) }, "08 ac02"),
        (ActionResult::Compensated, "09"),
        (ActionResult::LogCreated, "0a"),
        (ActionResult::RetentionSet, "0b"),
        (ActionResult::SpaceCreated, "0c"),
        (ActionResult::SpaceSet, "0d"),
        (ActionResult::VersionRaised { version: MachineVersion(300) }, "0e ac02"),
        (ActionResult::LogDeleted { end: Offset(300) }, "0f ac02"),
        (ActionResult::ReaderDeleted { version }, "10 ac02"),
        (ActionResult::SpaceDeleted, "11"),
    ] {
        assert_final(&encode_outcome(&outcome(Verdict::Applied(vec![result]))), &["01 05 07 e807 01 01", expected]);
    }
}

#[test]
fn the_bytes_of_every_refusal_are_final() {
    let holder = Holder::new("h").expect("valid");
    for (found, expected) in [
        (Found::LogEnd(Offset(300)), "01 ac02"),
        (Found::NoLog, "02"),
        (Found::LogExists, "03"),
        (Found::PastEnd(Offset(300)), "04 ac02"),
        (Found::NoCell, "05"),
        (Found::CellVersion(Version(300)), "06 ac02"),
        (Found::NotANumber, "07"),
        (Found::TooLittle(-1), "08 01"),
        (Found::OutOfBounds(-1), "09 01"),
        (Found::Position { offset: Offset(3), version: Version(300) }, "0a 03 ac02"),
        (Found::LockFree, "0b"),
        (Found::LockHeld { holder, token: TOKEN, expires: time() }, "0c 01 68 07 ac02 e807"),
        (Found::Fate(FateKind::Unknown), "0d 01"),
        (Found::Fate(FateKind::Applied), "0d 02"),
        (Found::Fate(FateKind::Compensated), "0d 03"),
        (Found::Fate(FateKind::Refused), "0d 04"),
        (Found::Fate(FateKind::Cancelled), "0d 05"),
        (Found::TargetTooOld { floor: time() }, "0e e807"),
        (Found::TargetBornAhead { clock: time() }, "0f e807"),
        (Found::AlreadyCompensated { by: id() }, "10 01 01 74"),
        (Found::NoSpace, "11"),
        (Found::SpaceExists, "12"),
        (Found::MemoryIsFixed, "13"),
        (Found::TooManyChanges, "14"),
        (Found::VersionInForce(MachineVersion(300)), "15 ac02"),
        (Found::NoReader, "16"),
        (Found::SpaceDeleted { at: time() }, "17 e807"),
    ] {
        for (step, step_bytes) in [(Step::Guard(3), "01 03"), (Step::Action(300), "02 ac02")] {
            let refused = Verdict::Refused(Refusal { step, found: found.clone() });
            assert_final(&encode_outcome(&outcome(refused)), &["01 05 07 e807 02", step_bytes, expected]);
        }
    }
}

fn command() -> Command {
    let id = Id::new("a").expect("valid");
    Command { space: SpaceName::main(), id, guards: Vec::new(), actions: Vec::new() }
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome { verdict, sequence: Sequence(5), history: History(7), time: time() }
}

fn time() -> LogTime {
    LogTime::from_ms(1_000).expect("48 bits")
}

fn id() -> Id {
    Id::new("t").expect("valid")
}

fn log() -> LogName {
    LogName::new("x").expect("valid")
}

fn lock() -> LockName {
    LockName::new("l").expect("valid")
}

fn reader() -> ReaderName {
    ReaderName::new("r").expect("valid")
}
