//! The boot that processes are told they run in. A power cut ends one, and so it must do for a node: what it takes for lost
//! or for kept depends on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use uuid::Uuid;

use crate::launcher::Launcher;

/// Where the kernel tells it.
const TOLD: &str = "/proc/sys/kernel/random/boot_id";

/// It, as the processes of one launcher see it.
#[derive(Debug)]
pub struct Boot {
    id: PathBuf,
}

impl Boot {
    /// Begins one. The launcher must have private mounts.
    pub fn begin(launcher: &Launcher, directory: &Path) -> Self {
        let boot = Self { id: directory.join("boot-id") };
        boot.next();
        let mut mount = Command::new("mount");
        mount.arg("--bind").arg(&boot.id).arg(TOLD);
        launcher.succeed(mount);
        boot
    }

    /// Ends it, and begins the next.
    pub fn next(&self) {
        // In place: the mount is of this very file.
        std::fs::write(&self.id, format!("{}\n", Uuid::new_v4())).expect("write the id of a boot");
    }
}
