//! Disks whose power can be cut.
//!
//! A disk is an ext4 in an image file, mounted over a loop device. Cutting its power (`EXT4_IOC_SHUTDOWN` without a log
//! flush) throws away what was not synced, as a real cut does, which no kill of a process can. What matters is only what
//! the file system does after the next mount.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use nix::fcntl::{FallocateFlags, fallocate};

use crate::launcher::{Launcher, Mounts};
use crate::scratch::Scratch;

/// `ioctl` numbers need `unsafe` in Rust; Python asks the same of the kernel. All directories are opened first, so that
/// the cuts come as close together as they can.
const CUT: &str = "
import fcntl, os, struct, sys
EXT4_IOC_SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587D, 2
disks = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]]
for disk in disks:
    fcntl.ioctl(disk, EXT4_IOC_SHUTDOWN, struct.pack('I', WITHOUT_LOG_FLUSH))
";

/// The smallest piece of a disk.
const BLOCK: i64 = 4_096;

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
        // No part of it is kept for root, which nodes may run as.
        format.args(["-q", "-F", "-m", "0"]).arg(&disk.image);
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
        // What is not synced stays away from the disk for as long as it can.
        mount.args(["-o", "loop,noatime,errors=remount-ro,commit=300"]).arg(&self.image).arg(&self.directory);
        self.launcher.succeed(mount);
    }

    /// Syncs all that was written to it.
    pub fn sync(&self) {
        let mut sync = Command::new("sync");
        sync.arg("--file-system").arg(&self.directory);
        self.launcher.succeed(sync);
    }

    /// Fills it up to the last block.
    pub fn fill(&self) {
        let path = self.filling();
        self.launcher.run(move || {
            let file = std::fs::File::create(path).expect("make the file that fills the disk");
            let (mut length, mut step) = (0, 1 << 30);
            while step >= BLOCK {
                match fallocate(&file, FallocateFlags::empty(), length, step) {
                    Ok(()) => length += step,
                    Err(_) => step /= 2,
                }
            }
        });
    }

    /// Gives back the room that filling it took.
    pub fn empty(&self) {
        let path = self.filling();
        self.launcher.run(move || std::fs::remove_file(path)).expect("remove the file that fills the disk");
    }

    fn filling(&self) -> PathBuf {
        self.directory.join("filling")
    }

    /// Has its file system find an error in itself, so that it takes no more writes. Says why if this machine can't.
    pub fn break_down(&self) -> Result<(), String> {
        let mut find = Command::new("findmnt");
        find.args(["--noheadings", "--output", "SOURCE"]).arg(&self.directory);
        let found = self.launcher.run(move || find.output()).map_err(|error| format!("findmnt: {error}"))?;
        let source = String::from_utf8_lossy(&found.stdout).trim().replace("/dev/", "");
        let trigger = format!("/sys/fs/ext4/{source}/trigger_fs_error");
        std::fs::write(&trigger, "1").map_err(|error| format!("{trigger}: {error}"))
    }

    /// Repairs its file system. It must not be mounted.
    pub fn repair(&self) {
        let mut check = Command::new("e2fsck");
        check.args(["-f", "-y"]).arg(&self.image);
        let status = self.launcher.run(move || check.output()).expect("start e2fsck").status;
        // 1: it found something and mended it.
        assert!(matches!(status.code(), Some(0 | 1)), "e2fsck of {}: {status}", self.image.display());
    }

    /// Unmounts it. No process may use it any more.
    pub fn unmount(&self) {
        let mut unmount = Command::new("umount");
        unmount.arg(&self.directory);
        self.launcher.succeed(unmount);
    }
}

/// Whether this machine can do all that. Tried once.
pub fn are_possible() -> Result<(), String> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    let tried = || {
        if !nix::unistd::geteuid().is_root() {
            return Err("it mounts disks, which needs root".to_owned());
        }
        let scratch = Scratch::new("disks");
        let cut = || {
            let disk = Disk::make(&Arc::new(Launcher::new(Mounts::Private)), scratch.path(), "tried", 16);
            cut_power(&[&disk]);
            disk.unmount();
        };
        // Whatever is missing, a command or a right of the kernel, ends it with a panic.
        std::panic::catch_unwind(AssertUnwindSafe(cut)).map_err(|_| "it can mount no disk and cut its power".to_owned())
    };
    TRIED.get_or_init(tried).clone()
}

/// Cuts the power of all these disks at once. They take no more writes and forget what was not synced.
pub fn cut_power(disks: &[&Disk]) {
    let first = disks.first().expect("at least one disk");
    let mut cut = Command::new("python3");
    cut.args(["-c", CUT]).args(disks.iter().map(|disk| disk.directory()));
    first.launcher.succeed(cut);
}

#[cfg(test)]
mod tests {
    use super::*;
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

        cut_power(&[&disk]);
        disk.unmount();
        disk.mount();

        assert!(shell(&launcher, scratch.path(), &format!("{enter}; test -s kept; test ! -e lost")));
        assert!(!disk.directory().join("kept").exists(), "the mount is to be private");
        disk.unmount();
    }
}
