//! A node that dies where it is told to.
//!
//! Every node of a sweep looks for a file of its own that names the point; without it, nothing happens.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, Own};

/// How long a node may take to come to a point. One that a healthy node reaches comes much sooner.
const REACHED: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// The variable for a node, and where its file will be.
pub(super) fn armed_by(file: &std::path::Path) -> Own {
    let variables = vec![("ONCELOG_CHAOS_CRASH".to_owned(), format!("@{}", file.display()))];
    Own { variables, ..Own::default() }
}

/// What a node did that was told to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// It died there.
    Died,
    /// It did all that it had to do, and lives.
    Past,
}

/// A node and its file.
#[derive(Debug)]
pub(super) struct Mortal<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) id: u64,
    pub(super) file: PathBuf,
}

impl Mortal<'_> {
    /// Tells it where to die: now, or when it starts next.
    pub(super) fn arm(&self, point: &str, times: u64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{point}:{times}")).expect("write the file that names a point");
        // Whole at once: the node may look at any time.
        fs::rename(&new, &self.file).expect("name the file that names a point");
    }

    /// From its next start on it may live.
    pub(super) fn disarm(&self) {
        drop(fs::remove_file(&self.file));
    }

    /// Whether it has died where it was told to; an error if it ended in any other way.
    pub(super) fn has_died(&self, point: &str) -> Result<bool, String> {
        let node = self.cluster.node(self.id);
        let Some(status) = node.ended() else { return Ok(false) };
        if status.signal() != Some(Signal::SIGKILL as i32) {
            let words = node.last_words(10);
            return Err(format!(
                "node {} was to die at {point}, and ended otherwise: {status}; it said last:\n{words}",
                self.id
            ));
        }
        node.reap();
        Ok(true)
    }

    /// Waits until it has died at the point.
    pub(super) async fn dies(&self, point: &str) -> Result<(), String> {
        match self.comes(point, async || false).await? {
            Came::Died => Ok(()),
            Came::Past => Err(self.dead_point(point)),
        }
    }

    /// Waits until it has died at the point, or is past it.
    pub(super) async fn comes(&self, point: &str, past: impl AsyncFn() -> bool) -> Result<Came, String> {
        let end = Instant::now() + REACHED;
        loop {
            if self.has_died(point)? {
                return Ok(Came::Died);
            }
            if past().await {
                // It may have died behind this answer.
                return Ok(if self.has_died(point)? { Came::Died } else { Came::Past });
            }
            if Instant::now() >= end {
                return Err(self.dead_point(point));
            }
            sleep(POLL).await;
        }
    }

    /// The sentence for a point that was not reached.
    pub(super) fn dead_point(&self, point: &str) -> String {
        format!("{point} is a dead point: node {} went through all that leads to it, and lives", self.id)
    }
}
