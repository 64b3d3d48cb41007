//! Why a cluster of children does not run.

use std::io;
use std::net::SocketAddr;

use crate::cli::problem::Problem;

use super::ended::Ended;

/// Why nodes that were started do not run.
#[derive(Debug)]
pub(super) enum NotUp {
    /// Another program listens where a node is to.
    Taken(SocketAddr),
    /// Something that other ports would not mend.
    Failed(Problem),
}

impl From<Problem> for NotUp {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<NotUp> for Problem {
    fn from(not_up: NotUp) -> Self {
        match not_up {
            NotUp::Taken(address) => taken(address),
            NotUp::Failed(problem) => problem,
        }
    }
}

pub(super) fn taken(address: SocketAddr) -> Problem {
    Problem::failure(
        format!("{address} is taken by another program"),
        "Stop what listens there, or choose other ports. A cluster keeps the ports that it began with.",
    )
}

pub(super) fn has_ended(ended: &Ended) -> Problem {
    Problem::failure(ended.to_string(), SEE_LOGS)
}

/// What to do when the nodes do not become what they should.
pub(super) const SEE_LOGS: &str = "Read the logs of the nodes; --keep leaves them where they are.";

/// Says what was tried.
pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Problem {
    let what = what.into();
    move |error| Problem::failure(format!("{what}: {error}"), "Check the permissions and limits of this machine.")
}
