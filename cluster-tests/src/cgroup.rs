//! A control group that gives a process little of the processors' time. Needs root, and version 1 or 2 of them.

use std::path::{Path, PathBuf};

/// A hundred milliseconds, of which a process gets a part.
const PERIOD_US: u32 = 100_000;

/// A group with one process in it.
#[derive(Debug)]
pub struct Cgroup {
    root: PathBuf,
    directory: PathBuf,
    process: u32,
}

impl Cgroup {
    /// Gives a process this much of each tenth of a second. Says why if this machine can't.
    pub fn with_little_time(process: u32, microseconds: u32) -> Result<Self, String> {
        let (first, second) = (Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup"));
        let has_first = first.join("cgroup.procs").is_file();
        let root = if has_first { first } else { second };
        let directory = root.join(format!("oncelog-{process}"));
        std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let group = Self { root: root.to_owned(), directory, process };
        if has_first {
            group.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
            group.write("cpu.cfs_quota_us", &microseconds.to_string())?;
        } else {
            group.write("cpu.max", &format!("{microseconds} {PERIOD_US}"))?;
        }
        group.write("cgroup.procs", &process.to_string())?;
        Ok(group)
    }

    /// Whether the process ever had to stand still for it.
    pub fn took_effect(&self) -> bool {
        let said = std::fs::read_to_string(self.directory.join("cpu.stat")).unwrap_or_default();
        said.lines().any(|line| line.strip_prefix("nr_throttled ").is_some_and(|count| count != "0"))
    }

    fn write(&self, file: &str, value: &str) -> Result<(), String> {
        let path = self.directory.join(file);
        std::fs::write(&path, value).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that is gone has left already; a group without any can be removed.
        drop(std::fs::write(self.root.join("cgroup.procs"), self.process.to_string()));
        drop(std::fs::remove_dir(&self.directory));
    }
}
