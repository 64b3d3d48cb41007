//! Tells a retry from another command under the same id.
//!
//! - It covers space, id, guards and actions as decoded: how a command travelled makes no difference.
//! - A row keeps its fingerprint's version, and a retry is compared under that version, so that a new build still knows
//!   the retries of what an old one decided.

use crate::types::codec::Encoder;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Action, Command, MachineVersion};

use super::encoding::command::{command_capacity, write_command};

/// 128 bits of blake3 over a version byte and that version's encoding of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// How the command was encoded for it.
    pub version: u8,
    /// The hash.
    pub hash: [u8; 16],
}

impl Fingerprint {
    /// The version of new fingerprints in this build.
    pub const CURRENT: u8 = 1;

    /// A command's fingerprint as this build makes new ones.
    #[cfg(test)]
    pub fn of(command: &Command) -> Self {
        Self::first(command)
    }

    /// A command's fingerprint of some version, if this build knows it.
    pub fn of_version(version: u8, command: &Command) -> Option<Self> {
        match version {
            1 => Some(Self::first(command)),
            _ => None,
        }
    }

    /// Whether `command` is the one that this was made of.
    ///
    /// A version that this build does not know has no true answer: a store must refuse to read such a row.
    pub fn matches(self, command: &Command) -> bool {
        Self::of_version(self.version, command).expect("a fingerprint's version is known wherever its row is") == self
    }

    /// A command's fingerprint as the rules of `_machine` make new ones, in every build alike.
    pub(super) fn by_machine(_machine: MachineVersion, command: &Command) -> Self {
        Self::first(command)
    }

    fn first(command: &Command) -> Self {
        let mut encoder = Encoder::with_capacity(1 + command_capacity(command));
        encoder.byte(1);
        if seeded(Bug::HeadersNotCompared) {
            // What was never done is told to be done.
            write_command(&mut encoder, &without_headers(command));
        } else {
            write_command(&mut encoder, command);
        }
        Self { version: 1, hash: first_half(&blake3::hash(encoder.as_slice())) }
    }
}

/// A command as a seeded bug sees it.
fn without_headers(command: &Command) -> Command {
    let mut command = command.clone();
    for action in &mut command.actions {
        if let Action::Append { records, .. } = action {
            for record in records {
                record.headers.clear();
            }
        }
    }
    command
}

/// The first 128 of a hash's 256 bits.
pub(super) fn first_half(hash: &blake3::Hash) -> [u8; 16] {
    *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
}
