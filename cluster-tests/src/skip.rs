//! Tests that need what a machine may lack.

use std::io::Write as _;

use crate::clock::Clock;
use crate::tracer;

/// Whether this process may mount disks; without that, says why the test is skipped. Under `CI` a skip is a failure.
pub fn unless_root(test: &str) -> bool {
    if nix::unistd::geteuid().is_root() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "{test} was skipped: it needs root, and under CI nothing may be skipped");
    notice(test, "it mounts disks and cuts their power, which needs root");
    true
}

/// Whether this machine has, or is to have, all that any fault needs: under `CI`, or as root with the tools that scripts/setup
/// installs. There a fault that is skipped is one that was not tried.
pub fn has_all() -> bool {
    let tools = ["strace", "ip", "tc", "mkfs.ext4", "prlimit", "python3"];
    let installed = || tools.iter().all(|tool| tracer::is_installed(tool)) && Clock::is_there();
    std::env::var_os("CI").is_some() || (nix::unistd::geteuid().is_root() && installed())
}

/// Says that something is skipped, and why.
pub fn notice(what: &str, why: &str) {
    // Not `eprintln!`: what that writes is captured, and shown only if the test fails. In one piece, because other tests
    // write, too. Where nobody can read it, nobody needs it.
    drop(std::io::stderr().write_all(format!("SKIPPED {what}: {why}\n").as_bytes()));
}
