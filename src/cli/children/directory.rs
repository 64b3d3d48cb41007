//! The directory of a cluster of children.
//!
//! - It is new, or empty, or one of ours; anything else is refused and not touched.
//! - It belongs to one process at a time.
//! - What was there before is never removed. What was made here goes at the end, unless it is to be kept.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::cli::problem::Problem;

use super::error::io as failed;
use super::manifest::{self, Manifest};

/// What becomes of a directory that was made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Afterwards {
    /// It is removed.
    Remove,
    /// It stays.
    Keep,
}

/// A directory that this process has for itself.
#[derive(Debug)]
pub(in crate::cli) struct Directory {
    path: PathBuf,
    manifest: Option<Manifest>,
    is_to_go: bool,
    lock: File,
}

impl Directory {
    /// A new one where temporary things are kept.
    pub(in crate::cli) fn temporary(afterwards: Afterwards) -> Result<Self, Problem> {
        let path = std::env::temp_dir().join(format!("oncelog-dev-{:08x}", rand::random::<u32>()));
        Self::at(&path, afterwards)
    }

    /// The one at a path; it is made if there is none.
    pub(in crate::cli) fn at(path: &Path, afterwards: Afterwards) -> Result<Self, Problem> {
        let is_new = make(path).map_err(failed(format!("cannot make the directory {}", path.display())))?;
        let cannot_use = || format!("cannot use the directory {}", path.display());
        let path = path.canonicalize().map_err(failed(cannot_use()))?;
        let lock = File::open(&path).map_err(failed(cannot_use()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::failure(
                    format!("{} is in use by another `oncelog dev`", path.display()),
                    "Stop that one first, or name another directory.",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(cannot_use())(error)),
        }
        let cannot_read = || format!("cannot read {}", manifest::path(&path).display());
        let manifest = Manifest::read(&path).map_err(failed(cannot_read()))?;
        if manifest.is_none() && fs::read_dir(&path).map_err(failed(cannot_use()))?.next().is_some() {
            return Err(Problem::usage(
                format!("{} is not empty, and holds no cluster of `oncelog dev`", path.display()),
                "Name an empty directory, or leave --directory out for a temporary one.",
            ));
        }
        let is_to_go = is_new && afterwards == Afterwards::Remove;
        Ok(Self { path, manifest, is_to_go, lock })
    }

    /// Where it is, from the root on.
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed at the end.
    pub(in crate::cli) fn is_to_go(&self) -> bool {
        self.is_to_go
    }

    /// The cluster that was there before.
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Says whose directory it is.
    pub(super) fn record(&self, manifest: &Manifest) -> Result<(), Problem> {
        manifest.write(&self.path).map_err(failed(format!("cannot write {}", manifest::path(&self.path).display())))
    }

    /// Removes it if it is to go.
    pub(super) fn clear_away(mut self) -> Result<(), Problem> {
        if std::mem::take(&mut self.is_to_go) {
            fs::remove_dir_all(&self.path).map_err(failed(format!("cannot remove {}", self.path.display())))?;
        }
        Ok(())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.is_to_go {
            // On this way something else has failed and is told.
            let _untidy = fs::remove_dir_all(&self.path);
        }
        // Closing alone would not do: a child process that is just being started has the file open, too, for a moment. If
        // this fails, closing does it then.
        let _later = self.lock.unlock();
    }
}

/// Makes a directory that others can't look into; false if it was there.
fn make(path: &Path) -> io::Result<bool> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::exit::Exit;

    use super::*;

    fn manifest() -> Manifest {
        Manifest::new(vec![manifest::Place {
            node_id: 1,
            client_address: ([127, 0, 0, 1], 1).into(),
            peer_address: ([127, 0, 0, 1], 2).into(),
        }])
    }

    #[test]
    fn what_was_made_here_goes_unless_it_is_to_be_kept() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name, afterwards| Directory::at(&parent.path().join(name), afterwards).unwrap();
        for (directory, stays) in [
            (at("a/removed", Afterwards::Remove), false),
            (at("kept", Afterwards::Keep), true),
            (Directory::temporary(Afterwards::Remove).unwrap(), false),
        ] {
            let path = directory.path().to_owned();
            directory.record(&manifest()).unwrap();
            directory.clear_away().unwrap();
            assert_eq!(path.exists(), stays, "{}", path.display());
        }
        let dropped = at("dropped", Afterwards::Remove).path().to_owned();
        assert!(!dropped.exists());
    }

    #[test]
    fn what_was_there_before_stays() {
        let empty = tempfile::tempdir().unwrap();
        let directory = Directory::at(empty.path(), Afterwards::Remove).unwrap();
        assert_eq!((directory.manifest(), directory.is_to_go()), (None, false));
        directory.record(&manifest()).unwrap();
        directory.clear_away().unwrap();

        let again = Directory::at(empty.path(), Afterwards::Remove).unwrap();
        assert_eq!((again.manifest(), again.is_to_go()), (Some(&manifest()), false));
        again.clear_away().unwrap();
        assert!(manifest::path(empty.path()).exists());
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused_and_not_touched() {
        let theirs = tempfile::tempdir().unwrap();
        fs::write(theirs.path().join("letter"), "dear").unwrap();
        let problem = Directory::at(theirs.path(), Afterwards::Remove).unwrap_err();
        assert_eq!(problem.exit(), Exit::Usage);
        assert_eq!(fs::read_dir(theirs.path()).unwrap().count(), 1);
        let problem = Directory::at(&theirs.path().join("letter"), Afterwards::Remove).unwrap_err();
        assert_eq!(problem.exit(), Exit::Failure);
    }

    #[test]
    fn a_directory_in_use_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("used");
        let first = Directory::at(&path, Afterwards::Remove).unwrap();
        let problem = Directory::at(&path, Afterwards::Remove).unwrap_err();
        assert_eq!(problem.exit(), Exit::Failure);
        drop(first);
        assert!(!path.exists());
    }
}
