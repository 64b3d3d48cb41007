//! Reads an outbox's file back.
//!
//! - A frame is written only after all before it was synced. So a frame that can't be read was cut by a crash, and never
//!   acknowledged, only if no whole frame follows; then it is ignored.
//! - Otherwise it was whole once, and entries may be in it: that is damage, never absence.
//! - A whole frame that contradicts those before it is damage, too.

use std::collections::BTreeMap;

use super::entry::{Entry, EntryNumber};
use super::frame::{self, BadFrame, BadHeader, Frame, HEADER_BYTES, Header};

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recovered {
    pub(super) salt: u64,
    /// The number of the entry that is kept next.
    pub(super) next: EntryNumber,
    /// What is kept and not confirmed.
    pub(super) waiting: BTreeMap<EntryNumber, Entry>,
    /// Where the last whole frame begins; the end, if there is none.
    pub(super) last: usize,
    /// Where the whole frames end. What lies behind was cut by a crash.
    pub(super) end: usize,
}

/// Why a file can't be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Foreign,
    UnknownVersion(u8),
    DamagedAt(usize),
}

/// Reads a whole file.
pub(super) fn read_back(file: &[u8]) -> Result<Recovered, Unreadable> {
    let header = Header::read(file).map_err(|bad| match bad {
        BadHeader::Foreign => Unreadable::Foreign,
        BadHeader::UnknownVersion(found) => Unreadable::UnknownVersion(found),
        BadHeader::Damaged => Unreadable::DamagedAt(0),
    })?;
    let (salt, next) = (header.salt, header.next);
    let mut recovered = Recovered { salt, next, waiting: BTreeMap::new(), last: HEADER_BYTES, end: HEADER_BYTES };
    let mut greatest = None;
    while recovered.end < file.len() {
        let place = recovered.end;
        match frame::read(salt, file, place) {
            Ok(frame) => recovered.add(frame, &mut greatest).ok_or(Unreadable::DamagedAt(place))?,
            Err(BadFrame::NotWhole) if !frame::any_from(salt, file, place + 1) => break,
            Err(BadFrame::NotWhole | BadFrame::Senseless(_)) => return Err(Unreadable::DamagedAt(place)),
        }
    }
    Ok(recovered)
}

impl Recovered {
    /// Adds what a frame says, unless it contradicts what was said before it.
    fn add(&mut self, frame: Frame, greatest: &mut Option<EntryNumber>) -> Option<()> {
        for number in frame.confirmed {
            self.waiting.remove(&number)?;
        }
        for entry in frame.kept {
            if *greatest >= Some(entry.number) {
                return None;
            }
            *greatest = Some(entry.number);
            self.next = self.next.max(entry.number.next());
            self.waiting.insert(entry.number, entry);
        }
        (self.last, self.end) = (self.end, frame.end);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::types::{Action, CellKey};

    use super::super::tests::command;
    use super::*;

    const SALT: u64 = 5;

    /// A file of frames, each with the numbers that it confirms and keeps.
    fn file_of(frames: &[(&[u64], &[u64])]) -> Vec<u8> {
        let mut file = Header { salt: SALT, next: EntryNumber(4) }.encode();
        for (confirmed, kept) in frames {
            let confirmed: Vec<_> = confirmed.iter().copied().map(EntryNumber).collect();
            let command = frame::encode_command(&command("pay", "paid"));
            let kept = kept.iter().map(|number| (EntryNumber(*number), command.as_ref()));
            let frame = frame::encode(SALT, file.len() as u64, &confirmed, kept);
            file.extend(frame);
        }
        file
    }

    fn waiting(recovered: &Recovered) -> Vec<u64> {
        recovered.waiting.keys().map(|number| number.0).collect()
    }

    #[test]
    fn what_is_kept_and_not_confirmed_waits() {
        let recovered = read_back(&file_of(&[(&[], &[4, 5]), (&[4], &[6]), (&[6], &[])])).unwrap();
        assert_eq!((waiting(&recovered), recovered.next), (vec![5], EntryNumber(7)));
    }

    #[test]
    fn numbers_go_on_where_the_header_says_when_all_entries_are_older() {
        assert_eq!(read_back(&file_of(&[])).unwrap().next, EntryNumber(4));
        assert_eq!(read_back(&file_of(&[(&[], &[1, 2])])).unwrap().next, EntryNumber(4));
    }

    #[test]
    fn a_frame_that_contradicts_those_before_it_is_damage() {
        let first = file_of(&[(&[], &[4])]).len();
        let contradictions: [(&[u64], &[u64]); 3] = [(&[5], &[]), (&[4, 4], &[]), (&[], &[4])];
        for contradiction in contradictions {
            let file = file_of(&[(&[], &[4]), contradiction]);
            assert_eq!(read_back(&file), Err(Unreadable::DamagedAt(first)), "{contradiction:?}");
        }
    }

    #[test]
    fn whatever_a_crash_leaves_of_the_last_write_is_ignored() {
        let before = file_of(&[(&[], &[4])]);
        let whole = file_of(&[(&[], &[4]), (&[4], &[5])]);
        let expected = read_back(&before).unwrap();
        let mut zeros = before.clone();
        zeros.resize(whole.len(), 0);
        let mut second_half = whole.clone();
        second_half[before.len()..before.len() + 9].fill(0);
        for left in [&zeros, &second_half, &whole[..whole.len() - 1].to_vec()] {
            assert_eq!(read_back(left).as_ref(), Ok(&expected));
        }
    }

    #[test]
    fn damage_before_a_whole_frame_is_told_with_its_place() {
        let (first, second) = (HEADER_BYTES, file_of(&[(&[], &[4])]).len());
        let whole = file_of(&[(&[], &[4]), (&[4], &[5]), (&[], &[6])]);
        for place in [first, second] {
            let mut file = whole.clone();
            file[place + 13] ^= 0x40;
            assert_eq!(read_back(&file), Err(Unreadable::DamagedAt(place)));
        }
    }

    #[test]
    fn a_payload_that_holds_an_outbox_is_no_witness_against_a_torn_write() {
        let embedded = file_of(&[(&[], &[4]), (&[], &[5])]);
        let mut carries_it = command("pay", "");
        carries_it.actions.push(Action::put(&CellKey::new("outbox").unwrap(), Bytes::from(embedded.clone())));
        let packed = frame::encode_command(&carries_it);
        let mut file = Header { salt: SALT, next: EntryNumber(1) }.encode();
        file.extend(frame::encode(SALT, file.len() as u64, &[], [(EntryNumber(1), packed.as_ref())].into_iter()));
        file.truncate(file.len() - 1);
        assert_eq!(read_back(&file).unwrap().end, HEADER_BYTES);
    }
}
