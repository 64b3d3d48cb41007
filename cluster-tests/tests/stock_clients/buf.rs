//! `buf curl`: a command that learns the API by reflection.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::node::npm_install;
use crate::programs::{program, run};
use crate::{SCRIPT_PATIENCE, StockClient};

const LOADING_PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const CLIENT: StockClient = StockClient {
    folder: "buf",
    pins: &["package.json", "package-lock.json"],
    interpreter: "node",
    install,
    script,
    log: "stock-buf",
};

fn install(folder: &Path, into: &Path) -> Result<(), String> {
    npm_install(folder, into)?;
    // The package for this kind of machine is optional to npm, so its absence shows only here.
    let mut loading = with_buf(program("buf", LOADING_PATIENCE), into);
    loading.arg("--version");
    run("buf does not run on this machine", loading).map(drop)
}

fn script(folder: &Path, packages: &Path) -> Command {
    with_buf(program(folder.join("story.sh"), SCRIPT_PATIENCE), packages)
}

fn with_buf(mut command: Command, packages: &Path) -> Command {
    let mut path = OsString::from(packages.join("node_modules/.bin"));
    if let Some(others) = std::env::var_os("PATH") {
        path.push(":");
        path.push(others);
    }
    command.env("PATH", path).env("BUF_CACHE_DIR", packages.join("cache"));
    command
}
