//! The bytes of outcomes and of answers.
//!
//! | what | bytes |
//! |---|---|
//! | outcome's fields | sequence · history · time · verdict |
//! | verdict | `1` applied: count, results · `2` refused: refusal · `3` cancelled · `4` nothing to undo |
//! | refusal | `1` guard or `2` action: its place, from 0 · what was found |
//! | rejection | `1` no such space · `2` too old: floor · `3` without birth · `4` birth beside an id in an infinite space · `5` born ahead: clock · `6` reused · `7` malformed · `8` space deleted: at |
//! | fate | `1` unknown · `2` applied · `3` compensated · `4` refused · `5` cancelled |
//!
//! | result | bytes |
//! |---|---|
//! | `1` appended | first offset · count |
//! | `2` put, `3` deleted | version |
//! | `4` added | sum (signed) · version |
//! | `5` moved | version |
//! | `6` locked | token · expiry |
//! | `7` released | |
//! | `8` trimmed | first offset that is left |
//! | `9` compensated, `10` log created, `11` retention set, `12` space created, `13` space set | |
//! | `14` version raised | version |
//! | `15` log deleted | end |
//! | `16` reader deleted | version |
//! | `17` space deleted | |
//!
//! | found | bytes |
//! |---|---|
//! | `1` log's end | offset |
//! | `2` no log, `3` log exists | |
//! | `4` past the end | end |
//! | `5` no cell | |
//! | `6` cell's version | version |
//! | `7` not a number | |
//! | `8` too little, `9` out of bounds | number (signed) |
//! | `10` position | offset · version |
//! | `11` lock is free | |
//! | `12` lock is held | holder · token · expiry |
//! | `13` fate | fate |
//! | `14` target too old | floor |
//! | `15` target born ahead | clock |
//! | `16` already compensated | id |
//! | `17` no space, `18` space exists, `19` memory is fixed, `20` too many changes | |
//! | `21` version in force | version |
//! | `22` no reader | |
//! | `23` space deleted | at |

use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{
    ActionResult, Answer, FateKind, Found, History, Id, Offset, Outcome, Refusal, Rejection, Sequence, Step, Verdict,
    Version,
};

use super::words::{read_holder, read_machine_version, read_time, read_token, unknown, write_time, write_token};

pub(in crate::machine) fn write_outcome(encoder: &mut Encoder, outcome: &Outcome) {
    encoder.varint(outcome.sequence.0);
    encoder.varint(outcome.history.0);
    write_time(encoder, outcome.time);
    match &outcome.verdict {
        Verdict::Applied(results) => {
            encoder.byte(1);
            encoder.list(results, write_result);
        }
        Verdict::Refused(refusal) => {
            encoder.byte(2);
            write_refusal(encoder, refusal);
        }
        Verdict::Cancelled => encoder.byte(3),
        Verdict::NothingToUndo => encoder.byte(4),
    }
}

pub(super) fn read_outcome(decoder: &mut Decoder) -> Result<Outcome, DecodeError> {
    let sequence = Sequence(decoder.varint()?);
    let history = History(decoder.varint()?);
    let time = read_time(decoder)?;
    let verdict = match decoder.byte()? {
        1 => Verdict::Applied(decoder.list(read_result)?),
        2 => Verdict::Refused(read_refusal(decoder)?),
        3 => Verdict::Cancelled,
        4 => Verdict::NothingToUndo,
        found => return Err(unknown("verdict", found)),
    };
    Ok(Outcome { verdict, sequence, history, time })
}

fn write_result(encoder: &mut Encoder, result: &ActionResult) {
    match result {
        ActionResult::Appended { first, count } => {
            encoder.byte(1);
            encoder.varint(first.0);
            encoder.varint((*count).into());
        }
        ActionResult::Put { version } => {
            encoder.byte(2);
            encoder.varint(version.0);
        }
        ActionResult::Deleted { version } => {
            encoder.byte(3);
            encoder.varint(version.0);
        }
        ActionResult::Added { value, version } => {
            encoder.byte(4);
            encoder.signed_varint(*value);
            encoder.varint(version.0);
        }
        ActionResult::Moved { version } => {
            encoder.byte(5);
            encoder.varint(version.0);
        }
        ActionResult::Locked { token, expires } => {
            encoder.byte(6);
            write_token(encoder, *token);
            write_time(encoder, *expires);
        }
        ActionResult::Released => encoder.byte(7),
        ActionResult::Trimmed { start } => {
            encoder.byte(8);
            encoder.varint(start.0);
        }
        ActionResult::Compensated => encoder.byte(9),
        ActionResult::LogCreated => encoder.byte(10),
        ActionResult::RetentionSet => encoder.byte(11),
        ActionResult::SpaceCreated => encoder.byte(12),
        ActionResult::SpaceSet => encoder.byte(13),
        ActionResult::VersionRaised { version } => {
            encoder.byte(14);
            encoder.varint(version.0.into());
        }
        ActionResult::LogDeleted { end } => {
            encoder.byte(15);
            encoder.varint(end.0);
        }
        ActionResult::ReaderDeleted { version } => {
            encoder.byte(16);
            encoder.varint(version.0);
        }
        ActionResult::SpaceDeleted => encoder.byte(17),
    }
}

fn read_result(decoder: &mut Decoder) -> Result<ActionResult, DecodeError> {
    Ok(match decoder.byte()? {
        1 => ActionResult::Appended { first: Offset(decoder.varint()?), count: decoder.varint_u32()? },
        2 => ActionResult::Put { version: Version(decoder.varint()?) },
        3 => ActionResult::Deleted { version: Version(decoder.varint()?) },
        4 => ActionResult::Added { value: decoder.signed_varint()?, version: Version(decoder.varint()?) },
        5 => ActionResult::Moved { version: Version(decoder.varint()?) },
        6 => ActionResult::Locked { token: read_token(decoder)?, expires: read_time(decoder)? },
        7 => ActionResult::Released,
        8 => ActionResult::Trimmed { start: Offset(decoder.varint()?) },
        9 => ActionResult::Compensated,
        10 => ActionResult::LogCreated,
        11 => ActionResult::RetentionSet,
        12 => ActionResult::SpaceCreated,
        13 => ActionResult::SpaceSet,
        14 => ActionResult::VersionRaised { version: read_machine_version(decoder)? },
        15 => ActionResult::LogDeleted { end: Offset(decoder.varint()?) },
        16 => ActionResult::ReaderDeleted { version: Version(decoder.varint()?) },
        17 => ActionResult::SpaceDeleted,
        found => return Err(unknown("result", found)),
    })
}

fn write_refusal(encoder: &mut Encoder, refusal: &Refusal) {
    let (kind, place) = match refusal.step {
        Step::Guard(place) => (1, place),
        Step::Action(place) => (2, place),
    };
    encoder.byte(kind);
    encoder.varint(place.into());
    write_found(encoder, &refusal.found);
}

fn read_refusal(decoder: &mut Decoder) -> Result<Refusal, DecodeError> {
    let step = match decoder.byte()? {
        1 => Step::Guard(decoder.varint_u32()?),
        2 => Step::Action(decoder.varint_u32()?),
        found => return Err(unknown("step", found)),
    };
    Ok(Refusal { step, found: read_found(decoder)? })
}

fn write_found(encoder: &mut Encoder, found: &Found) {
    match found {
        Found::LogEnd(end) => {
            encoder.byte(1);
            encoder.varint(end.0);
        }
        Found::NoLog => encoder.byte(2),
        Found::LogExists => encoder.byte(3),
        Found::PastEnd(end) => {
            encoder.byte(4);
            encoder.varint(end.0);
        }
        Found::NoCell => encoder.byte(5),
        Found::CellVersion(version) => {
            encoder.byte(6);
            encoder.varint(version.0);
        }
        Found::NotANumber => encoder.byte(7),
        Found::TooLittle(value) => {
            encoder.byte(8);
            encoder.signed_varint(*value);
        }
        Found::OutOfBounds(value) => {
            encoder.byte(9);
            encoder.signed_varint(*value);
        }
        Found::Position { offset, version } => {
            encoder.byte(10);
            encoder.varint(offset.0);
            encoder.varint(version.0);
        }
        Found::LockFree => encoder.byte(11),
        Found::LockHeld { holder, token, expires } => {
            encoder.byte(12);
            encoder.text(holder.as_str());
            write_token(encoder, *token);
            write_time(encoder, *expires);
        }
        Found::Fate(fate) => {
            encoder.byte(13);
            write_fate(encoder, *fate);
        }
        Found::TargetTooOld { floor } => {
            encoder.byte(14);
            write_time(encoder, *floor);
        }
        Found::TargetBornAhead { clock } => {
            encoder.byte(15);
            write_time(encoder, *clock);
        }
        Found::AlreadyCompensated { by } => {
            encoder.byte(16);
            by.encode(encoder);
        }
        Found::NoSpace => encoder.byte(17),
        Found::SpaceExists => encoder.byte(18),
        Found::MemoryIsFixed => encoder.byte(19),
        Found::TooManyChanges => encoder.byte(20),
        Found::VersionInForce(version) => {
            encoder.byte(21);
            encoder.varint(version.0.into());
        }
        Found::NoReader => encoder.byte(22),
        Found::SpaceDeleted { at } => {
            encoder.byte(23);
            write_time(encoder, *at);
        }
    }
}

fn read_found(decoder: &mut Decoder) -> Result<Found, DecodeError> {
    Ok(match decoder.byte()? {
        1 => Found::LogEnd(Offset(decoder.varint()?)),
        2 => Found::NoLog,
        3 => Found::LogExists,
        4 => Found::PastEnd(Offset(decoder.varint()?)),
        5 => Found::NoCell,
        6 => Found::CellVersion(Version(decoder.varint()?)),
        7 => Found::NotANumber,
        8 => Found::TooLittle(decoder.signed_varint()?),
        9 => Found::OutOfBounds(decoder.signed_varint()?),
        10 => Found::Position { offset: Offset(decoder.varint()?), version: Version(decoder.varint()?) },
        11 => Found::LockFree,
        12 => {
            Found::LockHeld { holder: read_holder(decoder)?, token: read_token(decoder)?, expires: read_time(decoder)? }
        }
        13 => Found::Fate(read_fate(decoder)?),
        14 => Found::TargetTooOld { floor: read_time(decoder)? },
        15 => Found::TargetBornAhead { clock: read_time(decoder)? },
        16 => Found::AlreadyCompensated { by: Id::decode(decoder)? },
        17 => Found::NoSpace,
        18 => Found::SpaceExists,
        19 => Found::MemoryIsFixed,
        20 => Found::TooManyChanges,
        21 => Found::VersionInForce(read_machine_version(decoder)?),
        22 => Found::NoReader,
        23 => Found::SpaceDeleted { at: read_time(decoder)? },
        found => return Err(unknown("found", found)),
    })
}

fn write_fate(encoder: &mut Encoder, fate: FateKind) {
    encoder.byte(match fate {
        FateKind::Unknown => 1,
        FateKind::Applied => 2,
        FateKind::Compensated => 3,
        FateKind::Refused => 4,
        FateKind::Cancelled => 5,
    });
}

fn read_fate(decoder: &mut Decoder) -> Result<FateKind, DecodeError> {
    match decoder.byte()? {
        1 => Ok(FateKind::Unknown),
        2 => Ok(FateKind::Applied),
        3 => Ok(FateKind::Compensated),
        4 => Ok(FateKind::Refused),
        5 => Ok(FateKind::Cancelled),
        found => Err(unknown("fate", found)),
    }
}

pub(in crate::machine) fn write_answer(encoder: &mut Encoder, answer: &Answer) {
    match answer {
        Answer::Decided { outcome, replayed } => {
            encoder.byte(1);
            encoder.flag(*replayed);
            write_outcome(encoder, outcome);
        }
        Answer::Rejected(rejection) => {
            encoder.byte(2);
            write_rejection(encoder, *rejection);
        }
    }
}

pub(super) fn read_answer(decoder: &mut Decoder) -> Result<Answer, DecodeError> {
    match decoder.byte()? {
        1 => {
            let replayed = decoder.flag()?;
            Ok(Answer::Decided { outcome: read_outcome(decoder)?, replayed })
        }
        2 => read_rejection(decoder).map(Answer::Rejected),
        found => Err(unknown("answer", found)),
    }
}

fn write_rejection(encoder: &mut Encoder, rejection: Rejection) {
    match rejection {
        Rejection::NoSuchSpace => encoder.byte(1),
        Rejection::TooOld { floor } => {
            encoder.byte(2);
            write_time(encoder, floor);
        }
        Rejection::WithoutBirth => encoder.byte(3),
        Rejection::BirthBesideForever => encoder.byte(4),
        Rejection::BornAhead { clock } => {
            encoder.byte(5);
            write_time(encoder, clock);
        }
        Rejection::Reused => encoder.byte(6),
        Rejection::Malformed => encoder.byte(7),
        Rejection::SpaceDeleted { at } => {
            encoder.byte(8);
            write_time(encoder, at);
        }
    }
}

fn read_rejection(decoder: &mut Decoder) -> Result<Rejection, DecodeError> {
    match decoder.byte()? {
        1 => Ok(Rejection::NoSuchSpace),
        2 => Ok(Rejection::TooOld { floor: read_time(decoder)? }),
        3 => Ok(Rejection::WithoutBirth),
        4 => Ok(Rejection::BirthBesideForever),
        5 => Ok(Rejection::BornAhead { clock: read_time(decoder)? }),
        6 => Ok(Rejection::Reused),
        7 => Ok(Rejection::Malformed),
        8 => Ok(Rejection::SpaceDeleted { at: read_time(decoder)? }),
        found => Err(unknown("rejection", found)),
    }
}
