//! What a running process may have of the machine, by `prlimit`.

use std::collections::BTreeSet;
use std::process::Command;

/// Sets a limit, as `prlimit` spells it. Says why if this machine can't.
pub(super) fn set(process: u32, limit: &str) -> Result<(), String> {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &process.to_string(), limit]);
    let output = command.output().map_err(|error| format!("prlimit: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

/// The number that the next file it opens would get.
pub(super) fn next_file(process: u32) -> Result<u64, String> {
    let path = format!("/proc/{process}/fd");
    let open = std::fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?;
    let taken: BTreeSet<u64> = open.flatten().filter_map(|file| file.file_name().to_str()?.parse().ok()).collect();
    // Of one number more than there are files, one is free.
    let free = (0..=taken.len() as u64).find(|number| !taken.contains(number));
    free.ok_or_else(|| format!("{path} has all numbers"))
}

/// How many files it may have open.
pub(super) fn most_files(process: u32) -> Result<u64, String> {
    let path = format!("/proc/{process}/limits");
    let said = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let most = said.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = most.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    soft.ok_or_else(|| format!("{path} does not say how many"))
}
