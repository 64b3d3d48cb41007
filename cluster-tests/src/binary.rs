//! The `oncelog` binary under test.
//!
//! - It is built once for each test process, with the profile and target directory of the tests themselves, so that
//!   nothing is compiled twice. `ONCELOG_BINARY` names another one.
//! - The binary that syncs nothing is built apart: it shares the compiled dependencies and never lies where the
//!   ordinary one does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The binary as it is shipped.
pub fn ordinary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| match std::env::var_os("ONCELOG_BINARY") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "ONCELOG_BINARY names {}, which is no file", path.display());
            path
        }
        None => build("oncelog", &[], None),
    })
}

/// The example of the client library, as the documentation shows it.
pub fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("client", &["--example", "client"], None))
}

/// A binary that never asks the disk to sync: it must lose acknowledged records in a power cut, or the test of power
/// cuts proves nothing.
pub fn without_sync() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let ordinary = build("oncelog", &[], None);
        let target = ordinary.parent().and_then(Path::parent).expect("a target directory");
        build("oncelog", &["--features", "oncelog/chaos-no-sync"], Some(target))
    })
}

/// Builds and returns the path that cargo names. With `shared`, only what differs is compiled, and the binary lands in
/// a directory of its own.
fn build(name: &str, arguments: &[&str], shared: Option<&Path>) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cluster-tests lies in the workspace");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).stdin(Stdio::null()).stderr(Stdio::inherit());
    // With a test beside it, because only then do the features of dependencies come together as they do for the tests,
    // and nothing is compiled a second time.
    cargo.args(["build", "--workspace", "--bin", "oncelog", "--test", "tidy", "--locked", "--quiet"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.args(arguments);
    if let Some(shared) = shared {
        cargo.env("CARGO_BUILD_BUILD_DIR", shared).arg("--target-dir").arg(shared.join("chaos"));
    }
    let output = cargo.output().expect("start cargo");
    assert!(output.status.success(), "cargo could not build the binary under test ({arguments:?})");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message.pointer("/target/name").is_some_and(|target| target == name))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .expect("cargo names the executable that it built")
}
