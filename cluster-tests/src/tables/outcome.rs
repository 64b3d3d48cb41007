//! Outcomes as rows keep them, read into the very messages that clients get, so that both can be compared.
//!
//! - The kinds are those of the tables in the product's `machine/encoding/outcome.rs`: sequence, history, time, verdict.
//! - A kind that is unknown can't be read; nothing is skipped.

use super::id::Id;
use super::reader::{Read, Reader, any_name};
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict;
use crate::proto::refused::{Found, Step};
use crate::proto::{
    ActionResult, Added, Appended, Applied, Cancelled, CellDeleted, CellPut, Compensated, FoundFate, FoundPosition,
    Lock, LockFree, Locked, LogCreated, LogDeleted, LogExists, MemoryIsFixed, NoCell, NoLog, NoReader, NoSpace,
    NotANumber, Outcome, ReaderDeleted, ReaderMoved, Refused, Released, RetentionSet, SpaceCreated, SpaceDeleted,
    SpaceExists, SpaceSet, Token, TooManyChanges, Trimmed, VersionRaised,
};

/// Reads an outcome to its end: version, sequence, history, time and verdict.
pub(super) fn read(bytes: &[u8]) -> Read<Outcome> {
    let mut reader = Reader::version_one(bytes)?;
    let (sequence, history, time_ms) = (reader.varint()?, reader.varint()?, reader.time()?);
    let applied = |results, nothing_to_undo| Verdict::Applied(Applied { results, nothing_to_undo });
    let verdict = match reader.byte()? {
        1 => applied(reader.list(|reader| Ok(ActionResult { result: Some(result(reader)?) }))?, false),
        2 => Verdict::Refused(refused(&mut reader)?),
        3 => Verdict::Cancelled(Cancelled {}),
        4 => applied(Vec::new(), true),
        found => return Err(format!("{found} is no verdict")),
    };
    reader.finish()?;
    Ok(Outcome { sequence, history, time_ms, verdict: Some(verdict) })
}

fn result(reader: &mut Reader<'_>) -> Read<Got> {
    Ok(match reader.byte()? {
        1 => Got::Appended(Appended { first_offset: reader.varint()?, count: reader.varint_u32()? }),
        2 => Got::Put(CellPut { version: reader.varint()? }),
        3 => Got::Deleted(CellDeleted { version: reader.varint()? }),
        4 => Got::Added(Added { value: reader.signed()?, version: reader.varint()? }),
        5 => Got::Moved(ReaderMoved { version: reader.varint()? }),
        6 => Got::Locked(Locked { token: Some(token(reader)?), expires_ms: reader.time()? }),
        7 => Got::Released(Released {}),
        8 => Got::Trimmed(Trimmed { start: reader.varint()? }),
        9 => Got::Compensated(Compensated {}),
        10 => Got::LogCreated(LogCreated {}),
        11 => Got::RetentionSet(RetentionSet {}),
        12 => Got::SpaceCreated(SpaceCreated {}),
        13 => Got::SpaceSet(SpaceSet {}),
        14 => Got::VersionRaised(VersionRaised { version: version(reader)? }),
        15 => Got::LogDeleted(LogDeleted { end: reader.varint()? }),
        16 => Got::ReaderDeleted(ReaderDeleted { version: reader.varint()? }),
        17 => Got::SpaceDeleted(SpaceDeleted {}),
        found => return Err(format!("{found} is no result of an action")),
    })
}

fn refused(reader: &mut Reader<'_>) -> Read<Refused> {
    let step = match reader.byte()? {
        1 => Step::Guard(reader.varint_u32()?),
        2 => Step::Action(reader.varint_u32()?),
        found => return Err(format!("{found} is no step of a command")),
    };
    Ok(Refused { step: Some(step), found: Some(found(reader)?) })
}

fn found(reader: &mut Reader<'_>) -> Read<Found> {
    Ok(match reader.byte()? {
        1 => Found::LogEnd(reader.varint()?),
        2 => Found::NoLog(NoLog {}),
        3 => Found::LogExists(LogExists {}),
        4 => Found::PastEnd(reader.varint()?),
        5 => Found::NoCell(NoCell {}),
        6 => Found::CellVersion(reader.varint()?),
        7 => Found::NotANumber(NotANumber {}),
        8 => Found::TooLittle(reader.signed()?),
        9 => Found::OutOfBounds(reader.signed()?),
        10 => Found::Position(FoundPosition { offset: reader.varint()?, version: reader.varint()? }),
        11 => Found::LockFree(LockFree {}),
        12 => {
            let holder = any_name(reader.bytes()?)?;
            // A refusal does not say the lock's name: its command does.
            let (name, token) = (String::new(), Some(token(reader)?));
            Found::LockHeld(Lock { name, holder, token, expires_ms: reader.time()? })
        }
        13 => Found::Fate(fate(reader.byte()?)?.into()),
        14 => Found::TargetTooOldFloorMs(reader.time()?),
        15 => Found::TargetBornAheadClockMs(reader.time()?),
        16 => Found::AlreadyCompensatedBy(Id::read(reader)?.message()),
        17 => Found::NoSpace(NoSpace {}),
        18 => Found::SpaceExists(SpaceExists {}),
        19 => Found::MemoryIsFixed(MemoryIsFixed {}),
        20 => Found::TooManyChanges(TooManyChanges {}),
        21 => Found::VersionInForce(version(reader)?),
        22 => Found::NoReader(NoReader {}),
        23 => Found::SpaceDeletedMs(reader.time()?),
        found => return Err(format!("{found} is nothing that a refusal can have found")),
    })
}

fn fate(kind: u8) -> Read<FoundFate> {
    match kind {
        1 => Ok(FoundFate::FoundUnknown),
        2 => Ok(FoundFate::FoundApplied),
        3 => Ok(FoundFate::FoundCompensated),
        4 => Ok(FoundFate::FoundRefused),
        5 => Ok(FoundFate::FoundCancelled),
        found => Err(format!("{found} is no fate")),
    }
}

fn token(reader: &mut Reader<'_>) -> Read<Token> {
    Ok(Token { history: reader.varint()?, sequence: reader.varint()? })
}

/// A version of the machine, which has 16 bits.
pub(super) fn version(reader: &mut Reader<'_>) -> Read<u32> {
    let version = reader.varint()?;
    u16::try_from(version).map(u32::from).map_err(|_| format!("{version} is no version of the machine"))
}
