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
//! | cancel | space · id |
//! | outcome | version 1 · its fields |
//! | answer | version 1 · `1` decided: replayed (`0` or `1`), the outcome's fields · `2` rejected: rejection |
//!
//! What a command is made of stands in [`command`], an outcome's fields and rejections in [`outcome`], and what both are
//! made of in [`words`].

pub(super) mod command;
pub(super) mod outcome;
pub(super) mod words;

use bytes::Bytes;

use crate::types::codec::{DecodeError, Decoder, Encoder, read_all};
use crate::types::{Answer, Cancel, Id, Outcome, Proposal};

use command::{command_capacity, read_command, write_command};
use outcome::{read_answer, read_outcome, write_answer, write_outcome};
use words::{read_space_name, unknown};

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
                let space = read_space_name(decoder)?;
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
        read_answer(decoder)
    })
}

fn expect_version(decoder: &mut Decoder, what: &'static str, known: u8) -> Result<(), DecodeError> {
    let found = decoder.byte()?;
    if found == known { Ok(()) } else { Err(DecodeError::UnknownVersion { what, found: found.into() }) }
}
