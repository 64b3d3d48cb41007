//! Programs that are run to their end, within a time.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Duration;

use cluster_tests::launcher::{Launcher, Mounts, mortal};

/// How `timeout` says that it has ended a program.
const TIMED_OUT: i32 = 124;

/// A program that is ended when its time is over, and ends with this test even if the test is killed.
pub(crate) fn program(name: impl AsRef<OsStr>, patience: Duration) -> Command {
    let mut command = mortal("timeout");
    command.arg("--kill-after=5").arg(patience.as_secs().to_string());
    let inner = mortal(name);
    command.arg(inner.get_program()).args(inner.get_args());
    command
}

/// Runs a client of the cluster to its end. Loopback needs no proxy, and gRPC clients would ask one.
pub(crate) fn run_client(what: &str, mut command: Command) -> Result<String, String> {
    for name in ["http_proxy", "https_proxy", "grpc_proxy", "all_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    run(what, command)
}

/// Runs a program to its end. All that it said is the answer if it succeeds, and part of the reason if it does not.
pub(crate) fn run(what: &str, mut command: Command) -> Result<String, String> {
    command.stdin(Stdio::null());
    let output = Launcher::new(Mounts::Shared).run(move || command.output()).expect("start setpriv and timeout");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    if output.status.success() {
        return Ok(said);
    }
    let how = if output.status.code() == Some(TIMED_OUT) { "took too long".into() } else { output.status.to_string() };
    Err(format!("{what}: {how}\n{}", said.trim_end()))
}
