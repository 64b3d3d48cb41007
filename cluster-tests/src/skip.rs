//! Tests that need what a machine may lack.

/// Whether this process may mount disks; without that, says why the test is skipped. Under `CI` a skip is a failure.
pub fn unless_root(test: &str) -> bool {
    if nix::unistd::geteuid().is_root() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "{test} was skipped: it needs root, and under CI nothing may be skipped");
    eprintln!("SKIPPED {test}: it mounts disks and cuts their power, which needs root");
    true
}
