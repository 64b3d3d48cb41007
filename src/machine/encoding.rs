//! The canonical bytes of proposals, outcomes and answers: in entries, in rows, between nodes, under hashes.
//!
//! - Equal values have equal bytes and no others are read: a form that is not the one written is refused.
//! - A kind keeps its number and its fields for ever. New meaning is a new kind; one that this build does not know is an
//!   error, never skipped.
//! - The `write_…` functions are hashed by fingerprints and digests. What they write for a value never changes; another
//!   layout gets another function and another version byte.
//!
//! | what | bytes |
//! |---|---|
//! | proposal | version 1 · `1` command, `2` cancel |
//! | command | space · id · count, guards · count, actions |
//! | cancel | space · id |
//! | guard | `1` log's end: log · offset |
//! | action | `1` append: log · count, records |
//! | record | payload · count, headers (key · value) |
//! | outcome | version 1 · sequence · history · time · verdict |
//! | verdict | `1` applied: count, results · `2` refused: refusal · `3` cancelled |
//! | result | `1` appended: first offset · count |
//! | refusal | `1` log's end: guard · offset found |
//! | answer | version 1 · `1` decided: replayed (0 or 1), outcome from its sequence on · `2` rejected: rejection |
//! | rejection | `1` no such space · `2` too old: floor · `3` without birth · `4` birth beside an id in an infinite space · `5` born ahead: clock · `6` reused · `7` malformed |
//!
//! Numbers, counts and times are varints; names, keys, payloads and values follow their length; ids are as [`Id::encode`]
//! writes them.

use bytes::Bytes;

use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{
    Action, ActionResult, Answer, Cancel, Command, Guard, Header, History, Id, LogName, LogTime, NewRecord, Offset,
    Outcome, Proposal, Refusal, Rejection, Sequence, SpaceName, Verdict,
};

const PROPOSAL_VERSION: u8 = 1;
const OUTCOME_VERSION: u8 = 1;
const ANSWER_VERSION: u8 = 1;

/// A proposal's bytes, as batches and forwarding nodes carry them.
pub fn encode_proposal(proposal: &Proposal) -> Bytes {
    let mut encoder = match proposal {
        Proposal::Command(command) => Encoder::with_capacity(command_capacity(command)),
        Proposal::Cancel(_) => Encoder::new(),
    };
    encoder.byte(PROPOSAL_VERSION);
    match proposal {
        Proposal::Command(command) => {
            encoder.byte(1);
            write_command(&mut encoder, command);
        }
        Proposal::Cancel(Cancel { space, target }) => {
            encoder.byte(2);
            encoder.text(space.as_str());
            target.encode(&mut encoder);
        }
    }
    encoder.finish().into()
}

/// Reads what [`encode_proposal`] wrote. Payloads share `bytes`.
pub fn decode_proposal(bytes: Bytes) -> Result<Proposal, DecodeError> {
    read_all(bytes, |decoder| {
        expect_version(decoder, "a proposal", PROPOSAL_VERSION)?;
        match decoder.byte()? {
            1 => read_command(decoder).map(Proposal::Command),
            2 => {
                let space = read_space(decoder)?;
                Ok(Proposal::Cancel(Cancel { space, target: Id::decode(decoder)? }))
            }
            found => Err(unknown("proposal", found)),
        }
    })
}

/// An outcome's bytes, as rows keep them.
pub fn encode_outcome(outcome: &Outcome) -> Bytes {
    let mut encoder = Encoder::with_capacity(64);
    encoder.byte(OUTCOME_VERSION);
    write_outcome(&mut encoder, outcome);
    encoder.finish().into()
}

/// Reads what [`encode_outcome`] wrote.
pub fn decode_outcome(bytes: Bytes) -> Result<Outcome, DecodeError> {
    read_all(bytes, |decoder| {
        expect_version(decoder, "an outcome", OUTCOME_VERSION)?;
        read_outcome(decoder)
    })
}

/// An answer's bytes, as a leader sends them to a node that forwarded the proposal.
pub fn encode_answer(answer: &Answer) -> Bytes {
    let mut encoder = Encoder::with_capacity(64);
    encoder.byte(ANSWER_VERSION);
    write_answer(&mut encoder, answer);
    encoder.finish().into()
}

/// Reads what [`encode_answer`] wrote.
pub fn decode_answer(bytes: Bytes) -> Result<Answer, DecodeError> {
    read_all(bytes, |decoder| {
        expect_version(decoder, "an answer", ANSWER_VERSION)?;
        match decoder.byte()? {
            1 => {
                let replayed = read_flag(decoder)?;
                Ok(Answer::Decided { outcome: read_outcome(decoder)?, replayed })
            }
            2 => read_rejection(decoder).map(Answer::Rejected),
            found => Err(unknown("answer", found)),
        }
    })
}

/// About as many bytes as [`write_command`] writes, seldom fewer.
pub(super) fn command_capacity(command: &Command) -> usize {
    let steps: usize = command
        .actions
        .iter()
        .map(|action| match action {
            Action::Append { records, .. } => 8 + 8 * records.len(),
        })
        .sum();
    command.size() + steps + 64 * command.guards.len() + 32
}

pub(super) fn write_command(encoder: &mut Encoder, command: &Command) {
    encoder.text(command.space.as_str());
    command.id.encode(encoder);
    encoder.length(command.guards.len());
    for guard in &command.guards {
        match guard {
            Guard::LogEnd { log, end } => {
                encoder.byte(1);
                encoder.text(log.as_str());
                encoder.varint(end.0);
            }
        }
    }
    encoder.length(command.actions.len());
    for action in &command.actions {
        match action {
            Action::Append { log, records } => {
                encoder.byte(1);
                encoder.text(log.as_str());
                write_records(encoder, records);
            }
        }
    }
}

fn read_command(decoder: &mut Decoder) -> Result<Command, DecodeError> {
    let space = read_space(decoder)?;
    let id = Id::decode(decoder)?;
    let guards = read_list(decoder, |decoder| match decoder.byte()? {
        1 => {
            let log = read_log(decoder)?;
            Ok(Guard::LogEnd { log, end: Offset(decoder.varint()?) })
        }
        found => Err(unknown("guard", found)),
    })?;
    let actions = read_list(decoder, |decoder| match decoder.byte()? {
        1 => {
            let log = read_log(decoder)?;
            Ok(Action::Append { log, records: read_list(decoder, read_record)? })
        }
        found => Err(unknown("action", found)),
    })?;
    Ok(Command { space, id, guards, actions })
}

pub(super) fn write_records(encoder: &mut Encoder, records: &[NewRecord]) {
    encoder.length(records.len());
    for record in records {
        encoder.bytes(&record.payload);
        encoder.length(record.headers.len());
        for header in &record.headers {
            encoder.text(&header.key);
            encoder.bytes(&header.value);
        }
    }
}

fn read_record(decoder: &mut Decoder) -> Result<NewRecord, DecodeError> {
    let payload = decoder.bytes()?;
    let headers = read_list(decoder, |decoder| {
        let key = decoder.text()?;
        Ok(Header { key, value: decoder.bytes()? })
    })?;
    Ok(NewRecord { payload, headers })
}

pub(super) fn write_outcome(encoder: &mut Encoder, outcome: &Outcome) {
    encoder.varint(outcome.sequence.0);
    encoder.varint(outcome.history.0);
    encoder.varint(outcome.time.as_ms());
    match &outcome.verdict {
        Verdict::Applied(results) => {
            encoder.byte(1);
            encoder.length(results.len());
            for result in results {
                match result {
                    ActionResult::Appended { first, count } => {
                        encoder.byte(1);
                        encoder.varint(first.0);
                        encoder.varint((*count).into());
                    }
                }
            }
        }
        Verdict::Refused(refusal) => {
            encoder.byte(2);
            match refusal {
                Refusal::LogEnd { guard, found } => {
                    encoder.byte(1);
                    encoder.varint((*guard).into());
                    encoder.varint(found.0);
                }
            }
        }
        Verdict::Cancelled => encoder.byte(3),
    }
}

fn read_outcome(decoder: &mut Decoder) -> Result<Outcome, DecodeError> {
    let sequence = Sequence(decoder.varint()?);
    let history = History(decoder.varint()?);
    let time = read_time(decoder)?;
    let verdict = match decoder.byte()? {
        1 => Verdict::Applied(read_list(decoder, |decoder| match decoder.byte()? {
            1 => {
                let first = Offset(decoder.varint()?);
                Ok(ActionResult::Appended { first, count: decoder.varint_u32()? })
            }
            found => Err(unknown("result", found)),
        })?),
        2 => Verdict::Refused(match decoder.byte()? {
            1 => {
                let guard = decoder.varint_u32()?;
                Refusal::LogEnd { guard, found: Offset(decoder.varint()?) }
            }
            found => return Err(unknown("refusal", found)),
        }),
        3 => Verdict::Cancelled,
        found => return Err(unknown("verdict", found)),
    };
    Ok(Outcome { verdict, sequence, history, time })
}

pub(super) fn write_answer(encoder: &mut Encoder, answer: &Answer) {
    match answer {
        Answer::Decided { outcome, replayed } => {
            encoder.byte(1);
            encoder.byte((*replayed).into());
            write_outcome(encoder, outcome);
        }
        Answer::Rejected(rejection) => {
            encoder.byte(2);
            match rejection {
                Rejection::NoSuchSpace => encoder.byte(1),
                Rejection::TooOld { floor } => {
                    encoder.byte(2);
                    encoder.varint(floor.as_ms());
                }
                Rejection::WithoutBirth => encoder.byte(3),
                Rejection::BirthBesideForever => encoder.byte(4),
                Rejection::BornAhead { clock } => {
                    encoder.byte(5);
                    encoder.varint(clock.as_ms());
                }
                Rejection::Reused => encoder.byte(6),
                Rejection::Malformed => encoder.byte(7),
            }
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
        found => Err(unknown("rejection", found)),
    }
}

/// Reads one value that takes all of `bytes`.
pub(super) fn read_all<T>(
    bytes: Bytes,
    read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder)?;
    decoder.finish()?;
    Ok(value)
}

/// Reads a count and as many values. Room is made as they come: a count alone must not make much of it.
pub(super) fn read_list<T>(
    decoder: &mut Decoder,
    mut read: impl FnMut(&mut Decoder) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = decoder.length()?;
    let mut values = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        values.push(read(decoder)?);
    }
    Ok(values)
}

/// Reads a time.
pub(super) fn read_time(decoder: &mut Decoder) -> Result<LogTime, DecodeError> {
    LogTime::from_ms(decoder.varint()?).ok_or(DecodeError::Invalid("time"))
}

fn read_space(decoder: &mut Decoder) -> Result<SpaceName, DecodeError> {
    read_name(decoder, "name of a space", |text| SpaceName::new(text).ok())
}

fn read_log(decoder: &mut Decoder) -> Result<LogName, DecodeError> {
    read_name(decoder, "name of a log", |text| LogName::new(text).ok())
}

fn read_name<T>(
    decoder: &mut Decoder,
    what: &'static str,
    check: impl FnOnce(&str) -> Option<T>,
) -> Result<T, DecodeError> {
    let bytes = decoder.bytes()?;
    std::str::from_utf8(&bytes).ok().and_then(check).ok_or(DecodeError::Invalid(what))
}

fn read_flag(decoder: &mut Decoder) -> Result<bool, DecodeError> {
    match decoder.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Invalid("flag")),
    }
}

fn expect_version(decoder: &mut Decoder, what: &'static str, known: u8) -> Result<(), DecodeError> {
    let found = decoder.byte()?;
    if found == known { Ok(()) } else { Err(DecodeError::UnknownVersion { what, found: found.into() }) }
}

fn unknown(what: &'static str, found: u8) -> DecodeError {
    DecodeError::UnknownKind { what, found: found.into() }
}
