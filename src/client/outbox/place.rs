//! The name of an outbox's file, its lock, and the file beside it that may take its name.
//!
//! - A lock counts only while the name leads to the locked file: between opening and locking, the name may have gone to
//!   another one.
//! - Whoever gives a file the outbox's name holds that file's lock already. So a name that is in use is always locked.
//! - Whoever writes, renames or removes the file beside the outbox holds *its* lock. So nobody's half-written file gets
//!   the name, and nobody's is taken away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::Error;

/// A file that is locked until this is dropped.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for LockedFile {
    /// Closing alone would not do: a child process that is just being started has the file open, too, for a moment.
    fn drop(&mut self) {
        // If it fails, closing does it a moment later.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
impl From<File> for LockedFile {
    fn from(file: File) -> Self {
        Self(file)
    }
}

/// Where an outbox is.
#[derive(Debug)]
pub(super) struct Place {
    /// Without symbolic links, and whatever the working directory becomes: the name is given anew by a compaction.
    path: PathBuf,
    directory: File,
}

impl Place {
    pub(super) fn find(path: &Path) -> Result<Self, Error> {
        let found = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => in_its_directory(path),
            found => found,
        };
        let path = found.map_err(Error::io("find", path))?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let directory = File::open(directory).map_err(Error::io("open", directory))?;
        Ok(Self { path, directory })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens and locks the outbox; `None` if there is none.
    pub(super) fn lock(&self) -> Result<Option<LockedFile>, Error> {
        lock(&self.path, || OpenOptions::new().read(true).write(true).open(&self.path))
    }

    /// Makes and locks the file beside the outbox. It is empty, whatever a crash has left there.
    pub(super) fn beside(&self) -> Result<Beside, Error> {
        let path = self.path_beside();
        let mut options = OpenOptions::new();
        // Payloads are nobody else's business unless somebody says so.
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        loop {
            if let Some(file) = lock(&path, || options.open(&path))? {
                file.set_len(0).map_err(Error::io("empty", &path))?;
                return Ok(Beside { path, file });
            }
        }
    }

    /// Removes what a crash has left beside the outbox.
    pub(super) fn clear_beside(&self) -> Result<(), Error> {
        let path = self.path_beside();
        match lock(&path, || OpenOptions::new().write(true).open(&path))? {
            Some(file) => Beside { path, file }.remove(),
            None => Ok(()),
        }
    }

    /// Whether the name leads to this file.
    pub(super) fn leads_to(&self, file: &File) -> Result<bool, Error> {
        leads_to(&self.path, file).map_err(Error::io("look at", &self.path))
    }

    /// Makes the name durable, whichever file it leads to.
    pub(super) fn sync_name(&self) -> Result<(), Error> {
        self.directory.sync_all().map_err(Error::io("sync the directory of", &self.path))
    }

    fn path_beside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".rewrite");
        name.into()
    }

    #[cfg(test)]
    pub(super) fn sync_names_in(&mut self, directory: File) {
        self.directory = directory;
    }
}

/// A locked file that may become the outbox.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) path: PathBuf,
    pub(super) file: LockedFile,
}

impl Beside {
    /// Gives it the name of the outbox. The lock goes with it.
    pub(super) fn take_name(self, place: &Place) -> Result<LockedFile, Error> {
        fs::rename(&self.path, &place.path).map_err(Error::io("rename", &self.path))?;
        place.sync_name()?;
        Ok(self.file)
    }

    pub(super) fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))
    }
}

fn in_its_directory(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(parent)?.join(name))
}

/// Opens and locks the file that a path leads to; `None` if it leads to none.
fn lock(path: &Path, mut open: impl FnMut() -> io::Result<File>) -> Result<Option<LockedFile>, Error> {
    loop {
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(Error::io("open", path))?,
        };
        // Reading a pipe would wait for ever.
        if !file.metadata().map_err(Error::io("look at", path))?.is_file() {
            return Err(Error::NotAnOutbox { path: path.to_owned() });
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
        let file = LockedFile(file);
        if leads_to(path, &file).map_err(Error::io("look at", path))? {
            return Ok(Some(file));
        }
    }
}

fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    let named = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        named => named?,
    };
    let open = file.metadata()?;
    Ok((named.dev(), named.ino()) == (open.dev(), open.ino()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn place() -> (TempDir, Place) {
        let directory = TempDir::new().unwrap();
        let place = Place::find(&directory.path().join("outbox")).unwrap();
        (directory, place)
    }

    #[test]
    fn a_name_that_is_in_use_is_said_to_be() {
        let (_directory, place) = place();
        assert!(place.lock().unwrap().is_none());
        let held = place.beside().unwrap().take_name(&place).unwrap();
        assert!(matches!(place.lock(), Err(Error::InUse { path }) if path == place.path));
        drop(held);
        assert!(place.lock().unwrap().is_some());
    }

    #[test]
    fn a_lock_is_given_up_though_a_child_process_still_has_the_file_open() {
        let (_directory, place) = place();
        let held = place.beside().unwrap().take_name(&place).unwrap();
        let of_the_child = held.try_clone().unwrap();
        assert!(matches!(place.lock(), Err(Error::InUse { .. })));
        drop(held);
        assert!(place.lock().unwrap().is_some());
        drop(of_the_child);
    }

    #[test]
    fn a_file_that_lost_its_name_before_it_was_locked_is_let_go() {
        let (_directory, place) = place();
        drop(place.beside().unwrap().take_name(&place).unwrap());
        // Somebody opened the old file; before they lock it, a compaction puts another one in its place.
        let mut opened_before = Some(File::open(&place.path).unwrap());
        let held = place.beside().unwrap().take_name(&place).unwrap();
        let mut open = || opened_before.take().map_or_else(|| File::open(&place.path), Ok);
        assert!(matches!(lock(&place.path, &mut open), Err(Error::InUse { .. })));

        let mut opened_before = Some(File::open(&place.path).unwrap());
        drop(held);
        drop(place.beside().unwrap().take_name(&place).unwrap());
        let open = || opened_before.take().map_or_else(|| File::open(&place.path), Ok);
        let locked = lock(&place.path, open).unwrap().unwrap();
        assert!(place.leads_to(&locked).unwrap());
    }

    #[test]
    fn what_somebody_else_writes_beside_is_left_alone() {
        let (_directory, place) = place();
        let theirs = place.beside().unwrap();
        assert!(matches!(place.beside(), Err(Error::InUse { .. })));
        assert!(matches!(place.clear_beside(), Err(Error::InUse { .. })));
        assert!(theirs.path.exists());
        theirs.remove().unwrap();
        place.clear_beside().unwrap();
    }

    #[test]
    fn a_symbolic_link_stays_one_when_the_file_is_replaced() {
        let (directory, place) = place();
        drop(place.beside().unwrap().take_name(&place).unwrap());
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&place.path, &link).unwrap();
        let through_link = Place::find(&link).unwrap();
        drop(through_link.beside().unwrap().take_name(&through_link).unwrap());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(through_link.path, place.path);
    }

    #[test]
    fn what_is_no_file_is_no_outbox() {
        assert!(matches!(Place::find(Path::new("/dev/null")).unwrap().lock(), Err(Error::NotAnOutbox { .. })));
        let error = Place::find(Path::new("/no-such-directory/outbox")).unwrap_err();
        assert!(error.to_string().starts_with("cannot find /no-such-directory/outbox: "), "{error}");
    }
}
