//! A control group that gives a process little of the machine. Needs root, and version 1 or 2 of them.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A hundred milliseconds, of which a process gets a part.
const PERIOD_US: u32 = 100_000;
/// Where version 2 has all groups, and version 1 a directory for each controller.
const GROUPS: &str = "/sys/fs/cgroup";

/// A group with one process in it.
#[derive(Debug)]
pub struct Cgroup {
    /// Where the process was before.
    home: PathBuf,
    directory: PathBuf,
    process: u32,
    meter: Meter,
}

/// Where the kernel counts how often a process met its limit.
#[derive(Debug, Clone, Copy)]
struct Meter {
    file: &'static str,
    /// What stands before the number.
    name: &'static str,
}

/// A limit, and how one sees that it was met.
struct Limit<'a> {
    settings: &'a [(&'a str, &'a str)],
    meter: Meter,
}

impl Cgroup {
    /// Gives a process this much of each tenth of a second. Says why if this machine can't.
    pub fn with_little_time(process: u32, microseconds: u32) -> Result<Self, String> {
        let (period, quota) = (PERIOD_US.to_string(), microseconds.to_string());
        let both = format!("{quota} {period}");
        let meter = Meter { file: "cpu.stat", name: "nr_throttled " };
        let first = [("cpu.cfs_period_us", &*period), ("cpu.cfs_quota_us", &quota)];
        let second = [("cpu.max", &*both)];
        Self::make(process, "cpu", &Limit { settings: &first, meter }, &Limit { settings: &second, meter })
    }

    /// Gives a process no more memory than this, beside what it has already. Says why if this machine can't.
    pub fn with_little_memory(process: u32, bytes: u64) -> Result<Self, String> {
        let bytes = bytes.to_string();
        let first = [("memory.limit_in_bytes", &*bytes)];
        let second = [("memory.max", &*bytes)];
        Self::make(
            process,
            "memory",
            &Limit { settings: &first, meter: Meter { file: "memory.failcnt", name: "" } },
            &Limit { settings: &second, meter: Meter { file: "memory.events", name: "max " } },
        )
    }

    /// In the version that this machine has.
    fn make(process: u32, controller: &str, first: &Limit<'_>, second: &Limit<'_>) -> Result<Self, String> {
        let (groups, own) = (Path::new(GROUPS), Path::new(GROUPS).join(controller));
        let (root, limit) = match (own.join("cgroup.procs").is_file(), groups.join("cgroup.controllers").is_file()) {
            (true, _) => (own, first),
            (false, true) => (groups.to_owned(), second),
            (false, false) => return Err(format!("there are no control groups for {controller}")),
        };
        // Version 2 may have to be told. Where it can't be, the settings below are not there, and that is said.
        drop(write(&root.join("cgroup.subtree_control"), &format!("+{controller}")));
        let directory = root.join(format!("oncelog-{controller}-{process}"));
        // One that an earlier process of this number has left would have its counts.
        drop(std::fs::remove_dir(&directory));
        std::fs::create_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let home = root.join(group_of(process, controller)?);
        let group = Self { home, directory, process, meter: limit.meter };
        for (file, value) in limit.settings {
            write(&group.directory.join(file), value)?;
        }
        write(&group.directory.join("cgroup.procs"), &process.to_string())?;
        Ok(group)
    }

    /// Whether the process ever met its limit.
    pub fn took_effect(&self) -> bool {
        let said = std::fs::read_to_string(self.directory.join(self.meter.file)).unwrap_or_default();
        said.lines().any(|line| line.strip_prefix(self.meter.name).is_some_and(|count| count != "0"))
    }
}

/// Into a file that is there: the kernel makes them all.
fn write(path: &Path, value: &str) -> Result<(), String> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|mut file| file.write_all(value.as_bytes())).map_err(|error| format!("{}: {error}", path.display()))
}

/// The group that a process is in, below the root of all.
fn group_of(process: u32, controller: &str) -> Result<PathBuf, String> {
    let path = format!("/proc/{process}/cgroup");
    let told = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let group = |line: &str| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        let is_it = controllers.is_empty() || controllers.split(',').any(|name| name == controller);
        is_it.then(|| (!controllers.is_empty(), PathBuf::from(group.trim_start_matches('/'))))
    };
    // That of version 2 has no name; it counts where no other does.
    told.lines().filter_map(group).max().map(|(_, group)| group).ok_or_else(|| format!("{path} names no group"))
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that is gone has left already; a group without any can be removed.
        drop(write(&self.home.join("cgroup.procs"), &self.process.to_string()));
        drop(std::fs::remove_dir(&self.directory));
    }
}
