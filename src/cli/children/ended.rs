//! A node that has ended although nobody here stopped it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::types::NodeId;

/// How much of a log is shown when its node has ended.
const LAST_LINES: usize = 12;
/// Where the last lines are looked for.
const LAST_BYTES: u64 = 16 << 10;

/// A node that has ended, and what it said last.
#[derive(Debug)]
pub(in crate::cli) struct Ended {
    node: NodeId,
    pid: u32,
    status: ExitStatus,
    log: PathBuf,
    last_words: String,
}

impl Ended {
    pub(super) fn new(node: NodeId, pid: u32, status: ExitStatus, log: &Path) -> Self {
        let last_words = last_words(log).unwrap_or_else(|error| format!("(cannot read it: {error})"));
        Self { node, pid, status, log: log.to_owned(), last_words }
    }

    /// Whether it failed. A node that somebody has killed, or told to stop, did not.
    pub(in crate::cli) fn is_failure(&self) -> bool {
        !self.status.success() && self.status.signal() != Some(Signal::SIGKILL as i32)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, pid, status, log, last_words } = self;
        write!(formatter, "node {node} (pid {pid}) has ended: {status}. The end of {}:", log.display())?;
        last_words.lines().try_for_each(|line| write!(formatter, "\n    {line}"))
    }
}

/// The last lines of a log.
fn last_words(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn ended(wait_status: i32) -> Ended {
        let status = ExitStatus::from_raw(wait_status);
        Ended { node: NodeId(2), pid: 4711, status, log: "node-2/log".into(), last_words: "a\nb".to_owned() }
    }

    #[test]
    fn a_node_that_somebody_ended_has_not_failed() {
        let [killed, told, refused, aborted] = [9, 0, 1 << 8, 6].map(|status| ended(status).is_failure());
        assert_eq!([killed, told, refused, aborted], [false, false, true, true]);
    }

    #[test]
    fn a_node_that_has_ended_is_told_with_its_last_words() {
        let expected = "node 2 (pid 4711) has ended: exit status: 1. The end of node-2/log:\n    a\n    b";
        assert_eq!(ended(1 << 8).to_string(), expected);
    }

    #[test]
    fn last_words_are_few_however_long_the_log_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(last_words(file.path()).unwrap(), "");
        let lines: Vec<_> = (0..100_000).map(|number| format!("line {number}")).collect();
        fs::write(file.path(), lines.join("\n")).unwrap();
        let words = last_words(file.path()).unwrap();
        assert_eq!((words.lines().count(), words.lines().last()), (LAST_LINES, Some("line 99999")));
    }
}
