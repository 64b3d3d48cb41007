//! Snapshots: a whole state that stands still, as files.
//!
//! - What a snapshot ends at is read out of it. The state goes on while a checkpoint is made.
//! - A published snapshot never changes. Its tables are hard links, so it costs what has been compacted away since.
//! - Its directory goes when another has been published and nobody reads it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::{self, SnapshotName};
use super::error::Error;
use super::generation;
use super::lease::Lease;
use super::staging::PART;
use crate::store::files;
use crate::types::limits::NAME_BYTES_MAX;
use crate::types::{LogId, StoredMembership};

/// What a snapshot is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The last entry in it.
    pub last: Option<LogId>,
    /// The last membership in it.
    pub membership: StoredMembership,
    /// Its files.
    pub files: Vec<FilePart>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Its name, without a directory.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// The crc32c of all of it.
    pub checksum: u32,
}

impl Manifest {
    /// Checks what came from another node: every name is one file's, in the directory and nowhere else.
    pub fn check(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for file in &self.files {
            if !is_file_name(&file.name) {
                return Err(Error::Manifest(format!("{:?} is not a file's name", file.name)));
            }
            if !seen.insert(&file.name) {
                return Err(Error::Manifest(format!("{} is named twice", file.name)));
            }
        }
        Ok(())
    }

    /// How many bytes its files have.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Whether `RocksDB` may have made a file of this name. It makes no hidden files, and none that ends as ours do while they
/// are received.
fn is_file_name(name: &str) -> bool {
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ours = Path::new(name).extension().is_some_and(|extension| extension == PART);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('.') && !ours && name.bytes().all(alphabet)
}

/// Whether a file is a table, which never changes once it is written.
pub(super) fn is_table(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "sst")
}

/// A published snapshot. It stays while somebody has it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    lease: Lease,
    name: SnapshotName,
    last: Option<LogId>,
    membership: StoredMembership,
    checksums: Arc<Checksums>,
    manifest: Mutex<Option<Manifest>>,
}

impl Snapshot {
    /// The snapshot in a directory.
    pub(super) fn new(
        directory: &Path,
        name: SnapshotName,
        last: Option<LogId>,
        membership: StoredMembership,
        checksums: Arc<Checksums>,
    ) -> Self {
        let lease = Lease::new(directory.to_owned());
        Self { inner: Arc::new(Inner { lease, name, last, membership, checksums, manifest: Mutex::new(None) }) }
    }

    /// The snapshot that was published before the state was opened.
    pub(super) fn reopen(directory: &Path, name: SnapshotName, checksums: Arc<Checksums>) -> Result<Self, Error> {
        let applied = generation::glance(directory)?;
        if applied.log_id.map(|last| last.index) != name.index {
            return Err(Error::corrupt(directory.display().to_string(), "it does not end where its name says"));
        }
        Ok(Self::new(directory, name, applied.log_id, applied.membership, checksums))
    }

    pub(super) fn give_up(&self) {
        self.inner.lease.give_up();
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        self.inner.lease.path()
    }

    /// The last entry in it.
    pub fn last(&self) -> Option<LogId> {
        self.inner.last
    }

    /// The last membership in it.
    pub fn membership(&self) -> StoredMembership {
        self.inner.membership.clone()
    }

    /// What it is made of. The first call reads all of its files that no snapshot before it had.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let mut manifest = self.inner.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = &*manifest {
            return Ok(manifest.clone());
        }
        let mut names = directory::list(self.directory())?;
        names.sort_unstable();
        let checksums = &self.inner.checksums;
        let files = checksums.of_files(self.inner.name.generation, self.directory(), names)?;
        let made = Manifest { last: self.inner.last, membership: self.membership(), files };
        Ok(manifest.insert(made).clone())
    }

    /// Opens one of its files for reading.
    pub fn open_file(&self, name: &str) -> Result<File, Error> {
        if !is_file_name(name) {
            return Err(Error::Manifest(format!("{name:?} is not a file's name")));
        }
        let path = self.directory().join(name);
        File::open(&path).map_err(Error::file("open", &path))
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        files::size_of_directory(self.directory())
    }
}

/// Checksums of tables that snapshots share: a table never changes, and its number is used once in a generation.
#[derive(Debug, Default)]
pub(super) struct Checksums {
    known: Mutex<BTreeMap<(u64, String), (u64, u32)>>,
}

impl Checksums {
    /// The checksums of a snapshot's files. Afterwards those of its tables are known, and no others.
    fn of_files(&self, generation: u64, directory: &Path, names: Vec<String>) -> Result<Vec<FilePart>, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = BTreeMap::new();
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            let path = directory.join(&name);
            let key = (generation, name);
            let (bytes, checksum) = match known.get(&key) {
                Some(&known) => known,
                None => checksum(&path)?,
            };
            if is_table(&key.1) {
                tables.insert(key.clone(), (bytes, checksum));
            }
            parts.push(FilePart { name: key.1, bytes, checksum });
        }
        *known = tables;
        Ok(parts)
    }
}

/// A file's length and crc32c.
pub(super) fn checksum(path: &Path) -> Result<(u64, u32), Error> {
    let read = || {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 20];
        let (mut bytes, mut checksum) = (0, 0);
        loop {
            let count = file.read(&mut buffer)?;
            let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
                return Ok((bytes, checksum));
            };
            bytes += count as u64;
            checksum = crc32c::crc32c_append(checksum, part);
        }
    };
    read().map_err(Error::file("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(names: &[&str]) -> Manifest {
        let part = |name: &&str| FilePart { name: (*name).to_owned(), bytes: 1, checksum: 0 };
        let files = names.iter().map(part).collect();
        Manifest { last: None, membership: StoredMembership::default(), files }
    }

    #[test]
    fn a_manifest_names_files_of_its_own_directory_once_and_nothing_else() {
        assert!(manifest(&["CURRENT", "MANIFEST-000005", "000012.sst", "OPTIONS-000007"]).check().is_ok());
        for name in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "a\0", ".hidden", "000012.sst.part", "é"] {
            assert!(manifest(&[name]).check().is_err(), "{name:?}");
        }
        assert!(manifest(&["CURRENT", "CURRENT"]).check().is_err());
    }
}
