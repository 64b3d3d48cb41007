//! Looks at the database's write-ahead log before the database does.
//!
//! Opening the database consumes its write-ahead log, and in more than one case what lies behind a damage is dropped
//! without a word: a wrong length near the end of the file looks like a write that was cut off. So this reads the files
//! first and answers one question: *does anything follow the damage?* A group of entries is only written after the one
//! before it was synced. If nothing follows, the damaged group may be one whose sync never returned. If something does,
//! the damaged group was synced and is lost.
//!
//! - The files are read as `RocksDB` writes them: blocks of 32 KiB, each with fragments of a checksum (masked CRC-32C over
//!   type and payload), a length, a type, and a payload that ends in the block. A group's first twelve bytes are its
//!   sequence number and its count of changes, both little-endian.
//! - Groups of one file follow each other without a gap in their sequence numbers.
//! - A damage at the end of one file is history if the next file goes on at the very number where it stopped: the
//!   database was opened and recovered in between.
//! - Fragments behind a damage that only continue a group are part of the damaged one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const BLOCK_BYTES: usize = 32 << 10;
const HEADER_BYTES: usize = 7;
const GROUP_HEADER_BYTES: usize = 12;
const TYPE_FULL: u8 = 1;
const TYPE_FIRST: u8 = 2;
const TYPE_MIDDLE: u8 = 3;
const TYPE_LAST: u8 = 4;

/// What the write-ahead log looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inspection {
    /// Every group is whole.
    Whole,
    /// The last group is not whole; nothing follows it.
    Torn(Place),
    /// A group is damaged and something follows it.
    Lost(Place),
}

/// Where a damage begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) offset: usize,
}

/// Inspects all write-ahead log files of the database in this directory, oldest first.
pub(super) fn inspect(database: &Path) -> io::Result<Inspection> {
    let mut torn: Option<Place> = None;
    let mut expected = None;
    for path in files_of(database)? {
        let bytes = fs::read(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let scan = Scan::of(&bytes);
        if let Some(first) = scan.first {
            let goes_on = expected.is_none_or(|expected| first == expected);
            if let Some(torn) = torn.take()
                && !goes_on
            {
                return Ok(Inspection::Lost(torn));
            }
        }
        expected = scan.next.or(expected);
        match scan.damage {
            Some(Damage { offset, followed: true }) => return Ok(Inspection::Lost(Place { file: name, offset })),
            Some(Damage { offset, followed: false }) => torn = Some(Place { file: name, offset }),
            None => {}
        }
    }
    Ok(torn.map_or(Inspection::Whole, Inspection::Torn))
}

/// The write-ahead log files of a database, oldest first.
pub(super) fn files_of(database: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for item in fs::read_dir(database)? {
        let path = item?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some(number), Some("log")) = (number, path.extension().and_then(|extension| extension.to_str())) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Damage {
    offset: usize,
    followed: bool,
}

/// What one file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scan {
    /// The sequence number of the first group.
    first: Option<u64>,
    /// The sequence number that would follow the last whole group.
    next: Option<u64>,
    damage: Option<Damage>,
}

impl Scan {
    fn of(bytes: &[u8]) -> Self {
        let mut scan = Self::default();
        let mut at = 0;
        loop {
            match read_group(bytes, at) {
                Read::Group { header, end } => {
                    if scan.next.is_some_and(|next| next != header.sequence) {
                        scan.damage = Some(Damage { offset: at, followed: true });
                        return scan;
                    }
                    scan.first.get_or_insert(header.sequence);
                    scan.next = Some(header.sequence.saturating_add(u64::from(header.count)));
                    at = end;
                }
                Read::End => return scan,
                Read::Damage { offset } => {
                    scan.damage = Some(Damage { offset: at, followed: is_followed(bytes, offset, scan.next) });
                    return scan;
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GroupHeader {
    sequence: u64,
    count: u32,
}

enum Read {
    Group { header: GroupHeader, end: usize },
    End,
    Damage { offset: usize },
}

/// Reads the group that begins at or after `at`.
fn read_group(bytes: &[u8], mut at: usize) -> Read {
    let mut head: Vec<u8> = Vec::with_capacity(GROUP_HEADER_BYTES);
    let mut inside = false;
    loop {
        at = skip_trailer(at);
        if at >= bytes.len() {
            return if inside { Read::Damage { offset: at } } else { Read::End };
        }
        let Some(fragment) = Fragment::read(bytes, at) else {
            let rest_is_blank = bytes.iter().skip(at).all(|byte| *byte == 0);
            return if rest_is_blank && !inside { Read::End } else { Read::Damage { offset: at } };
        };
        let begins = matches!(fragment.kind, TYPE_FULL | TYPE_FIRST);
        let continues = matches!(fragment.kind, TYPE_MIDDLE | TYPE_LAST);
        if (begins && inside) || (continues && !inside) {
            return Read::Damage { offset: at };
        }
        at = fragment.end;
        if !begins && !continues {
            continue; // A note between groups that this build does not know.
        }
        inside = true;
        head.extend(fragment.payload.iter().take(GROUP_HEADER_BYTES - head.len()));
        if matches!(fragment.kind, TYPE_FULL | TYPE_LAST) {
            return match group_header(&head) {
                Some(header) => Read::Group { header, end: at },
                None => Read::Damage { offset: at },
            };
        }
    }
}

/// Whether a group begins anywhere behind a damage. Only in a block that has damage does it look at every byte.
fn is_followed(bytes: &[u8], damage: usize, expected: Option<u64>) -> bool {
    let mut at = damage;
    while at < bytes.len() {
        at = skip_trailer(at);
        match Fragment::read(bytes, at) {
            Some(fragment) => {
                let begins = matches!(fragment.kind, TYPE_FULL | TYPE_FIRST);
                let stale = group_header(fragment.payload)
                    .is_some_and(|header| expected.is_some_and(|expected| header.sequence < expected));
                if begins && !stale {
                    return true;
                }
                at = fragment.end;
            }
            None => at += 1,
        }
    }
    false
}

/// A block's last bytes are blank if no header fits.
fn skip_trailer(at: usize) -> usize {
    let left = BLOCK_BYTES - at % BLOCK_BYTES;
    if left < HEADER_BYTES { at + left } else { at }
}

fn group_header(payload: &[u8]) -> Option<GroupHeader> {
    let (sequence, rest) = payload.split_first_chunk::<8>()?;
    let (count, _) = rest.split_first_chunk::<4>()?;
    Some(GroupHeader { sequence: u64::from_le_bytes(*sequence), count: u32::from_le_bytes(*count) })
}

struct Fragment<'a> {
    kind: u8,
    payload: &'a [u8],
    end: usize,
}

impl<'a> Fragment<'a> {
    /// The fragment at this place, if its checksum is right.
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        let block_end = (at / BLOCK_BYTES + 1) * BLOCK_BYTES;
        let block = bytes.get(at..block_end.min(bytes.len()))?;
        let (checksum, rest) = block.split_first_chunk::<4>()?;
        let (length, checked) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let checked = checked.get(..=length)?;
        let (kind, payload) = checked.split_first()?;
        // A blank region would otherwise be an empty fragment; no writer makes one of type 0.
        if *kind == 0 || u32::from_le_bytes(*checksum) != masked(crc32c::crc32c(checked)) {
            return None;
        }
        Some(Self { kind: *kind, payload, end: at + HEADER_BYTES + length })
    }
}

fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes groups as the database does.
    #[derive(Default)]
    struct Writer {
        bytes: Vec<u8>,
        ends: Vec<usize>,
        next: u64,
    }

    impl Writer {
        fn starting_at(next: u64) -> Self {
            Self { next, ..Self::default() }
        }

        fn group(mut self, count: u32, payload_bytes: usize) -> Self {
            let mut group = self.next.to_le_bytes().to_vec();
            group.extend(count.to_le_bytes());
            group.resize(GROUP_HEADER_BYTES + payload_bytes, 0x5a);
            self.next += u64::from(count);
            let mut rest = &group[..];
            let mut first = true;
            loop {
                let left = BLOCK_BYTES - self.bytes.len() % BLOCK_BYTES;
                if left < HEADER_BYTES {
                    self.bytes.extend(vec![0; left]);
                    continue;
                }
                let (now, later) = rest.split_at(rest.len().min(left - HEADER_BYTES));
                let kind = match (first, later.is_empty()) {
                    (true, true) => TYPE_FULL,
                    (true, false) => TYPE_FIRST,
                    (false, false) => TYPE_MIDDLE,
                    (false, true) => TYPE_LAST,
                };
                let checked = [&[kind], now].concat();
                self.bytes.extend(masked(crc32c::crc32c(&checked)).to_le_bytes());
                self.bytes.extend(u16::try_from(now.len()).unwrap().to_le_bytes());
                self.bytes.extend(checked);
                (rest, first) = (later, false);
                if rest.is_empty() {
                    break;
                }
            }
            self.ends.push(self.bytes.len());
            self
        }
    }

    fn damage(bytes: &[u8]) -> Option<Damage> {
        Scan::of(bytes).damage
    }

    #[test]
    fn whole_groups_of_any_size_are_read_to_the_end() {
        // 32,749 bytes of payload leave no room for a header in the block; 32,742 leave room for nothing but one.
        for size in [0, 10, 32_742, 32_745, 32_749, 100_000] {
            let writer = Writer::starting_at(5).group(1, size).group(0, 3).group(7, size).group(1, 1);
            assert_eq!(Scan::of(&writer.bytes), Scan { first: Some(5), next: Some(14), damage: None }, "{size}");
        }
        assert_eq!(Scan::of(&[]), Scan::default());
    }

    #[test]
    fn blank_space_at_the_end_is_no_damage() {
        let mut writer = Writer::starting_at(1).group(1, 100);
        writer.bytes.resize(3 * BLOCK_BYTES + 5, 0);
        assert_eq!(damage(&writer.bytes), None);
    }

    #[test]
    fn a_cut_anywhere_in_the_last_group_is_a_torn_tail() {
        let writer = Writer::starting_at(1).group(1, 100).group(2, 70_000);
        let begin = writer.ends[0];
        for cut in [begin + 1, begin + 6, begin + 7, begin + 50, BLOCK_BYTES, 2 * BLOCK_BYTES, writer.bytes.len() - 1] {
            assert_eq!(damage(&writer.bytes[..cut]), Some(Damage { offset: begin, followed: false }), "{cut}");
        }
    }

    #[test]
    fn damage_in_the_last_group_only_is_not_followed() {
        let writer = Writer::starting_at(1).group(1, 100).group(2, 100_000);
        for at in [writer.ends[0], writer.ends[0] + 5, BLOCK_BYTES + 9, writer.bytes.len() - 1] {
            let mut bytes = writer.bytes.clone();
            bytes[at] ^= 0x10;
            assert_eq!(damage(&bytes), Some(Damage { offset: writer.ends[0], followed: false }), "{at}");
        }
        let mut bytes = writer.bytes;
        bytes[BLOCK_BYTES..2 * BLOCK_BYTES].fill(0);
        assert_eq!(damage(&bytes), Some(Damage { offset: writer.ends[0], followed: false }));
    }

    #[test]
    fn any_flipped_byte_before_the_last_group_is_followed() {
        let writer = Writer::starting_at(1).group(1, 40).group(2, 33_000).group(1, 30);
        let last = writer.ends[1];
        for at in (0..last).filter(|at| *at < 200 || *at > last - 100 || at.abs_diff(BLOCK_BYTES) < 100) {
            for bit in [0x01, 0x80] {
                let mut bytes = writer.bytes.clone();
                bytes[at] ^= bit;
                assert!(damage(&bytes).is_some_and(|damage| damage.followed), "{at}");
            }
        }
    }

    #[test]
    fn a_group_that_vanished_without_a_trace_leaves_a_gap() {
        let writer = Writer::starting_at(1).group(1, 40).group(2, 40).group(1, 30);
        let bytes = [&writer.bytes[..writer.ends[0]], &writer.bytes[writer.ends[1]..]].concat();
        assert_eq!(damage(&bytes), Some(Damage { offset: writer.ends[0], followed: true }));
    }

    #[test]
    fn a_torn_file_is_history_if_the_next_goes_on_where_it_stopped() {
        let torn = Writer::starting_at(1).group(1, 40).group(2, 40);
        let torn = &torn.bytes[..torn.bytes.len() - 3];
        for (next, expected) in [(2, false), (4, true)] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("000004.log"), torn).unwrap();
            fs::write(directory.path().join("000012.log"), Writer::starting_at(next).group(1, 9).bytes).unwrap();
            fs::write(directory.path().join("LOG"), "chatter").unwrap();
            let lost = matches!(inspect(directory.path()).unwrap(), Inspection::Lost(_));
            assert_eq!(lost, expected, "{next}");
        }
    }

    #[test]
    fn a_torn_newest_file_is_a_torn_tail_even_with_an_empty_file_behind() {
        let directory = tempfile::tempdir().unwrap();
        let writer = Writer::starting_at(1).group(1, 40).group(2, 40);
        fs::write(directory.path().join("000004.log"), &writer.bytes[..writer.bytes.len() - 3]).unwrap();
        fs::write(directory.path().join("000005.log"), b"").unwrap();
        let place = Place { file: "000004.log".to_owned(), offset: writer.ends[0] };
        assert_eq!(inspect(directory.path()).unwrap(), Inspection::Torn(place));
    }
}
