//! What this node once had on disk, written beside the database by other means than the database's.
//!
//! - A mark is written only after what it names was synced, so a log that does not reach the mark has lost something.
//! - Raising writes one of two slots in turn and waits for no disk; the file is synced at most once a second, so after a
//!   power cut the mark may be a second old, never ahead. Its boot id tells whether that may be so.
//! - Lowering writes and syncs both slots, one after the other, *before* the log is cut: a slot that is lost later never
//!   brings back a mark above the log's end.
//! - One slot may be lost at any time.
//!
//! A slot has 128 bytes, at 0 and at 4,096: version `1` · sequence `u64` · boot id (16 bytes) · last: `0` or `1`, term,
//! node, index `u64` · vote: `0` or `1`, term, node `u64`, committed `0` or `1` · zeros up to 120 · the first 64 bits of
//! blake3 over those 120. All integers are big-endian. The slot with the greater sequence counts.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::record::first_u64;
use crate::store::crash_point::{self, Point, point};
use crate::store::files;
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{LogId, LogIndex, NodeId, Vote};

const VERSION: u8 = 1;
const SLOT_BYTES: usize = 128;
const CHECKED_BYTES: usize = 120;
const SLOT_DISTANCE: usize = 4_096;

/// One boot of the machine: between two of them, whatever was not synced may be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootId([u8; 16]);

impl BootId {
    /// The boot that this process runs in; where the system does not tell, a new one every time.
    pub fn current() -> Self {
        let told = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let parsed = told.and_then(|text| Uuid::try_parse(text.trim()).ok());
        Self(parsed.unwrap_or_else(Uuid::new_v4).into_bytes())
    }

    /// From its bytes.
    #[cfg(test)]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// What was synced, and in which boot that was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) boot: BootId,
    pub(super) last: Option<LogId>,
    pub(super) vote: Option<Vote>,
}

/// The file with the two slots.
#[derive(Debug)]
pub(super) struct Watermark {
    directory: PathBuf,
    file: File,
    sequence: u64,
    mark: Mark,
    unsynced: bool,
}

impl Watermark {
    /// Makes the file, durably.
    pub(super) fn create(directory: &Path, mark: Mark) -> io::Result<Self> {
        let mut content = vec![0; SLOT_DISTANCE];
        content.splice(..SLOT_BYTES, encode_slot(0, &mark));
        content.extend(encode_slot(1, &mark));
        files::replace(&path(directory), &content)?;
        Self::open(directory)?.ok_or_else(|| io::Error::other("the watermark can't be read back"))
    }

    /// Whether there is a file at all.
    pub(super) fn exists(directory: &Path) -> io::Result<bool> {
        path(directory).try_exists()
    }

    /// Reads the newest slot; none if neither can be read.
    pub(super) fn open(directory: &Path) -> io::Result<Option<Self>> {
        let path = path(directory);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(|error| files::within("open", &path, &error))?;
        let slots = [read_slot(&file, 0)?, read_slot(&file, 1)?];
        let newest = slots.into_iter().flatten().max_by_key(|(sequence, _)| *sequence);
        Ok(newest.map(|(sequence, mark)| Self {
            directory: directory.to_owned(),
            file,
            sequence,
            mark,
            unsynced: false,
        }))
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Writes down what was synced. Waits for no disk.
    pub(super) fn raise(&mut self, last: Option<LogId>, vote: Option<Vote>) -> io::Result<()> {
        if (last, vote) == (self.mark.last, self.mark.vote) {
            return Ok(());
        }
        self.write(Mark { last, vote, ..self.mark })?;
        crash_point::reached(&self.directory, point::WATERMARK_RAISED);
        Ok(())
    }

    /// Forgets in both slots what `mark` does not name, durably. Between the two comes `half`.
    pub(super) fn reset(&mut self, mark: Mark, half: Point) -> io::Result<()> {
        self.write(mark)?;
        self.sync()?;
        crash_point::reached(&self.directory, half);
        self.write(mark)?;
        self.sync()?;
        crash_point::reached(&self.directory, point::WATERMARK_RESET);
        Ok(())
    }

    /// Whether a sync would change anything.
    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// Makes the newest mark durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        crash_point::fault(&self.directory, point::WATERMARK_SYNC)?;
        if files::syncs() {
            self.file.sync_data()?;
        }
        self.unsynced = false;
        crash_point::reached(&self.directory, point::WATERMARK_SYNCED);
        Ok(())
    }

    fn write(&mut self, mark: Mark) -> io::Result<()> {
        crash_point::fault(&self.directory, point::WATERMARK_WRITE)?;
        let sequence = self.sequence + 1;
        self.file.write_all_at(&encode_slot(sequence, &mark), slot_offset(sequence))?;
        self.sequence = sequence;
        self.mark = mark;
        self.unsynced = true;
        Ok(())
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("watermark")
}

fn slot_offset(sequence: u64) -> u64 {
    (sequence % 2) * SLOT_DISTANCE as u64
}

fn read_slot(file: &File, slot: u64) -> io::Result<Option<(u64, Mark)>> {
    let mut bytes = [0; SLOT_BYTES];
    match file.read_exact_at(&mut bytes, slot_offset(slot)) {
        Ok(()) => Ok(decode_slot(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn encode_slot(sequence: u64, mark: &Mark) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(SLOT_BYTES);
    encoder.byte(VERSION);
    encoder.fixed_u64(sequence);
    encoder.raw(&mark.boot.0);
    let last = mark.last.unwrap_or(LogId { term: 0, node: NodeId(0), index: LogIndex(0) });
    encoder.byte(u8::from(mark.last.is_some()));
    encoder.fixed_u64(last.term);
    encoder.fixed_u64(last.node.0);
    encoder.fixed_u64(last.index.0);
    let vote = mark.vote.unwrap_or(Vote { term: 0, node: NodeId(0), committed: false });
    encoder.byte(u8::from(mark.vote.is_some()));
    encoder.fixed_u64(vote.term);
    encoder.fixed_u64(vote.node.0);
    encoder.byte(u8::from(vote.committed));
    let mut bytes = encoder.finish();
    bytes.resize(CHECKED_BYTES, 0);
    let checksum = first_u64(&blake3::hash(&bytes));
    bytes.extend(checksum.to_be_bytes());
    bytes
}

fn decode_slot(bytes: &[u8; SLOT_BYTES]) -> Result<(u64, Mark), DecodeError> {
    let (checked, checksum) = bytes.split_at(CHECKED_BYTES);
    if checksum != first_u64(&blake3::hash(checked)).to_be_bytes() {
        return Err(DecodeError::Invalid("watermark"));
    }
    let mut decoder = Decoder::new(bytes::Bytes::copy_from_slice(checked));
    let version = decoder.byte()?;
    if version != VERSION {
        return Err(DecodeError::UnknownVersion { what: "a watermark", found: u64::from(version) });
    }
    let sequence = decoder.fixed_u64()?;
    let boot = BootId(decoder.array()?);
    let has_last = decoder.byte()? == 1;
    let last =
        LogId { term: decoder.fixed_u64()?, node: NodeId(decoder.fixed_u64()?), index: LogIndex(decoder.fixed_u64()?) };
    let has_vote = decoder.byte()? == 1;
    let vote = Vote { term: decoder.fixed_u64()?, node: NodeId(decoder.fixed_u64()?), committed: decoder.byte()? == 1 };
    Ok((sequence, Mark { boot, last: has_last.then_some(last), vote: has_vote.then_some(vote) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: BootId = BootId([0xb0; 16]);

    fn id(index: u64) -> LogId {
        LogId { term: 5, node: NodeId(2), index: LogIndex(index) }
    }

    fn marked(index: u64) -> Mark {
        Mark { boot: BOOT, last: Some(id(index)), vote: Some(Vote { term: 6, node: NodeId(3), committed: true }) }
    }

    #[test]
    fn a_slot_has_these_bytes() {
        let bytes = encode_slot(9, &marked(300));
        let mut golden = vec![1, 0, 0, 0, 0, 0, 0, 0, 9];
        golden.extend([0xb0; 16]);
        golden.extend([1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0x2c]);
        golden.extend([1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 3, 1]);
        golden.resize(120, 0);
        golden.extend([0x34, 0x13, 0xde, 0x6a, 0x66, 0x8c, 0x74, 0xd7]);
        assert_eq!(bytes, golden);
        assert_eq!(decode_slot(bytes.first_chunk().unwrap()), Ok((9, marked(300))));
        let nothing = Mark { boot: BOOT, last: None, vote: None };
        assert_eq!(decode_slot(encode_slot(1, &nothing).first_chunk().unwrap()), Ok((1, nothing)));
    }

    #[test]
    fn the_newest_slot_counts_and_either_may_be_lost() {
        let directory = tempfile::tempdir().unwrap();
        let mut watermark = Watermark::create(directory.path(), marked(1)).unwrap();
        watermark.raise(Some(id(2)), None).unwrap();
        watermark.raise(Some(id(3)), None).unwrap();
        let last = |directory: &Path| Watermark::open(directory).unwrap().map(|watermark| watermark.mark().last);
        assert_eq!(last(directory.path()), Some(Some(id(3))));

        let whole = fs::read(path(directory.path())).unwrap();
        let mut survivors = Vec::new();
        for slot in [0, SLOT_DISTANCE] {
            let mut broken = whole.clone();
            broken[slot + 30] ^= 1;
            fs::write(path(directory.path()), &broken).unwrap();
            survivors.push(last(directory.path()).unwrap());
        }
        survivors.sort();
        assert_eq!(survivors, [Some(id(2)), Some(id(3))]);

        let mut broken = whole.clone();
        broken[30] ^= 1;
        broken[SLOT_DISTANCE + 30] ^= 1;
        fs::write(path(directory.path()), &broken).unwrap();
        assert_eq!(last(directory.path()), None);
        fs::write(path(directory.path()), &whole[..100]).unwrap();
        assert_eq!(last(directory.path()), None);
    }

    #[test]
    fn a_lowered_mark_stays_low_whichever_slot_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let mut watermark = Watermark::create(directory.path(), marked(9)).unwrap();
        watermark.reset(marked(4), point::WATERMARK_HALF_LOWERED).unwrap();
        let whole = fs::read(path(directory.path())).unwrap();
        for slot in [0, SLOT_DISTANCE] {
            let mut broken = whole.clone();
            broken[slot] ^= 1;
            fs::write(path(directory.path()), &broken).unwrap();
            assert_eq!(Watermark::open(directory.path()).unwrap().unwrap().mark(), marked(4));
        }
    }

    #[test]
    fn a_boot_is_the_same_until_the_next() {
        assert_eq!(BootId::current(), BootId::current());
    }
}
