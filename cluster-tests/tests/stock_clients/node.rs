//! Node's `@grpc/grpc-js`: one client for each address.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::programs::{program, run};
use crate::{SCRIPT_PATIENCE, StockClient};

const INSTALL_PATIENCE: Duration = Duration::from_mins(5);

pub(crate) const CLIENT: StockClient = StockClient {
    folder: "node",
    pins: &["package.json", "package-lock.json"],
    interpreter: "node",
    install,
    script,
    log: "stock-node",
};

fn install(folder: &Path, into: &Path) -> Result<(), String> {
    npm_install(folder, into)?;
    let mut loading = program("node", INSTALL_PATIENCE);
    loading.args(["-e", "require('@grpc/grpc-js'); require('@grpc/proto-loader')"]);
    loading.env("NODE_PATH", into.join("node_modules"));
    run("the packages don't load on this machine", loading).map(drop)
}

fn script(folder: &Path, packages: &Path) -> Command {
    let mut script = program("node", SCRIPT_PATIENCE);
    script.arg(folder.join("story.js")).env("NODE_PATH", packages.join("node_modules"));
    script
}

/// Installs exactly what a client's lock file names.
pub(crate) fn npm_install(folder: &Path, into: &Path) -> Result<(), String> {
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        std::fs::copy(folder.join(file), into.join(file)).expect("copy a client's pins");
    }
    let mut npm = program("npm", INSTALL_PATIENCE);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
    npm.args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"]).current_dir(into);
    run("npm can't install the packages", npm).map(drop)
}
