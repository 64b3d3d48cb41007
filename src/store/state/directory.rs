//! Where a state keeps what, and the switch that says which generation is the state.
//!
//! ```text
//! current                  the switch: version `1` · generation `u64` · crc32c of both `u32`, all big-endian
//! 3/                       the generation that it names
//! snapshot-3-00…0712/      the published snapshot: of generation 3, through index 712
//! building/                a checkpoint that is not published
//! staging/                 a snapshot that is being received, or not yet switched to
//! ```
//!
//! - The switch is replaced, never written over: a crash leaves the old one or the new one.
//! - Whatever the switch does not name, but for a snapshot of the generation that it names, is a leftover.
//! - A snapshot has its name only once all of it is on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::store::files;
use crate::types::LogIndex;

const SWITCH: &str = "current";
/// What [`files::replace`] writes before it takes the switch's place.
const SWITCH_NEW: &str = "current.new";
const SWITCH_VERSION: u8 = 1;
const BUILDING: &str = "building";
const BUILDING_PRISTINE: &str = "building-pristine";
const STAGING: &str = "staging";
const PROBE: &str = "probe";
const SNAPSHOT_PREFIX: &str = "snapshot-";
const INDEX_NONE: &str = "none";

/// The directory of one group's state.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
}

/// A snapshot's name. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotName {
    pub(super) generation: u64,
    pub(super) index: Option<LogIndex>,
}

impl SnapshotName {
    fn parse(name: &str) -> Option<Self> {
        let (generation, index) = name.strip_prefix(SNAPSHOT_PREFIX)?.split_once('-')?;
        let index = if index == INDEX_NONE { None } else { Some(LogIndex(index.parse().ok()?)) };
        let parsed = Self { generation: generation.parse().ok()?, index };
        (parsed.text() == name).then_some(parsed)
    }

    fn text(self) -> String {
        let index = self.index.map_or_else(|| INDEX_NONE.to_owned(), |index| format!("{:020}", index.0));
        format!("{SNAPSHOT_PREFIX}{}-{index}", self.generation)
    }
}

impl Directory {
    /// Makes the directory if it is not there.
    pub(super) fn open(root: &Path) -> Result<Self, Error> {
        files::create_directory(root)?;
        Ok(Self { root: root.to_owned() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn generation(&self, number: u64) -> PathBuf {
        self.root.join(number.to_string())
    }

    pub(super) fn snapshot(&self, name: SnapshotName) -> PathBuf {
        self.root.join(name.text())
    }

    pub(super) fn building(&self) -> PathBuf {
        self.root.join(BUILDING)
    }

    pub(super) fn building_pristine(&self) -> PathBuf {
        self.root.join(BUILDING_PRISTINE)
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    pub(super) fn probe(&self) -> PathBuf {
        self.root.join(PROBE)
    }

    /// Which generation is the state; none before the first.
    pub(super) fn current(&self) -> Result<Option<u64>, Error> {
        let path = self.root.join(SWITCH);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", &path)(error)),
        };
        match decode_switch(&bytes) {
            Some(generation) => Ok(Some(generation)),
            None => Err(Error::corrupt(path.display().to_string(), "not a switch, or its checksum differs")),
        }
    }

    /// Makes a generation the state, durably. All of it must be on disk.
    pub(super) fn switch(&self, generation: u64) -> Result<(), Error> {
        Ok(files::replace(&self.root.join(SWITCH), &encode_switch(generation))?)
    }

    /// Generations that are there, current or not.
    pub(super) fn generations(&self) -> Result<Vec<u64>, Error> {
        Ok(self.names()?.iter().filter_map(|name| parse_generation(name)).collect())
    }

    /// The snapshots of a generation, oldest first.
    pub(super) fn snapshots(&self) -> Result<Vec<SnapshotName>, Error> {
        let mut snapshots: Vec<_> = self.names()?.iter().filter_map(|name| SnapshotName::parse(name)).collect();
        snapshots.sort_unstable();
        Ok(snapshots)
    }

    /// Removes all that a crash may have left behind: everything of ours but the switch, the current generation and the
    /// last snapshot of it. What is not ours stays.
    pub(super) fn sweep(&self, current: u64) -> Result<Option<SnapshotName>, Error> {
        let published = self.snapshots()?.into_iter().rfind(|name| name.generation == current);
        for name in self.names()? {
            let leftover = match (parse_generation(&name), SnapshotName::parse(&name)) {
                (Some(generation), _) => generation != current,
                (None, Some(snapshot)) => Some(snapshot) != published,
                (None, None) => {
                    // RocksDB builds a checkpoint under a name of its own before it has the one asked for.
                    name == STAGING || name == PROBE || name.starts_with(BUILDING) || name == SWITCH_NEW
                }
            };
            if leftover {
                remove(&self.root.join(name))?;
            }
        }
        Ok(published)
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        list(&self.root)
    }
}

/// The names in a directory. One that is not text is none of ours.
pub(super) fn list(path: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(path).map_err(Error::file("list", path))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
    let names: io::Result<Vec<_>> = names.filter_map(io::Result::transpose).collect();
    names.map_err(Error::file("list", path))
}

/// Removes a file or a directory with all that is in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
        _ => Ok(()),
    }
}

fn parse_generation(name: &str) -> Option<u64> {
    let number: u64 = name.parse().ok()?;
    (number.to_string() == name).then_some(number)
}

fn encode_switch(generation: u64) -> Vec<u8> {
    let mut bytes = vec![SWITCH_VERSION];
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

fn decode_switch(bytes: &[u8]) -> Option<u64> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    let (version, generation) = content.split_first_chunk::<1>()?;
    let generation: [u8; 8] = generation.try_into().ok()?;
    let whole = *version == [SWITCH_VERSION] && u32::from_be_bytes(*checksum) == crc32c::crc32c(content);
    whole.then(|| u64::from_be_bytes(generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_has_the_bytes_that_it_has_on_disk() {
        let bytes = encode_switch(0x0102);
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0, 0, 1, 2, 0xbd, 0x42, 0x56, 0x6b]);
        assert_eq!(decode_switch(&bytes), Some(0x0102));
    }

    #[test]
    fn a_switch_with_any_bit_flipped_or_byte_missing_is_refused() {
        let bytes = encode_switch(3);
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert_eq!(decode_switch(&flipped), None, "bit {at}");
        }
        for length in 0..bytes.len() {
            assert_eq!(decode_switch(&bytes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn names_of_snapshots_come_back_and_sort_by_index() {
        let name = |index| SnapshotName { generation: 2, index };
        for index in [None, Some(LogIndex(0)), Some(LogIndex(712)), Some(LogIndex(u64::MAX))] {
            assert_eq!(SnapshotName::parse(&name(index).text()), Some(name(index)));
        }
        assert!(name(None) < name(Some(LogIndex(9))) && name(Some(LogIndex(9))) < name(Some(LogIndex(10))));
        assert_eq!(SnapshotName::parse("snapshot-2-712"), None);
    }

    #[test]
    fn a_sweep_leaves_the_current_generation_its_last_snapshot_and_what_is_not_ours() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = Directory::open(root.path()).expect("opens");
        let old = SnapshotName { generation: 2, index: Some(LogIndex(5)) };
        let last = SnapshotName { generation: 2, index: Some(LogIndex(9)) };
        let other = SnapshotName { generation: 3, index: Some(LogIndex(11)) };
        let names = ["1", "2", "3", "staging", "building", "building.tmp", "probe", "lost+found", "07"];
        let snapshots = [old, last, other].map(SnapshotName::text);
        for name in names.iter().copied().chain(snapshots.iter().map(String::as_str)) {
            fs::create_dir(root.path().join(name)).expect("makes a directory");
        }
        directory.switch(2).expect("switches");
        fs::write(root.path().join("current.new"), "half").expect("writes");

        assert_eq!(directory.sweep(2).expect("sweeps"), Some(last));
        let mut left = directory.names().expect("lists");
        left.sort();
        assert_eq!(left, ["07", "2", "current", "lost+found", &last.text()]);
    }
}
