//! Python's `grpcio`: one channel over several addresses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::programs::{program, run};
use crate::{SCRIPT_PATIENCE, StockClient};

const INSTALL_PATIENCE: Duration = Duration::from_mins(5);

pub(crate) const CLIENT: StockClient = StockClient {
    folder: "python",
    pins: &["requirements.txt"],
    interpreter: "python3",
    install,
    script,
    log: "stock-python",
};

fn install(folder: &Path, into: &Path) -> Result<(), String> {
    let mut environment = program("python3", INSTALL_PATIENCE);
    environment.args(["-m", "venv"]).arg(into);
    run("python3 makes no virtual environment", environment)?;

    // Nothing is compiled: that would take half an hour and a compiler.
    let mut pip = program(python(into), INSTALL_PATIENCE);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    pip.args(["--retries", "1", "--timeout", "20", "--requirement"]).arg(folder.join("requirements.txt"));
    run("pip can't install the packages", pip)?;

    let mut loading = program(python(into), INSTALL_PATIENCE);
    loading.args(["-c", "import grpc, grpc_health, grpc_status, grpc_tools, google.rpc.error_details_pb2"]);
    run("the packages don't load on this machine", loading).map(drop)
}

fn script(folder: &Path, packages: &Path) -> Command {
    let mut script = program(python(packages), SCRIPT_PATIENCE);
    script.arg(folder.join("story.py"));
    script
}

/// What runs Python with these packages.
pub(crate) fn python(packages: &Path) -> PathBuf {
    packages.join("bin/python")
}
