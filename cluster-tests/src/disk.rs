//! Disks whose power can be cut.
//!
//! A disk is an ext4 in an image file, mounted over a loop device. Cutting its power (`EXT4_IOC_SHUTDOWN` without a log
//! flush) throws away what was not synced, as a real cut does, which no kill of a process can. What matters is only what
//! the file system does after the next mount.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::launcher::Launcher;

/// `ioctl` numbers need `unsafe` in Rust; Python asks the same of the kernel. All directories are opened first, so that
/// the cuts come as close together as they can.
const CUT: &str = "
import fcntl, os, struct, sys
EXT4_IOC_SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587D, 2
disks = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]]
for disk in disks:
    fcntl.ioctl(disk, EXT4_IOC_SHUTDOWN, struct.pack('I', WITHOUT_LOG_FLUSH))
";

/// A disk, mounted where only its launcher's processes see it.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    directory: PathBuf,
    launcher: Arc<Launcher>,
}

impl Disk {
    /// Makes and mounts one. The launcher must have private mounts.
    pub fn make(launcher: &Arc<Launcher>, parent: &Path, name: &str, mebibytes: u64) -> Self {
        let disk = Self {
            image: parent.join(format!("{name}.ext4")),
            directory: parent.join(name),
            launcher: Arc::clone(launcher),
        };
        let image = std::fs::File::create(&disk.image).expect("make the disk's image");
        image.set_len(mebibytes << 20).expect("give the disk's image its size");
        std::fs::create_dir_all(&disk.directory).expect("make the mount point");
        let mut format = Command::new("mkfs.ext4");
        format.args(["-q", "-F"]).arg(&disk.image);
        launcher.succeed(format);
        disk.mount();
        disk
    }

    /// Where it is mounted.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Mounts it: after a power cut this is the moment that shows what was synced.
    pub fn mount(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop,noatime"]).arg(&self.image).arg(&self.directory);
        self.launcher.succeed(mount);
    }

    /// Syncs all that was written to it.
    pub fn sync(&self) {
        let mut sync = Command::new("sync");
        sync.arg("--file-system").arg(&self.directory);
        self.launcher.succeed(sync);
    }

    /// Unmounts it. No process may use it any more.
    pub fn unmount(&self) {
        let mut unmount = Command::new("umount");
        unmount.arg(&self.directory);
        self.launcher.succeed(unmount);
    }
}

/// Cuts the power of all these disks at once. They take no more writes and forget what was not synced.
pub fn cut_power(disks: &[Disk]) {
    let first = disks.first().expect("at least one disk");
    let mut cut = Command::new("python3");
    cut.args(["-c", CUT]).args(disks.iter().map(Disk::directory));
    first.launcher.succeed(cut);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::Mounts;
    use crate::scratch::Scratch;
    use crate::skip;

    fn shell(launcher: &Launcher, directory: &Path, script: &str) -> bool {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(directory);
        launcher.run(move || command.status()).unwrap().success()
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_loses_the_rest() {
        if skip::unless_root("a_power_cut_keeps_what_was_synced_and_loses_the_rest") {
            return;
        }
        let scratch = Scratch::new("power-cut-of-a-disk");
        let launcher = Arc::new(Launcher::new(Mounts::Private));
        let disk = Disk::make(&launcher, scratch.path(), "disk", 32);
        // A shell's working directory must not keep the disk busy: it is entered by the script.
        let enter = format!("cd {}", disk.directory().display());
        assert!(shell(
            &launcher,
            scratch.path(),
            &format!("{enter}; echo synced >kept; sync kept .; echo unsynced >lost")
        ));

        cut_power(std::slice::from_ref(&disk));
        disk.unmount();
        disk.mount();

        assert!(shell(&launcher, scratch.path(), &format!("{enter}; test -s kept; test ! -e lost")));
        assert!(!disk.directory().join("kept").exists(), "the mount is to be private");
        disk.unmount();
    }
}
