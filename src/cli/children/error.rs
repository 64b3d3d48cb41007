//! Why a cluster of children does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::problem::Problem;
use crate::client;

use super::process::Ended;

/// Why a cluster of children does not run.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Error {
    /// A directory, a file, a port or a process could not be had.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The directory holds something else.
    #[error("{} is not empty, and no cluster of `oncelog dev`", .0.display())]
    NotOurs(PathBuf),
    /// Another process has the directory.
    #[error("{} is in use by another `oncelog dev`", .0.display())]
    InUse(PathBuf),
    /// The cluster in the directory is not the one that was asked for.
    #[error("the cluster in {} has {has}, not {asked}: that can't be changed", directory.display())]
    OtherCluster {
        /// Where.
        directory: PathBuf,
        /// What it has.
        has: String,
        /// What was asked for.
        asked: String,
    },
    /// Another program listens where a node is to.
    #[error("{0} is taken by another program")]
    Taken(SocketAddr),
    /// A node has ended, and nobody asked it to.
    #[error("{0}")]
    Ended(Box<Ended>),
    /// The nodes don't make a cluster.
    #[error(transparent)]
    Client(Box<client::Error>),
    /// It took too long.
    #[error("waited {} s in vain until {what}: {why_not}", .time.as_secs())]
    TimeOver {
        /// How long.
        time: Duration,
        /// For what.
        what: &'static str,
        /// What was not so at the end.
        why_not: String,
    },
}

impl Error {
    /// What to do.
    fn advice(&self) -> &'static str {
        match self {
            Self::NotOurs(_) => "Name an empty directory, or none for a temporary one.",
            Self::InUse(_) => "Stop that one first, or name another directory.",
            Self::OtherCluster { .. } => "Leave that option out, or name another directory for another cluster.",
            Self::Taken(_) => {
                "Stop what listens there, or choose other ports. A cluster keeps those that it began with."
            }
            Self::Io { .. } => "See the permissions and limits of this machine.",
            Self::Ended(_) | Self::Client(_) | Self::TimeOver { .. } => {
                "See the logs of the nodes; --keep leaves them where they are."
            }
        }
    }

    /// Whether the command line asks for what can't be, rather than that something failed.
    pub(in crate::cli) fn is_misuse(&self) -> bool {
        matches!(self, Self::NotOurs(_) | Self::OtherCluster { .. })
    }
}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Client(error) => Self::Client(error),
            misuse if misuse.is_misuse() => Self::usage(misuse.to_string(), misuse.advice()),
            other => Self::failure(other.to_string(), other.advice()),
        }
    }
}

/// Says what was tried.
pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}
