//! A snapshot on its way in.
//!
//! - A file has its name only once it is whole, has the checksum of the manifest, and is synced.
//! - A transfer that was cut goes on after its whole files.
//! - One transfer at a time: a later one takes the directory, and the earlier one can't write any more.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::directory;
use super::error::Error;
use super::snapshot::{FilePart, Manifest, checksum};
use crate::store::crash_point::{point, reached};
use crate::store::files;

/// How the name of a file ends that is not whole.
pub(super) const PART: &str = "part";

/// Who may write to the staging directory: the transfer that began last.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn {
    last: Arc<Mutex<u64>>,
}

impl Turn {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A snapshot that is being received.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    manifest: Manifest,
    turn: Turn,
    mine: u64,
    partial: Option<Partial>,
}

#[derive(Debug)]
struct Partial {
    part: FilePart,
    path: PathBuf,
    file: File,
    bytes: u64,
    checksum: u32,
}

impl Staging {
    /// Takes the staging directory over, keeping those files that are whole.
    pub(super) fn begin(path: PathBuf, turn: &Turn, manifest: &Manifest) -> Result<Self, Error> {
        manifest.check()?;
        let mut last = turn.lock();
        *last += 1;
        let staging = Self { path, manifest: manifest.clone(), turn: turn.clone(), mine: *last, partial: None };
        files::create_directory(&staging.path)?;
        for name in directory::list(&staging.path)? {
            let path = staging.path.join(&name);
            let wanted = manifest.files.iter().find(|part| part.name == name);
            let whole = match wanted {
                Some(part) => checksum(&path)? == (part.bytes, part.checksum),
                None => false,
            };
            if !whole {
                directory::remove(&path)?;
            }
        }
        drop(last);
        Ok(staging)
    }

    /// The files that are here whole.
    pub fn present(&self) -> Vec<String> {
        let whole = |part: &&FilePart| self.path.join(&part.name).exists();
        self.manifest.files.iter().filter(whole).map(|part| part.name.clone()).collect()
    }

    /// What is being received.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Takes a part of a file. The parts of a file come in order, files one after another; a part at 0 begins its file
    /// again. After an error the file can be sent again.
    pub fn write(&mut self, file: &str, at: u64, bytes: &[u8], checksum: u32) -> Result<(), Error> {
        let turn = self.turn.clone();
        let _turn = self.take_turn(&turn)?;
        let wrong = |what: String| Error::Part { file: file.to_owned(), what };
        let Some(part) = self.manifest.files.iter().find(|part| part.name == file) else {
            return Err(wrong("the manifest does not name it".to_owned()));
        };
        if crc32c::crc32c(bytes) != checksum {
            return Err(wrong(format!("the checksum of the part at {at} differs")));
        }
        if self.path.join(file).exists() {
            return Ok(());
        }
        let mut partial = match self.partial.take() {
            Some(partial) if partial.part.name == file && partial.bytes == at => partial,
            _ if at == 0 => Partial::begin(&self.path, part)?,
            _ => return Err(wrong(format!("a part at {at} does not follow what is here"))),
        };
        partial.append(bytes)?;
        reached(&self.path, point::RECEIVE_PART_WRITTEN);
        if partial.bytes < part.bytes {
            self.partial = Some(partial);
            return Ok(());
        }
        partial.finish(&self.path)
    }

    /// Checks that everything is here and makes the names durable. Files were checked and synced as they became whole.
    pub fn finish(&mut self) -> Result<(), Error> {
        let turn = self.turn.clone();
        let _turn = self.take_turn(&turn)?;
        for part in &self.manifest.files {
            let path = self.path.join(&part.name);
            if part.bytes == 0 && !path.exists() {
                Partial::begin(&self.path, part)?.finish(&self.path)?;
            }
            let whole = path.metadata().is_ok_and(|file| file.is_file() && file.len() == part.bytes);
            if !whole {
                return Err(Error::Part { file: part.name.clone(), what: "it is not here whole".to_owned() });
            }
        }
        if let Some(partial) = self.partial.take() {
            directory::remove(&partial.path)?;
        }
        files::sync_directory(&self.path)?;
        reached(&self.path, point::RECEIVE_FINISHED);
        Ok(())
    }

    /// Keeps every other transfer from the directory while `work` goes on in it.
    pub(super) fn in_turn<T>(&self, work: impl FnOnce(&Path) -> Result<T, Error>) -> Result<T, Error> {
        let _turn = self.take_turn(&self.turn)?;
        work(&self.path)
    }

    fn take_turn<'turn>(&self, turn: &'turn Turn) -> Result<MutexGuard<'turn, u64>, Error> {
        let last = turn.lock();
        if *last == self.mine { Ok(last) } else { Err(Error::Superseded) }
    }
}

impl Partial {
    fn begin(directory: &Path, part: &FilePart) -> Result<Self, Error> {
        let path = files::beside(&directory.join(&part.name), PART);
        let file = File::create(&path).map_err(Error::file("make", &path))?;
        Ok(Self { part: part.clone(), path, file, bytes: 0, checksum: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::file("write", &self.path))?;
        self.bytes += bytes.len() as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        Ok(())
    }

    fn finish(self, directory: &Path) -> Result<(), Error> {
        if (self.bytes, self.checksum) != (self.part.bytes, self.part.checksum) {
            directory::remove(&self.path)?;
            let what = "its length or checksum is not what the manifest says".to_owned();
            return Err(Error::Part { file: self.part.name, what });
        }
        self.file.sync_all().map_err(Error::file("sync", &self.path))?;
        reached(directory, point::RECEIVE_FILE_SYNCED);
        let whole = directory.join(&self.part.name);
        fs::rename(&self.path, &whole).map_err(Error::file("rename", &self.path))?;
        reached(directory, point::RECEIVE_FILE_WHOLE);
        Ok(())
    }
}
