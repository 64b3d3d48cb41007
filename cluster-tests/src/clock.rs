//! Wall clocks that show what a test wants, by libfaketime. Monotonic time stays what it is: timers, leases and deadlines
//! run as ever.
//!
//! - Only [`crate::binary::chaos`] can have such a clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where Debian and its like have it.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// What the machine's own shows, in milliseconds since 1970: the harness goes by a monotonic one for all else.
#[expect(clippy::disallowed_methods, reason = "stamps of the cluster are compared with it")]
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("a time of our age")
}

/// A clock that some processes share.
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
}

impl Clock {
    /// A clock that shows this much more than the machine's own. It is kept in a file.
    pub fn new(file: &Path, ahead: Duration) -> Self {
        let clock = Self { file: file.to_owned() };
        clock.set_ahead(ahead);
        clock
    }

    /// Puts it to this much more than the machine's own.
    pub fn set_ahead(&self, ahead: Duration) {
        self.set(&format!("+{}", ahead.as_secs()));
    }

    /// Puts it to this much less than the machine's own.
    pub fn set_behind(&self, behind: Duration) {
        self.set(&format!("-{}", behind.as_secs()));
    }

    fn set(&self, seconds: &str) {
        // Replaced whole: a process may read it at any time.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds}\n")).expect("write the clock");
        std::fs::rename(&new, &self.file).expect("put the clock in its place");
    }

    /// Whether this machine has what it takes.
    pub fn is_there() -> bool {
        LIBRARIES.into_iter().any(|library| Path::new(library).is_file())
    }

    /// The environment of a process that goes by it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let library = LIBRARIES.into_iter().find(|library| Path::new(library).is_file());
        let library = library.expect("libfaketime is missing: scripts/setup installs it");
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            variable("LD_PRELOAD", library),
            variable("FAKETIME_TIMESTAMP_FILE", &self.file.to_string_lossy()),
            variable("FAKETIME_NO_CACHE", "1"),
            variable("DONT_FAKE_MONOTONIC", "1"),
            variable("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}
