//! A directory that goes when nobody uses it any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The right to use a directory. Once it is given up, the last holder's end removes it.
#[derive(Debug)]
pub(super) struct Lease {
    path: PathBuf,
    given_up: AtomicBool,
}

impl Lease {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, given_up: AtomicBool::new(false) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Another directory has taken its place.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// It is needed after all.
    pub(super) fn keep(&self) {
        self.given_up.store(false, Ordering::Release);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.given_up.load(Ordering::Acquire)
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            // What stays is swept up when the state is next opened.
            tracing::warn!(path = %self.path.display(), %error, "could not remove a directory of the state");
        }
    }
}
