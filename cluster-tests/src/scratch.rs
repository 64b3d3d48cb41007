//! A test's directory: gone when the test has passed, kept and named when it has failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own on a real disk, beside the build.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty one.
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = root().join(format!("{name}-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("make the directory {}: {error}", path.display()));
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.path.display());
        } else {
            // What cannot be removed is only untidy; the test has passed.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

/// Beside the test's own executable, and thus in the target directory: a disk that really syncs, unlike `/tmp` may be.
fn root() -> PathBuf {
    let executable = std::env::current_exe().expect("the path of the test's own executable");
    executable.parent().and_then(Path::parent).expect("the executable lies in a target directory").join("cluster-tests")
}
