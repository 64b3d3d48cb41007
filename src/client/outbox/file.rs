//! An outbox's file on disk.
//!
//! - It is only ever added to, at the end of what is synced, or replaced whole. So a crash at any step leaves the old file
//!   or the new one, and behind what is synced nothing but one write that was never acknowledged as durable.
//! - A file gets its name after its content was synced, and is written to after its name was.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::entry::{Entry, EntryNumber};
use super::error::Error;
use super::frame::{self, HEADER_BYTES, Header};
use super::place::{Beside, LockedFile, Place};
use super::recovery::{self, Recovered, Unreadable};
use crate::types::limits::OUTBOX_GROUP_BYTES_TARGET;

/// A file that is open and locked.
#[derive(Debug)]
pub(super) struct OutboxFile {
    place: Place,
    file: LockedFile,
    salt: u64,
    /// Everything before is synced.
    end: u64,
}

/// A whole new file that has the name of the outbox not yet.
#[derive(Debug)]
pub(super) struct Replacement {
    beside: Beside,
    salt: u64,
    end: u64,
}

impl OutboxFile {
    /// Opens a file, or makes it, and reads it back.
    pub(super) fn open(path: &Path) -> Result<(Self, Recovered), Error> {
        let place = Place::find(path)?;
        loop {
            if let Some(file) = place.lock()? {
                return Self::recover(place, file);
            }
            create(&place)?;
        }
    }

    fn recover(place: Place, file: LockedFile) -> Result<(Self, Recovered), Error> {
        let path = place.path();
        let bytes = read(&file, path)?;
        let recovered = recovery::read_back(&bytes).map_err(|unreadable| unreadable.of(path))?;
        let end = recovered.end as u64;
        if let Some(torn) = bytes.len().checked_sub(recovered.end).filter(|torn| *torn > 0) {
            tracing::warn!(path = %path.display(), bytes = torn, "a write that a crash had cut is ignored");
            file.set_len(end).map_err(Error::io("cut the torn end of", path))?;
        }
        // The last frame may have been read from memory only: an earlier process may have died before its sync, or because
        // it failed. Written once more, the sync below tells the truth about it.
        let last = bytes.get(recovered.last..recovered.end).unwrap_or_default();
        file.write_all_at(last, recovered.last as u64).map_err(Error::io("write", path))?;
        file.sync_all().map_err(Error::io("sync", path))?;
        place.sync_name()?;
        if let Err(error) = place.clear_beside() {
            tracing::warn!(%error, "what an earlier compaction left can't be removed");
        }
        Ok((Self { place, file, salt: recovered.salt, end }, recovered))
    }

    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn salt(&self) -> u64 {
        self.salt
    }

    /// How many bytes are synced.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Writes a frame behind what is synced, in place of an earlier one that was written there and not synced.
    pub(super) fn write(&mut self, frame: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(frame, self.end).map_err(Error::io("write", self.path()))
    }

    /// Syncs the frame of this length that was written last.
    pub(super) fn sync(&mut self, frame: usize) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io("sync", self.path()))?;
        // What is in a file without a name is on disk, and nobody will ever find it.
        self.expect_name()?;
        self.end += frame as u64;
        Ok(())
    }

    /// Writes and syncs a new file that holds just these entries. If that fails, nothing has changed.
    pub(super) fn prepare<'a>(
        &self,
        next: EntryNumber,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<Replacement, Error> {
        let replacement = prepare(&self.place, next, entries)?;
        let permissions = self.file.metadata().map(|metadata| metadata.permissions());
        let result = permissions.and_then(|permissions| replacement.beside.file.set_permissions(permissions));
        result.map_err(Error::io("set the permissions of", &replacement.beside.path))?;
        Ok(replacement)
    }

    /// Gives a new file the name. If that fails, it is not known which file will have it after a crash.
    pub(super) fn replace(&mut self, replacement: Replacement) -> Result<(), Error> {
        self.expect_name()?;
        let Replacement { beside, salt, end } = replacement;
        self.file = beside.take_name(&self.place)?;
        (self.salt, self.end) = (salt, end);
        Ok(())
    }

    fn expect_name(&self) -> Result<(), Error> {
        let named = self.place.leads_to(&self.file)?;
        if named { Ok(()) } else { Err(Error::Replaced { path: self.path().to_owned() }) }
    }

    /// Makes what follows go to another file.
    #[cfg(test)]
    pub(super) fn write_to(&mut self, file: File) {
        self.file = file.into();
    }

    /// Makes names be synced in another directory.
    #[cfg(test)]
    pub(super) fn sync_names_in(&mut self, directory: File) {
        self.place.sync_names_in(directory);
    }
}

/// Reads the whole file, unless it does not begin like an outbox: it could be of any size then.
fn read(mut file: &File, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(HEADER_BYTES as u64).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    recovery::read_back(&bytes).map_err(|unreadable| unreadable.of(path))?;
    file.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}

impl Unreadable {
    fn of(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Foreign => Error::NotAnOutbox { path },
            Self::UnknownVersion(found) => Error::UnknownVersion { path, found },
            Self::DamagedAt(offset) => Error::Damaged { path, offset: offset as u64 },
        }
    }
}

/// Makes an empty outbox, unless somebody else does.
fn create(place: &Place) -> Result<(), Error> {
    let replacement = prepare(place, EntryNumber::FIRST, std::iter::empty())?;
    // Whoever else may give the name holds the same lock, so what is looked at here still holds in the next step.
    if fs::exists(place.path()).map_err(Error::io("look at", place.path()))? {
        return replacement.beside.remove();
    }
    replacement.beside.take_name(place).map(drop)
}

fn prepare<'a>(
    place: &Place,
    next: EntryNumber,
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<Replacement, Error> {
    let beside = place.beside()?;
    let salt = rand::random();
    match write_whole(&beside.file, Header { salt, next }, entries) {
        Ok(end) => Ok(Replacement { beside, salt, end }),
        Err(error) => {
            let error = Error::io("write", &beside.path)(error);
            // The disk may be full of it; if it can't be removed either, the next one takes its place.
            let _ = beside.remove();
            Err(error)
        }
    }
}

/// Writes and syncs a header and entries, and returns where they end.
fn write_whole<'a>(mut file: &File, header: Header, mut entries: impl Iterator<Item = &'a Entry>) -> io::Result<u64> {
    file.write_all(&header.encode())?;
    let mut end = HEADER_BYTES as u64;
    loop {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while bytes < OUTBOX_GROUP_BYTES_TARGET
            && let Some(entry) = entries.next()
        {
            bytes += entry.bytes;
            group.push((entry.number, frame::encode_command(&entry.command)));
        }
        if group.is_empty() {
            file.sync_all()?;
            return Ok(end);
        }
        let numbered = group.iter().map(|(number, command)| (*number, command.as_ref()));
        let frame = frame::encode(header.salt, end, &[], numbered);
        file.write_all(&frame)?;
        end += frame.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn making_an_outbox_takes_no_name_that_somebody_else_gave_meanwhile() {
        let directory = TempDir::new().unwrap();
        let place = Place::find(&directory.path().join("outbox")).unwrap();
        create(&place).unwrap();
        let theirs = place.lock().unwrap().unwrap();
        create(&place).unwrap();
        assert!(place.leads_to(&theirs).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_a_large_file_that_is_no_outbox_only_the_beginning_is_read() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("image");
        // More than fits in memory, and none of it on disk.
        fs::write(&path, "not an outbox").unwrap();
        File::options().write(true).open(&path).unwrap().set_len(1 << 42).unwrap();
        assert!(matches!(OutboxFile::open(&path), Err(Error::NotAnOutbox { .. })));
    }
}
