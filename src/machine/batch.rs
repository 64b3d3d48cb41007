//! What one entry of the Raft log asks of the machine.
//!
//! Layout: format (one byte, now 1) · machine version (varint) · stamp in milliseconds (varint) · count (varint) · for each
//! proposal its length (varint) and its bytes.
//!
//! - Format and machine version keep their places in every format, so that a node can see that an entry is beyond it.
//! - A proposal's bytes are those of [`encode_proposal`](super::encoding::encode_proposal), copied: encoding happens once,
//!   where it arrived.

use bytes::Bytes;

use crate::types::codec::{DecodeError, Decoder, Encoder, read_all};
use crate::types::{LogTime, MachineVersion, Proposal};

use super::decide::knows;
use super::encoding::decode_proposal;
use super::encoding::words::{read_machine_version, read_time};

const FORMAT: u8 = 1;
/// Format, machine version, stamp and count at their longest.
const HEADER_BYTES_MAX: usize = 1 + 3 + 7 + 10;
/// The longest length before a proposal.
const LENGTH_BYTES_MAX: usize = 5;

/// Proposals that are decided together, by which rules and at what time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The rules that decide it.
    pub machine_version: MachineVersion,
    /// The time on which the voters' clocks agreed.
    pub stamp: LogTime,
    /// The proposals, in the order in which they are decided.
    pub proposals: Vec<Proposal>,
}

impl Batch {
    /// Its bytes in an entry.
    #[cfg(test)]
    pub fn encode(&self) -> Bytes {
        let proposals: Vec<Bytes> = self.proposals.iter().map(super::encoding::encode_proposal).collect();
        Self::assemble(self.machine_version, self.stamp, &proposals)
    }

    /// The bytes of a batch of proposals that [`encode_proposal`](super::encoding::encode_proposal) has encoded.
    pub fn assemble(machine_version: MachineVersion, stamp: LogTime, proposals: &[Bytes]) -> Bytes {
        let size: usize = proposals.iter().map(|proposal| LENGTH_BYTES_MAX + proposal.len()).sum();
        let mut encoder = Encoder::with_capacity(HEADER_BYTES_MAX + size);
        encoder.byte(FORMAT);
        encoder.varint(machine_version.0.into());
        encoder.varint(stamp.as_ms());
        encoder.length(proposals.len());
        for proposal in proposals {
            encoder.bytes(proposal);
        }
        encoder.finish().into()
    }

    /// Reads the version alone, so that a node can stop before an entry whose rules it lacks.
    pub fn peek_version(bytes: &Bytes) -> Result<MachineVersion, DecodeError> {
        read_version(&mut Decoder::new(bytes.clone()))
    }

    /// Reads a batch back. Payloads share `bytes`. A machine version that this build lacks is an error.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        read_all(bytes, |decoder| {
            let machine_version = read_version(decoder)?;
            if !knows(machine_version) {
                return Err(DecodeError::UnknownVersion { what: "the machine", found: machine_version.0.into() });
            }
            let stamp = read_time(decoder)?;
            let proposals = decoder.list(|decoder| decode_proposal(decoder.bytes()?))?;
            Ok(Self { machine_version, stamp, proposals })
        })
    }
}

fn read_version(decoder: &mut Decoder) -> Result<MachineVersion, DecodeError> {
    let format = decoder.byte()?;
    if format != FORMAT {
        return Err(DecodeError::UnknownVersion { what: "a batch", found: format.into() });
    }
    read_machine_version(decoder)
}
