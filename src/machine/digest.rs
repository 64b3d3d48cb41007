//! A running hash over answers and effects, by which nodes find out that they differ.
//!
//! - Equal histories give equal digests in every build and every store: what is hashed is fixed by the entry's machine
//!   version, never the bytes that a store keeps.
//! - Every entry moves it, also one that does nothing.
//!
//! Hashed, as the first machine version has it: previous digest (16 bytes) · index · machine version · count, answers ·
//! count, effects. An effect is `1` globals: history · clock · `2` space: name · number · memory (`0`, or `1` and its
//! milliseconds) · floor · last sequence · next log · `3` log: space · name · number · start · end · bytes · created ·
//! `4` records: space · log · first · id · time · count, records · `5` remember: space · id · fingerprint (`0`, or its version
//! and 16 bytes) · outcome.

use std::fmt;

use crate::types::codec::Encoder;
use crate::types::{Answer, LogIndex, MachineVersion, Memory};

use super::decide::knows;
use super::encoding::{write_answer, write_outcome, write_records};
use super::fingerprint::first_half;
use super::rows::Effect;

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
        encoder.length(answers.len());
        for answer in answers {
            write_answer(&mut encoder, answer);
        }
        encoder.length(effects.len());
        for effect in effects {
            write_effect(&mut encoder, effect);
        }
        Self(first_half(&blake3::hash(encoder.as_slice())))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

fn capacity(effect: &Effect) -> usize {
    let of_records = match effect {
        Effect::Records { records, .. } => records.iter().map(|record| 8 + record.size()).sum(),
        Effect::Globals(_) | Effect::Space { .. } | Effect::Log { .. } | Effect::Remember { .. } => 0,
    };
    96 + of_records
}

fn write_effect(encoder: &mut Encoder, effect: &Effect) {
    match effect {
        Effect::Globals(globals) => {
            encoder.byte(1);
            encoder.varint(globals.history.0);
            encoder.varint(globals.clock.as_ms());
        }
        Effect::Space { name, space } => {
            encoder.byte(2);
            encoder.text(name.as_str());
            encoder.varint(space.number.0.into());
            match space.memory {
                Memory::Forever => encoder.byte(0),
                Memory::For(duration) => {
                    encoder.byte(1);
                    encoder.varint(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
                }
            }
            encoder.varint(space.floor.as_ms());
            encoder.varint(space.last_sequence.0);
            encoder.varint(space.next_log.0);
        }
        Effect::Log { space, name, head } => {
            encoder.byte(3);
            encoder.varint(space.0.into());
            encoder.text(name.as_str());
            encoder.varint(head.number.0);
            encoder.varint(head.start.0);
            encoder.varint(head.end.0);
            encoder.varint(head.bytes);
            encoder.varint(head.created.as_ms());
        }
        Effect::Records { space, log, first, id, time, records } => {
            encoder.byte(4);
            encoder.varint(space.0.into());
            encoder.varint(log.0);
            encoder.varint(first.0);
            id.encode(encoder);
            encoder.varint(time.as_ms());
            write_records(encoder, records);
        }
        Effect::Remember { space, id, remembered } => {
            encoder.byte(5);
            encoder.varint(space.0.into());
            id.encode(encoder);
            match remembered.fingerprint {
                None => encoder.byte(0),
                Some(fingerprint) => {
                    encoder.byte(fingerprint.version);
                    encoder.raw(&fingerprint.hash);
                }
            }
            write_outcome(encoder, &remembered.outcome);
        }
    }
}
