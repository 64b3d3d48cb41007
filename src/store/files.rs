//! What must be synced for a file to be there after a power cut.
//!
//! - A file's content is there once the file is synced; its name is there once its directory is.
//! - A replaced file holds either its old or its new content, whole, whenever power fails.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::types::seeded_bug::{Bug, seeded};

/// Whether the Raft log is synced. Only a process that has to fail the test of power cuts says no.
pub(crate) fn syncs() -> bool {
    !seeded(Bug::NothingSynced)
}

/// Makes a directory and its missing parents, and their names durable.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    create_directory(&parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(|error| within("make the directory", path, &error))?,
    }
    sync_directory(&parent)
}

/// Makes the content of a file durable.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| within("sync", path, &error))
}

/// Makes the names in a directory durable: files made, renamed or removed.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| within("sync the directory", path, &error))
}

/// Gives a file this content: after a crash at any step it holds the old content or the new, whole.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|error| within("write", &new, &error))?;
    rename(&new, path)
}

/// Renames a file or directory and makes the names durable.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).map_err(|error| within("rename", from, &error))?;
    let (source, target) = (parent(from), parent(to));
    if source != target {
        sync_directory(&source)?;
    }
    sync_directory(&target)
}

/// Removes a directory with all it holds, and its name durably; one that is not there is fine.
pub(crate) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_directory(&parent(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(within("remove", path, &error)),
    }
}

/// Copies a database's directory without copying its tables, and makes the copy durable.
///
/// Tables (`.sst`) never change once written, so they are hard links. Everything else may be written or cut in place when
/// either side is opened, so it is copied. `to` must not be there yet.
pub(crate) fn link_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to).map_err(|error| within("make the directory", to, &error))?;
    for item in fs::read_dir(from).map_err(|error| within("list", from, &error))? {
        let item = item.map_err(|error| within("list", from, &error))?;
        let (source, target) = (item.path(), to.join(item.file_name()));
        if item.file_type().map_err(|error| within("list", from, &error))?.is_dir() {
            link_directory(&source, &target)?;
        } else if source.extension().is_some_and(|extension| extension == "sst") {
            fs::hard_link(&source, &target).map_err(|error| within("link", &source, &error))?;
        } else {
            fs::copy(&source, &target).map_err(|error| within("copy", &source, &error))?;
            sync_file(&target)?;
        }
    }
    sync_directory(to)?;
    sync_directory(&parent(to))
}

/// The bytes of all files in a directory. Files that go while it looks are not counted.
pub(crate) fn size_of_directory(path: &Path) -> u64 {
    let Ok(items) = fs::read_dir(path) else { return 0 };
    items
        .flatten()
        .map(|item| match item.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of_directory(&item.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// A path beside this one: `raft` and `new` give `raft.new`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// An error of the same kind that says what was tried.
pub(crate) fn within(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not {verb} {}: {error}", path.display()))
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_content_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        replace(&path, b"old and longer").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_linked_directory_shares_tables_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        create_directory(&from.join("inner")).unwrap();
        for name in ["1.sst", "2.log", "inner/3.sst"] {
            fs::write(from.join(name), "before").unwrap();
        }
        link_directory(&from, &to).unwrap();
        for name in ["1.sst", "2.log", "inner/3.sst"] {
            fs::write(to.join(name), "after!").unwrap();
        }
        assert_eq!(fs::read_to_string(from.join("1.sst")).unwrap(), "after!");
        assert_eq!(fs::read_to_string(from.join("inner/3.sst")).unwrap(), "after!");
        assert_eq!(fs::read_to_string(from.join("2.log")).unwrap(), "before");
        assert!(link_directory(&from, &to).is_err(), "it is there already");
        assert_eq!(size_of_directory(&to), 18);
        remove_directory(&to).unwrap();
        remove_directory(&to).unwrap();
        assert!(!to.exists());
    }

    #[test]
    fn an_error_says_what_was_tried_and_where() {
        let error = sync_file(Path::new("/nowhere/file")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("could not sync /nowhere/file: "), "{error}");
    }
}
