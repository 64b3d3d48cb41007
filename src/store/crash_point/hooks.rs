//! In tests: hooks that are called at the points of a directory, and images of what a killed process would leave.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Point;

type Action = Arc<dyn Fn(&'static str) -> io::Result<()> + Send + Sync>;

struct Installed {
    number: u64,
    directory: PathBuf,
    action: Action,
}

static INSTALLED: Mutex<Vec<Installed>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Tells the hooks of this directory and those above that a store has come this far.
pub(crate) fn reached(directory: &Path, point: Point) {
    for action in actions(directory) {
        action(point.name()).expect("a crash point is no place for a fault");
    }
}

/// Tells the hooks likewise; any of them may make the coming step fail.
pub(crate) fn fault(directory: &Path, point: Point) -> io::Result<()> {
    actions(directory).into_iter().try_for_each(|action| action(point.name()))
}

fn actions(directory: &Path) -> Vec<Action> {
    let installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    installed.iter().filter(|hook| directory.starts_with(&hook.directory)).map(|hook| hook.action.clone()).collect()
}

/// What a test does at the points of one directory, until this is dropped.
pub(crate) struct Hook {
    number: u64,
}

impl Hook {
    /// Calls `action` with the name of each point reached in `directory` or below.
    pub(crate) fn install(directory: &Path, action: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self::install_action(
            directory,
            Arc::new(move |point| {
                action(point);
                Ok(())
            }),
        )
    }

    /// Makes every step behind the fault point of this name fail.
    pub(crate) fn fail(directory: &Path, failing: &'static str) -> Self {
        Self::install_action(
            directory,
            Arc::new(
                move |point| {
                    if point == failing { Err(io::Error::other(format!("injected at {point}"))) } else { Ok(()) }
                },
            ),
        )
    }

    fn install_action(directory: &Path, action: Action) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let installed = Installed { number, directory: directory.to_owned(), action };
        INSTALLED.lock().unwrap_or_else(PoisonError::into_inner).push(installed);
        Self { number }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        INSTALLED.lock().unwrap_or_else(PoisonError::into_inner).retain(|hook| hook.number != self.number);
    }
}

/// Copies a directory as it is now. `to` must not be there yet.
///
/// What background threads replace meanwhile makes it start again, so what it returns was there all at once.
pub(crate) fn image(from: &Path, to: &Path) {
    for _ in 0..100 {
        let before = listing(from);
        let copied = copy(from, to);
        if copied.is_ok() && listing(from) == before {
            return;
        }
        fs::remove_dir_all(to).expect("an unfinished image can be removed");
    }
    panic!("{} does not stand still", from.display());
}

fn listing(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for item in fs::read_dir(directory).into_iter().flatten().flatten() {
        match item.metadata() {
            Ok(metadata) if metadata.is_dir() => files.extend(listing(&item.path())),
            // RocksDB's chatter changes at any time and means nothing.
            _ if item.file_name().to_string_lossy().starts_with("LOG") => {}
            Ok(metadata) => files.push((item.path(), metadata.len())),
            Err(_) => {}
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy(&item.path(), &target)?;
        } else {
            fs::copy(item.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::point;
    use super::*;

    #[test]
    fn a_hook_sees_its_own_directory_and_below_until_it_is_dropped() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hook = Hook::install(Path::new("/data/one"), {
            let seen = seen.clone();
            move |point| seen.lock().unwrap().push(point)
        });
        reached(Path::new("/data/one"), point::GROUP_BEGUN);
        reached(Path::new("/data/one/raft"), point::GROUP_SYNCED);
        reached(Path::new("/data/two"), point::GROUP_MARKED);
        drop(hook);
        reached(Path::new("/data/one"), point::GROUP_ANSWERED);
        assert_eq!(*seen.lock().unwrap(), ["group.begun", "group.synced"]);
    }

    #[test]
    fn a_fault_fails_its_own_point_only() {
        let _hook = Hook::fail(Path::new("/data/three"), "watermark.sync");
        assert!(fault(Path::new("/data/three"), point::WATERMARK_WRITE).is_ok());
        assert!(fault(Path::new("/data/three"), point::WATERMARK_SYNC).is_err());
        assert!(fault(Path::new("/data/four"), point::WATERMARK_SYNC).is_ok());
    }

    #[test]
    fn an_image_holds_what_was_there_and_nothing_of_what_came_later() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("inner")).unwrap();
        fs::write(from.join("inner/file"), "then").unwrap();
        image(&from, &to);
        fs::write(from.join("inner/file"), "later").unwrap();
        assert_eq!(fs::read_to_string(to.join("inner/file")).unwrap(), "then");
    }
}
