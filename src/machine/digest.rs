//! A running hash over answers and effects, by which nodes find out that they differ.
//!
//! - Equal histories give equal digests in every build and every store: what is hashed is fixed by the entry's machine
//!   version, never the bytes that a store keeps.
//! - Every entry moves it, also one that does nothing.
//!
//! Hashed, as the first machine version has it: previous digest (16 bytes) · index · machine version · count, answers ·
//! count, effects. Fields are written as in [`super::encoding`]; what may be missing is `0`, or `1` and itself.
//!
//! | effect | bytes |
//! |---|---|
//! | `1` globals | history · clock · version · next space |
//! | `2` space | name · number · memory · creation of logs · floor · count, eras (from · width) · due (may be missing) · ids · their bytes · last sequence · next log |
//! | `3` log | space · name · number · start · end · bytes ever · created · last · retention · due (may be missing) · count, marks (first · bytes before · opened) |
//! | `4` records | space · log · first · id · time · count, records |
//! | `5` remember | space · id · fingerprint (`0`, or its version and 16 bytes) · outcome's fields · compensated by (may be missing) |
//! | `6` bucket | space · start · row (may be missing): end · ids · bytes |
//! | `7` cell | space · key · row (may be missing): value · version · time |
//! | `8` position | space · reader · log · offset · version · time |
//! | `9` lock | space · name · row (may be missing): holder · token · expiry |
//! | `10` due | when · `1` floor: name, `2` lock: space · name, `3` log: space · name · whether (`0` or `1`) |
//! | `11` forget | space · from · below |
//! | `12` trim | space · log · from · before |
//! | `13` log deleted | space · name · number · end · at |
//! | `14` position deleted | space · reader · log · version |
//! | `15` space deleted | name · number · at |

use std::fmt;

use crate::types::codec::Encoder;
use crate::types::{Answer, Cell, Lock, LogIndex, MachineVersion};

use super::decide::knows;
use super::encoding::command::write_records;
use super::encoding::outcome::{write_answer, write_outcome};
use super::encoding::words::{
    write_duration, write_log_creation, write_memory, write_retention, write_time, write_token, write_value,
};
use super::fingerprint::first_half;
use super::rows::{Bucket, Due, Effect, Globals, LogHead, Remembered, Space};

/// The digest of everything up to an entry; all zeros before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// From its bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The digest after one more entry. One without a batch passes [`MachineVersion::FIRST`] in every build, no answers,
    /// and the effects that it has.
    #[must_use]
    pub fn next(self, index: LogIndex, version: MachineVersion, answers: &[Answer], effects: &[Effect]) -> Self {
        assert!(knows(version), "this build lacks the digest of machine version {version}");
        let mut encoder = Encoder::with_capacity(64 + 32 * answers.len() + effects.iter().map(capacity).sum::<usize>());
        encoder.raw(&self.0);
        encoder.varint(index.0);
        encoder.varint(version.0.into());
        encoder.list(answers, write_answer);
        encoder.list(effects, write_effect);
        Self(first_half(&blake3::hash(encoder.as_slice())))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

fn capacity(effect: &Effect) -> usize {
    let beside = match effect {
        Effect::Records { records, .. } => records.iter().map(|record| 8 + record.size()).sum(),
        Effect::Cell { cell: Some(cell), .. } => cell.value.size(),
        Effect::Log { head, .. } => 16 * head.marks.len(),
        Effect::Space { space, .. } => 12 * space.eras.len(),
        _ => 0,
    };
    96 + beside
}

fn write_effect(encoder: &mut Encoder, effect: &Effect) {
    match effect {
        Effect::Globals(globals) => {
            encoder.byte(1);
            write_globals(encoder, globals);
        }
        Effect::Space { name, space } => {
            encoder.byte(2);
            encoder.text(name.as_str());
            write_space(encoder, space);
        }
        Effect::Log { space, name, head } => {
            encoder.byte(3);
            encoder.varint(space.0.into());
            encoder.text(name.as_str());
            write_head(encoder, head);
        }
        Effect::Records { space, log, first, id, time, records } => {
            encoder.byte(4);
            encoder.varint(space.0.into());
            encoder.varint(log.0);
            encoder.varint(first.0);
            id.encode(encoder);
            write_time(encoder, *time);
            write_records(encoder, records);
        }
        Effect::Remember { space, id, remembered } => {
            encoder.byte(5);
            encoder.varint(space.0.into());
            id.encode(encoder);
            write_remembered(encoder, remembered);
        }
        Effect::Bucket { space, start, bucket } => {
            encoder.byte(6);
            encoder.varint(space.0.into());
            write_time(encoder, *start);
            encoder.option(bucket.as_ref(), write_bucket);
        }
        Effect::Cell { space, key, cell } => {
            encoder.byte(7);
            encoder.varint(space.0.into());
            encoder.text(key.as_str());
            encoder.option(cell.as_ref(), write_cell);
        }
        Effect::Position { space, reader, log, position } => {
            encoder.byte(8);
            encoder.varint(space.0.into());
            encoder.text(reader.as_str());
            encoder.text(log.as_str());
            encoder.varint(position.offset.0);
            encoder.varint(position.version.0);
            write_time(encoder, position.time);
        }
        Effect::Lock { space, name, lock } => {
            encoder.byte(9);
            encoder.varint(space.0.into());
            encoder.text(name.as_str());
            encoder.option(lock.as_ref(), write_lock);
        }
        Effect::Due { at, due, is } => {
            encoder.byte(10);
            write_time(encoder, *at);
            write_due(encoder, due);
            encoder.flag(*is);
        }
        Effect::Forget { space, from, below } => {
            encoder.byte(11);
            encoder.varint(space.0.into());
            write_time(encoder, *from);
            write_time(encoder, *below);
        }
        Effect::Trim { space, log, from, before } => {
            encoder.byte(12);
            encoder.varint(space.0.into());
            encoder.varint(log.0);
            encoder.varint(from.0);
            encoder.varint(before.0);
        }
        Effect::LogDeleted { space, name, mark } => {
            encoder.byte(13);
            encoder.varint(space.0.into());
            encoder.text(name.as_str());
            encoder.varint(mark.number.0);
            encoder.varint(mark.end.0);
            write_time(encoder, mark.at);
        }
        Effect::PositionDeleted { space, reader, log, version } => {
            encoder.byte(14);
            encoder.varint(space.0.into());
            encoder.text(reader.as_str());
            encoder.text(log.as_str());
            encoder.varint(version.0);
        }
        Effect::SpaceDeleted { name, number, at } => {
            encoder.byte(15);
            encoder.text(name.as_str());
            encoder.varint(number.0.into());
            write_time(encoder, *at);
        }
    }
}

fn write_globals(encoder: &mut Encoder, globals: &Globals) {
    encoder.varint(globals.history.0);
    write_time(encoder, globals.clock);
    encoder.varint(globals.version.0.into());
    encoder.varint(globals.next_space.0.into());
}

fn write_space(encoder: &mut Encoder, space: &Space) {
    encoder.varint(space.number.0.into());
    write_memory(encoder, space.memory);
    write_log_creation(encoder, space.logs);
    write_time(encoder, space.floor);
    write_time(encoder, space.closed);
    encoder.list(&space.eras, |encoder, era| {
        write_time(encoder, era.from);
        write_duration(encoder, era.width);
    });
    encoder.option(space.due, write_time);
    encoder.varint(space.ids);
    encoder.varint(space.id_bytes);
    encoder.varint(space.last_sequence.0);
    encoder.varint(space.next_log.0);
}

fn write_head(encoder: &mut Encoder, head: &LogHead) {
    encoder.varint(head.number.0);
    encoder.varint(head.start.0);
    encoder.varint(head.end.0);
    encoder.varint(head.bytes_ever);
    write_time(encoder, head.created);
    write_time(encoder, head.last);
    write_retention(encoder, &head.retention);
    encoder.option(head.due, write_time);
    encoder.list(&head.marks, |encoder, mark| {
        encoder.varint(mark.first.0);
        encoder.varint(mark.bytes_before);
        write_time(encoder, mark.opened);
    });
}

fn write_remembered(encoder: &mut Encoder, remembered: &Remembered) {
    match remembered.fingerprint {
        None => encoder.byte(0),
        Some(fingerprint) => {
            encoder.byte(fingerprint.version);
            encoder.raw(&fingerprint.hash);
        }
    }
    write_outcome(encoder, &remembered.outcome);
    encoder.option(remembered.compensated_by.as_ref(), |encoder, id| id.encode(encoder));
}

fn write_bucket(encoder: &mut Encoder, bucket: &Bucket) {
    write_time(encoder, bucket.end);
    encoder.varint(bucket.ids);
    encoder.varint(bucket.bytes);
}

fn write_cell(encoder: &mut Encoder, cell: &Cell) {
    write_value(encoder, &cell.value);
    encoder.varint(cell.version.0);
    write_time(encoder, cell.time);
}

fn write_lock(encoder: &mut Encoder, lock: &Lock) {
    encoder.text(lock.holder.as_str());
    write_token(encoder, lock.token);
    write_time(encoder, lock.expires);
}

fn write_due(encoder: &mut Encoder, due: &Due) {
    match due {
        Due::Floor(space) => {
            encoder.byte(1);
            encoder.text(space.as_str());
        }
        Due::Lock(space, lock) => {
            encoder.byte(2);
            encoder.varint(space.0.into());
            encoder.text(lock.as_str());
        }
        Due::Log(space, log) => {
            encoder.byte(3);
            encoder.varint(space.0.into());
            encoder.text(log.as_str());
        }
    }
}
