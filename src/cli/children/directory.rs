//! The directory of a cluster of children, and the file in it that says which nodes the cluster has.
//!
//! - It is new, or empty, or one of ours; anything else is refused and not touched. The file is the sign of ours. It holds
//!   what must stay the same when the cluster is started again, and is replaced whole.
//! - It belongs to one process at a time.
//! - What was there before is never removed. What was made here goes at the end, unless it is to be kept.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::child::{Node, failed};
use crate::cli::arguments::Dev;
use crate::cli::problem::Problem;

/// The format that this build writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// A directory that this process has for itself.
#[derive(Debug)]
pub(in crate::cli) struct Directory {
    /// Where it is, from the root on.
    pub(in crate::cli) path: PathBuf,
    /// Whether it is removed at the end.
    pub(in crate::cli) is_to_go: bool,
    manifest: PathBuf,
    lock: File,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    nodes: Vec<Node>,
}

impl Directory {
    /// The one that is asked for, or a new one where temporary things are kept.
    pub(super) fn open(dev: &Dev) -> Result<Self, Problem> {
        let temporary = || std::env::temp_dir().join(format!("oncelog-dev-{:08x}", rand::random::<u32>()));
        let path = dev.directory.clone().unwrap_or_else(temporary);
        // Others can't look into it.
        let made =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| DirBuilder::new().mode(0o700).create(&path));
        let is_new = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            made => made.map(|()| true).map_err(failed(format!("cannot make the directory {}", path.display())))?,
        };
        let cannot_use = || failed(format!("cannot use the directory {}", path.display()));
        let path = path.canonicalize().map_err(cannot_use())?;
        let lock = File::open(&path).map_err(cannot_use())?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => cannot_use()(error),
            TryLockError::WouldBlock => Problem::failure(
                format!("{} is in use by another `oncelog dev`", path.display()),
                "Stop that one first, or name another directory.",
            ),
        })?;
        Ok(Self { manifest: path.join("oncelog-dev.json"), path, is_to_go: is_new && !dev.keep, lock })
    }

    /// The nodes of the cluster that is there; none if nothing is there.
    pub(super) fn nodes(&self) -> Result<Vec<Node>, Problem> {
        let cannot_use = || failed(format!("cannot use the directory {}", self.path.display()));
        let nodes = self.read().map_err(failed(format!("cannot read {}", self.manifest.display())))?;
        if nodes.is_empty() && fs::read_dir(&self.path).map_err(cannot_use())?.next().is_some() {
            return Err(Problem::usage(
                format!("{} is not empty, and holds no cluster of `oncelog dev`", self.path.display()),
                "Name an empty directory, or leave --directory out for a temporary one.",
            ));
        }
        Ok(nodes.into_iter().map(|node| node.within(&self.path)).collect())
    }

    fn read(&self) -> io::Result<Vec<Node>> {
        let bytes = match fs::read(&self.manifest) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        let Manifest { format, nodes } = serde_json::from_slice(&bytes)?;
        if format != FORMAT || nodes.is_empty() {
            return Err(io::Error::other(format!("format {format} with {} nodes", nodes.len())));
        }
        Ok(nodes)
    }

    /// Writes down which nodes the cluster has.
    pub(super) fn record(&self, nodes: &[Node]) -> Result<(), Problem> {
        let text = format!("{:#}\n", json!({ "format": FORMAT, "nodes": nodes }));
        let beside = self.manifest.with_extension("new");
        let written = fs::write(&beside, text).and_then(|()| fs::rename(beside, &self.manifest));
        written.map_err(failed(format!("cannot write {}", self.manifest.display())))
    }

    /// Removes it if it is to go. No node may run.
    pub(in crate::cli) fn clear_away(&mut self) -> Result<(), Problem> {
        if std::mem::take(&mut self.is_to_go) {
            fs::remove_dir_all(&self.path).map_err(failed(format!("cannot remove {}", self.path.display())))?;
        }
        Ok(())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // On this way something else has failed and is told.
        let _untidy = self.clear_away();
        // Closing alone would not do: a child process that is just being started has the file open, too, for a moment. If
        // this fails, closing does it then.
        let _later = self.lock.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::exit::Exit;

    use super::*;

    fn at(path: &Path) -> Result<Directory, Problem> {
        Directory::open(&Dev { directory: Some(path.to_owned()), ..Dev::default() })
    }

    /// What is written down of the nodes that are there.
    fn nodes(directory: &Directory) -> serde_json::Value {
        json!(directory.nodes().unwrap())
    }

    #[test]
    fn what_was_made_here_goes_unless_it_is_to_be_kept() {
        let parent = tempfile::tempdir().unwrap();
        let kept = Dev { directory: Some(parent.path().join("kept")), keep: true, ..Dev::default() };
        for (directory, stays) in [
            (at(&parent.path().join("a/removed")), false),
            (Directory::open(&kept), true),
            (Directory::open(&Dev::default()), false),
        ] {
            let mut directory = directory.unwrap();
            directory.record(&[Node::new(1, 1)]).unwrap();
            directory.clear_away().unwrap();
            assert_eq!(directory.path.exists(), stays, "{}", directory.path.display());
        }
        let dropped = at(&parent.path().join("dropped")).unwrap().path.clone();
        assert!(!dropped.exists());
    }

    #[test]
    fn what_was_there_before_stays() {
        let empty = tempfile::tempdir().unwrap();
        let mut directory = at(empty.path()).unwrap();
        assert_eq!((nodes(&directory), directory.is_to_go), (json!([]), false));
        directory.record(&[Node::new(1, 1)]).unwrap();
        directory.clear_away().unwrap();
        drop(directory);

        let mut again = at(empty.path()).unwrap();
        assert_eq!((nodes(&again), again.is_to_go), (json!([Node::new(1, 1)]), false));
        again.clear_away().unwrap();
        assert!(again.manifest.exists());
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused_and_not_touched() {
        let theirs = tempfile::tempdir().unwrap();
        fs::write(theirs.path().join("letter"), "dear").unwrap();
        let problem = at(theirs.path()).unwrap().nodes().unwrap_err();
        assert_eq!(problem.exit(), Exit::Usage);
        assert_eq!(fs::read_dir(theirs.path()).unwrap().count(), 1);
        let problem = at(&theirs.path().join("letter")).unwrap().nodes().unwrap_err();
        assert_eq!(problem.exit(), Exit::Failure);
    }

    #[test]
    fn a_directory_in_use_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("used");
        let first = at(&path).unwrap();
        assert_eq!(at(&path).unwrap_err().exit(), Exit::Failure);
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn what_was_written_is_read_again() {
        let empty = tempfile::tempdir().unwrap();
        let directory = at(empty.path()).unwrap();
        for written in [vec![Node::new(1, 7420), Node::new(2, 7430)], vec![Node::new(1, 9)]] {
            directory.record(&written).unwrap();
            assert_eq!(nodes(&directory), json!(written));
        }
        assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_this_build_does_not_understand_is_an_error() {
        let empty = tempfile::tempdir().unwrap();
        let directory = at(empty.path()).unwrap();
        for text in ["", "{}", r#"{"format": 2, "nodes": []}"#, r#"{"format": 1, "nodes": []}"#] {
            fs::write(&directory.manifest, text).unwrap();
            assert!(directory.nodes().is_err(), "{text:?}");
        }
    }
}
