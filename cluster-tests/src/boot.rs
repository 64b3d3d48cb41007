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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::Mounts;
    use crate::scratch::Scratch;
    use crate::skip;

    #[test]
    fn processes_see_a_new_boot_after_each_and_the_machine_keeps_its_own() {
        if skip::unless_root("processes_see_a_new_boot_after_each_and_the_machine_keeps_its_own") {
            return;
        }
        let scratch = Scratch::new("boot");
        let launcher = Launcher::new(Mounts::Private);
        let told = |launcher: &Launcher| {
            let output = launcher.run(|| Command::new("cat").arg(TOLD).output()).unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let own = std::fs::read_to_string(TOLD).unwrap();
        let boot = Boot::begin(&launcher, scratch.path());
        let first = told(&launcher);
        boot.next();
        let second = told(&launcher);
        assert!(first != second && first != own && second.len() == own.len(), "{own}{first}{second}");
        assert_eq!(std::fs::read_to_string(TOLD).unwrap(), own);
    }
}
