//! What can go wrong with the log. Nothing here may be retried: memory is ahead of the disk from then on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::types::{LogId, LogIndex};

/// Why the log can't go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk no longer holds what it was told to hold.
    #[error(
        "the Raft log in {} is damaged: {reason}. Something that this node acknowledged may be gone, so it must not vote, \
         acknowledge or serve. To replace it: remove this node from the cluster, keep its data directory for inspection, \
         and start a new node with an empty data directory and a node id that was never used",
        directory.display()
    )]
    Damaged {
        /// Where.
        directory: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The database refused.
    #[error("could not {action} the Raft log: {cause}")]
    Storage {
        /// What was tried: a verb.
        action: &'static str,
        /// What the database said.
        cause: String,
        /// Whether it was read and is not what was written.
        corrupt: bool,
    },
    /// The file system refused.
    #[error("could not {action} the Raft log: {cause}")]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// What the file system said.
        cause: Arc<io::Error>,
    },
    /// The log was closed, or the thread that writes it is gone.
    #[error("the Raft log is closed")]
    Closed,
    /// Entries that do not continue the log; a bug of the caller's.
    #[error("entry {found} can't follow {last:?} in the Raft log")]
    OutOfOrder {
        /// The end of the log.
        last: Option<LogId>,
        /// The entry that came.
        found: LogId,
    },
    /// A log id that the log does not hold; a bug of the caller's.
    #[error("the Raft log does not hold {0}")]
    NotContained(LogId),
    /// A truncation below what was purged: purged entries are committed. A bug of the caller's.
    #[error("the Raft log can't be truncated to its beginning: it was purged through {0:?}")]
    BelowPurged(Option<LogId>),
    /// An index that is gone from the middle of the log.
    #[error("the Raft log has lost the entry at index {0}")]
    Hole(LogIndex),
}

impl Error {
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { action, cause: Arc::new(cause) }
    }

    pub(super) fn storage(action: &'static str) -> impl FnOnce(rocksdb::Error) -> Self {
        move |cause| {
            let corrupt = cause.kind() == rocksdb::ErrorKind::Corruption;
            Self::Storage { action, cause: cause.into_string(), corrupt }
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Damaged { .. } | Error::Hole(_) | Error::Storage { corrupt: true, .. } => io::ErrorKind::InvalidData,
            Error::Io { cause, .. } => cause.kind(),
            Error::Closed => io::ErrorKind::BrokenPipe,
            Error::OutOfOrder { .. } | Error::NotContained(_) | Error::BelowPurged(_) => io::ErrorKind::InvalidInput,
            Error::Storage { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
