//! The packages of a client, installed once beside the build.
//!
//! - Installed for one set of pins and one version of the interpreter; as long as these stay, nothing is fetched again.
//! - Either all of it is there or nothing counts: the mark is written last and removed first.
//! - What can't be had is an `Err` with the reason. What this test does wrong itself is a panic.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::StockClient;
use crate::programs::{program, run};

const VERSION_PATIENCE: Duration = Duration::from_secs(20);
/// Lines of an installer's complaint that are passed on: some say first what was wrong, others last.
const FIRST_LINES: usize = 4;
const LAST_LINES: usize = 3;

/// Installed packages, not touched by another run as long as this lives.
pub(crate) struct Packages {
    path: PathBuf,
    _lock: File,
}

impl Packages {
    /// Installs what is not installed yet.
    pub(crate) fn prepare(client: &StockClient) -> Result<Self, String> {
        Self::prepare_in_full(client).map_err(|reason| shortened(&reason))
    }

    fn prepare_in_full(client: &StockClient) -> Result<Self, String> {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stock-clients");
        fs::create_dir_all(&home).expect("make the directory of the packages");
        let lock = File::create(home.join(format!("{}.lock", client.folder))).expect("make the lock of the packages");
        lock.lock().expect("lock the packages");

        let path = home.join(client.folder);
        let mark = home.join(format!("{}.installed", client.folder));
        let wanted = wanted(client)?;
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { path, _lock: lock });
        }
        gone(fs::remove_file(&mark));
        gone(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("make the directory of a client's packages");
        (client.install)(&client.path(), &path)?;
        fs::write(&mark, wanted).expect("mark the packages as installed");
        Ok(Self { path, _lock: lock })
    }

    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Insists that something is gone, also if it never was there.
fn gone(removed: io::Result<()>) {
    if let Err(error) = removed {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "remove what was installed before: {error}");
    }
}

/// What the packages depend on.
fn wanted(client: &StockClient) -> Result<String, String> {
    let mut interpreter = program(client.interpreter, VERSION_PATIENCE);
    interpreter.arg("--version");
    let mut wanted = run(client.interpreter, interpreter)?;
    for pins in client.pins {
        wanted += &fs::read_to_string(client.path().join(pins)).expect("read a client's pins");
    }
    Ok(wanted)
}

fn shortened(reason: &str) -> String {
    let lines: Vec<&str> = reason.lines().filter(|line| !line.trim().is_empty()).collect();
    let cut = lines.len().saturating_sub(FIRST_LINES + LAST_LINES);
    let (first, others) = lines.split_at(lines.len().min(FIRST_LINES));
    let ellipsis = if cut > 0 { &["…"][..] } else { &[] };
    [first, ellipsis, others.get(cut..).unwrap_or_default()].concat().join("\n  ")
}

#[test]
fn a_long_complaint_keeps_its_beginning_and_its_end() {
    let complaint = |lines: usize| (0..lines).map(|line| line.to_string()).collect::<Vec<_>>().join("\n\n");
    assert_eq!(shortened(&complaint(100)), "0\n  1\n  2\n  3\n  …\n  97\n  98\n  99");
    assert_eq!(shortened(&complaint(7)), "0\n  1\n  2\n  3\n  4\n  5\n  6");
    assert_eq!(shortened("npm: exit status: 1\n"), "npm: exit status: 1");
}
