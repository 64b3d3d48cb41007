//! The bytes of an outbox's file.
//!
//! - A frame is what is written at once, and it is whole or it is not there: one checksum covers all of it.
//! - The checksum also covers the frame's place and a random number of the file. So bytes of another outbox, or of this
//!   one at another place, are never taken for a frame, even when a record's payload carries them.
//!
//! | what | bytes |
//! |---|---|
//! | file | header · frames |
//! | header | `oncelog outbox`, line feed · version `2` · salt `u64` · next number `u64` · checksum `u32` of all before |
//! | frame | marker (4 bytes) · length of the body `u32` · checksum `u32` of salt, place `u64`, length and body · body |
//! | body | count, numbers of entries confirmed · count, entries kept |
//! | entry | number · command, behind its length, in its canonical bytes ([`encode_proposal`]) |
//!
//! The integers with a width are big-endian, checksums are crc32c; all other numbers and counts are varints.

use bytes::Bytes;

use super::entry::{Entry, EntryNumber};
use crate::machine::{decode_proposal, encode_proposal};
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::limits::OUTBOX_FRAME_BYTES_MAX;
use crate::types::{Command, Proposal};

const TITLE: &[u8; 15] = b"oncelog outbox\n";
/// The version of the whole file. Version 1 kept only appends, and was never released.
pub(super) const VERSION: u8 = 2;
/// How many bytes the header has.
pub(super) const HEADER_BYTES: usize = TITLE.len() + 1 + 8 + 8 + 4;
/// It makes the next whole frame quick to find. It begins with a byte that no UTF-8 text has.
const MARKER: [u8; 4] = [0xfe, b'o', b'b', b'x'];
const FRAME_HEAD_BYTES: usize = MARKER.len() + 4 + 4;

/// How a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// A random number that no two files share.
    pub(super) salt: u64,
    /// The least number that an entry may get which is not in the file yet.
    pub(super) next: EntryNumber,
}

/// Why a file is not read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// It does not begin like an outbox.
    Foreign,
    /// Its version is not ours.
    UnknownVersion(u8),
    /// It begins like an outbox and goes on otherwise.
    Damaged,
}

/// What one frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) confirmed: Vec<EntryNumber>,
    pub(super) kept: Vec<Entry>,
    /// Where the next frame begins.
    pub(super) end: usize,
}

/// Why there is no frame at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadFrame {
    /// The bytes are not those of a whole frame.
    NotWhole,
    /// The bytes are as they were written and make no sense all the same.
    Senseless(DecodeError),
}

/// A command's bytes.
pub(super) fn encode_command(command: &Command) -> Bytes {
    encode_proposal(&Proposal::Command(command.clone()))
}

fn decode_command(bytes: Bytes) -> Result<Command, DecodeError> {
    match decode_proposal(bytes)? {
        Proposal::Command(command) => Ok(command),
        Proposal::Cancel(_) => Err(DecodeError::Invalid("command")),
    }
}

/// A frame at its place, of entries whose commands are encoded already.
pub(super) fn encode<'a>(
    salt: u64,
    place: u64,
    confirmed: &[EntryNumber],
    kept: impl ExactSizeIterator<Item = (EntryNumber, &'a [u8])>,
) -> Vec<u8> {
    let mut body = Encoder::new();
    body.length(confirmed.len());
    for number in confirmed {
        body.varint(number.0);
    }
    body.length(kept.len());
    for (number, command) in kept {
        body.varint(number.0);
        body.bytes(command);
    }
    assert!(body.len() <= OUTBOX_FRAME_BYTES_MAX, "groups are closed long before they fill a frame");
    let length = u32::try_from(body.len()).expect("the longest frame's length fits");
    let mut frame = Encoder::with_capacity(FRAME_HEAD_BYTES + body.len());
    frame.raw(&MARKER);
    frame.fixed_u32(length);
    frame.fixed_u32(checksum(salt, place, length, body.as_slice()));
    frame.raw(body.as_slice());
    frame.finish()
}

/// Reads the frame at a place of a file. It may be longer than those of this build.
pub(super) fn read(salt: u64, file: &[u8], place: usize) -> Result<Frame, BadFrame> {
    let body = body_at(salt, file, place).ok_or(BadFrame::NotWhole)?;
    let end = place + FRAME_HEAD_BYTES + body.len();
    // A copy, so that an entry that waits for long does not hold on to the whole file.
    let mut decoder = Decoder::new(Bytes::copy_from_slice(body));
    decode_body(&mut decoder)
        .and_then(|(confirmed, kept)| decoder.finish().map(|()| Frame { confirmed, kept, end }))
        .map_err(BadFrame::Senseless)
}

/// Whether any frame begins at this place or behind it.
pub(super) fn any_from(salt: u64, file: &[u8], place: usize) -> bool {
    let starts = file.get(place..).unwrap_or_default().windows(MARKER.len());
    (place..).zip(starts).any(|(place, bytes)| bytes == MARKER && body_at(salt, file, place).is_some())
}

fn body_at(salt: u64, file: &[u8], place: usize) -> Option<&[u8]> {
    let rest = file.get(place..)?.strip_prefix(&MARKER)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (found, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    let body = rest.get(..usize::try_from(length).ok()?)?;
    (checksum(salt, place as u64, length, body) == u32::from_be_bytes(*found)).then_some(body)
}

fn decode_body(decoder: &mut Decoder) -> Result<(Vec<EntryNumber>, Vec<Entry>), DecodeError> {
    let confirmed = decoder.list(|decoder| decoder.varint().map(EntryNumber))?;
    let kept = decoder.list(|decoder| {
        let number = EntryNumber(decoder.varint()?);
        let command = decoder.bytes()?;
        Ok(Entry { number, bytes: command.len(), command: decode_command(command)? })
    })?;
    Ok((confirmed, kept))
}

fn checksum(salt: u64, place: u64, length: u32, body: &[u8]) -> u32 {
    let mut head = Encoder::with_capacity(20);
    head.fixed_u64(salt);
    head.fixed_u64(place);
    head.fixed_u32(length);
    crc32c::crc32c_append(crc32c::crc32c(head.as_slice()), body)
}

impl Header {
    /// The header's bytes.
    pub(super) fn encode(self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(HEADER_BYTES);
        encoder.raw(TITLE);
        encoder.byte(VERSION);
        encoder.fixed_u64(self.salt);
        encoder.fixed_u64(self.next.0);
        encoder.fixed_u32(crc32c::crc32c(encoder.as_slice()));
        encoder.finish()
    }

    /// Reads the beginning of a file. A header is written whole before the file gets its name, so one that is cut short
    /// is damage, too.
    pub(super) fn read(file: &[u8]) -> Result<Self, BadHeader> {
        let Some(rest) = file.strip_prefix(TITLE) else {
            let cut_short = !file.is_empty() && TITLE.starts_with(file);
            return Err(if cut_short { BadHeader::Damaged } else { BadHeader::Foreign });
        };
        match rest.first() {
            Some(&VERSION) => Self::read_whole(file).ok_or(BadHeader::Damaged),
            Some(&found) => Err(BadHeader::UnknownVersion(found)),
            None => Err(BadHeader::Damaged),
        }
    }

    fn read_whole(file: &[u8]) -> Option<Self> {
        let (covered, found) = file.get(..HEADER_BYTES)?.split_last_chunk::<4>()?;
        let (_, numbers) = covered.split_at_checked(TITLE.len() + 1)?;
        let (salt, next) = numbers.split_first_chunk::<8>()?;
        let next = u64::from_be_bytes(*next.first_chunk::<8>()?);
        (crc32c::crc32c(covered) == u32::from_be_bytes(*found))
            .then(|| Self { salt: u64::from_be_bytes(*salt), next: EntryNumber(next) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::types::{Cancel, Id, SpaceName};

    use super::super::tests::{command, commands};
    use super::*;

    /// A frame at a place, and the file that it is in.
    fn file_with(salt: u64, place: usize, confirmed: &[EntryNumber], kept: &[Command]) -> Vec<u8> {
        let packed: Vec<Bytes> = kept.iter().map(encode_command).collect();
        let numbered = (7..).map(EntryNumber).zip(packed.iter().map(Bytes::as_ref)).collect::<Vec<_>>();
        let mut file = vec![0; place];
        file.extend(encode(salt, place as u64, confirmed, numbered.into_iter()));
        file
    }

    proptest! {
        #[test]
        fn every_frame_comes_back(salt: u64, place in 0_usize..100, numbers: Vec<u64>, kept in commands(0..4)) {
            let confirmed: Vec<_> = numbers.into_iter().map(EntryNumber).collect();
            let file = file_with(salt, place, &confirmed, &kept);
            let frame = read(salt, &file, place).unwrap();
            prop_assert_eq!(frame.confirmed, confirmed);
            let numbers: Vec<_> = frame.kept.iter().map(|entry| entry.number.0).collect();
            prop_assert_eq!(numbers, (7..).take(kept.len()).collect::<Vec<_>>());
            prop_assert_eq!(frame.kept.into_iter().map(|entry| entry.command).collect::<Vec<_>>(), kept);
            prop_assert_eq!(frame.end, file.len());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, place in 0_usize..20) {
            let _ = Header::read(&bytes);
            let _ = read(1, &bytes, place);
            let _ = decode_body(&mut Decoder::new(bytes.into()));
        }
    }

    #[test]
    fn a_header_comes_back() {
        let header = Header { salt: 0x0123_4567_89ab_cdef, next: EntryNumber(77) };
        assert_eq!(header.encode().len(), HEADER_BYTES);
        assert_eq!(Header::read(&header.encode()), Ok(header));
    }

    #[test]
    fn what_is_no_header_is_told_from_a_damaged_one_and_from_another_version() {
        let whole = Header { salt: 1, next: EntryNumber::FIRST }.encode();
        assert_eq!(Header::read(b""), Err(BadHeader::Foreign));
        assert_eq!(Header::read(b"{}"), Err(BadHeader::Foreign));
        for length in 1..HEADER_BYTES {
            assert_eq!(Header::read(&whole[..length]), Err(BadHeader::Damaged), "{length} bytes");
        }
        let mut newer = whole.clone();
        for other in [1, 3] {
            newer[TITLE.len()] = other;
            assert_eq!(Header::read(&newer), Err(BadHeader::UnknownVersion(other)));
        }
        for place in TITLE.len() + 1..HEADER_BYTES {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert_eq!(Header::read(&damaged), Err(BadHeader::Damaged), "byte {place}");
        }
    }

    #[test]
    fn the_bytes_of_version_2_are_final() {
        let header = Header { salt: 0x1122_3344_5566_7788, next: EntryNumber(9) }.encode();
        let frame = file_with(0x1122_3344_5566_7788, 0, &[EntryNumber(300)], &[command("a", "pay")]);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(hex(&header), "6f6e63656c6f67206f7574626f780a021122334455667788000000000000000979c8ca87");
        let (head, body) = frame.split_at(FRAME_HEAD_BYTES);
        assert_eq!(hex(head), "fe6f62780000003d55cca09d");
        let expected = "01ac020107370101046d61696e01016101040470616964000201087061796d656e7473\
                        0103706179000404706169640200feffffffffffffffff010100";
        assert_eq!(hex(body), expected);
    }

    #[test]
    fn a_frame_of_another_file_or_place_is_none() {
        let frame = file_with(1, 0, &[EntryNumber(1)], &[]);
        assert!(read(1, &frame, 0).is_ok());
        assert_eq!(read(2, &frame, 0), Err(BadFrame::NotWhole));
        let moved = [&[0], frame.as_slice()].concat();
        assert_eq!(read(1, &moved, 1), Err(BadFrame::NotWhole));
        assert!(!any_from(1, &moved, 0));
    }

    #[test]
    fn a_frame_further_on_is_found_and_a_cut_one_is_not() {
        let file = file_with(1, 50, &[EntryNumber(1)], &[]);
        assert!(any_from(1, &file, 0) && any_from(1, &file, 50));
        assert!(!any_from(1, &file, 51));
        assert!(!any_from(1, &file[..file.len() - 1], 0));
        assert!(!any_from(1, &file, file.len() + 1));
    }

    #[test]
    fn a_cancel_is_no_entry() {
        let cancel = Cancel { space: SpaceName::main(), target: Id::new("pay-1").unwrap() };
        let bytes = encode_proposal(&Proposal::Cancel(cancel));
        let frame = encode(1, 0, &[], [(EntryNumber(1), bytes.as_ref())].into_iter());
        assert_eq!(read(1, &frame, 0), Err(BadFrame::Senseless(DecodeError::Invalid("command"))));
    }

    #[test]
    fn a_whole_frame_that_makes_no_sense_says_so() {
        let body: &[u8] = &[0, 1, 7, 1, 0xff];
        let length = u32::try_from(body.len()).unwrap();
        let mut frame = MARKER.to_vec();
        frame.extend(length.to_be_bytes());
        frame.extend(checksum(1, 0, length, body).to_be_bytes());
        frame.extend(body);
        assert!(matches!(read(1, &frame, 0), Err(BadFrame::Senseless(_))));
    }
}
