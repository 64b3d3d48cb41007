//! The `oncelog` binary under test.
//!
//! - It is built once for each test process, with the profile and target directory of the tests themselves, so that
//!   nothing is compiled twice. `ONCELOG_BINARY` names another one.
//! - A harness that cargo does not run takes the binary that lies beside it, if there is one.
//! - The binary for trouble that no ordinary one makes is built apart: it shares the compiled dependencies and never lies
//!   where the ordinary one does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::checkout;

/// The binary as it is shipped.
pub fn ordinary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| match found() {
        Ok(Some(path)) => path,
        Ok(None) => build("oncelog", &[], None),
        Err(why) => panic!("{why}"),
    })
}

/// A binary that need not be built.
fn found() -> Result<Option<PathBuf>, String> {
    if let Some(path) = std::env::var_os("ONCELOG_BINARY") {
        let path = PathBuf::from(path);
        return if path.is_file() {
            Ok(Some(path))
        } else {
            Err(format!("ONCELOG_BINARY names {}, which is not a file", path.display()))
        };
    }
    // What cargo runs is tested as it is now.
    let beside = std::env::current_exe().ok().map(|harness| harness.with_file_name("oncelog"));
    Ok(beside.filter(|beside| std::env::var_os("CARGO").is_none() && beside.is_file()))
}

/// Says why the binaries under test are not to be had here, before anything needs them.
pub fn check(also_chaos: bool) -> Result<(), String> {
    let must_build = found()?.is_none() || also_chaos;
    if must_build && checkout::find().is_none() {
        let what = if also_chaos { "a build of `oncelog` for tests" } else { "the `oncelog` program" };
        let or_name = if also_chaos { "" } else { ", or name the program in ONCELOG_BINARY" };
        return Err(format!(
            "cannot find {what}: run `cargo run -p cluster-tests -- …` in a checkout of the repository{or_name}"
        ));
    }
    let has_cargo = || cargo().arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if must_build && !has_cargo() {
        return Err("cannot run `cargo`, which builds what is under test: put it on the PATH".to_owned());
    }
    Ok(())
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.stdin(Stdio::null());
    cargo
}

/// An example of the client library, as people read it. All of them are built together.
pub fn example(name: &str) -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build_all("example", &["--examples"], None));
    built.get(name).unwrap_or_else(|| panic!("there is no example {name}: {built:?}"))
}

/// A binary like the ordinary one, but
/// - it knows one machine version more, by the same rules;
/// - under [`bug`] it has a bug that some test must catch, or that test proves nothing;
/// - its clock can be another ([`crate::clock`]).
pub fn chaos() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let ordinary = build("oncelog", &[], None);
        let target = ordinary.parent().and_then(Path::parent).expect("a target directory");
        build("oncelog", &["--features", "oncelog/chaos"], Some(target))
    })
}

/// The variable that chooses the bug of [`chaos`].
pub const BUG: &str = "ONCELOG_CHAOS_BUG";

/// The variable that has [`chaos`] have this bug.
pub fn bug(name: &str) -> (String, String) {
    (BUG.to_owned(), name.to_owned())
}

/// Makes a directory in which the ordinary binary is called `oncelog`, and returns a search path that begins with it. What
/// a shell starts from there goes with the shell.
pub fn on_path(directory: &Path) -> String {
    fs::create_dir_all(directory).expect("make a directory for the command");
    let program = directory.join("oncelog");
    fs::write(&program, format!("#!/bin/sh\nexec setpriv --pdeathsig KILL -- '{}' \"$@\"\n", ordinary().display()))
        .expect("write the command");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("make the command a program");
    format!("{}:{}", directory.display(), std::env::var("PATH").expect("a path"))
}

/// Builds a program and returns the path that cargo names.
fn build(name: &str, arguments: &[&str], shared: Option<&Path>) -> PathBuf {
    build_all("bin", arguments, shared).remove(name).expect("cargo names the executable that it built")
}

/// Builds, and returns the paths of all executables of a kind. With `shared`, only what differs is compiled, and the
/// executables land in a directory of their own.
fn build_all(kind: &str, arguments: &[&str], shared: Option<&Path>) -> BTreeMap<String, PathBuf> {
    let mut cargo = cargo();
    cargo.current_dir(checkout::repository()).stderr(Stdio::inherit());
    // With a test beside it, because only then do the features of dependencies come together as they do for the tests,
    // and nothing is compiled a second time.
    cargo.args(["build", "--workspace", "--bin", "oncelog", "--test", "tidy", "--locked", "--quiet"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.args(arguments);
    if let Some(shared) = shared {
        cargo.env("CARGO_BUILD_BUILD_DIR", shared).arg("--target-dir").arg(shared.join("chaos"));
    }
    let output = cargo.output().expect("start cargo");
    assert!(output.status.success(), "cargo could not build what is under test ({arguments:?})");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message.pointer("/target/kind/0").is_some_and(|target| target == kind))
        .filter_map(|message| {
            let name = message.pointer("/target/name")?.as_str()?.to_owned();
            Some((name, PathBuf::from(message.get("executable")?.as_str()?)))
        })
        .collect()
}
