//! What can go wrong in the state.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::store::files;
use crate::types::codec::DecodeError;
use crate::types::{LogId, MachineVersion};

/// What can go wrong in the state. All but the last four are for a human: the node stops and says why.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Bytes on disk are not what was written.
    #[error("the state is corrupt: {place}: {what}")]
    Corrupt {
        /// Which file or row.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// An entry needs rules that this build does not have. Nothing of it was applied.
    #[error("entry {entry} needs machine version {version}, which this build does not know; install a newer one")]
    UnknownVersion {
        /// The entry.
        entry: LogId,
        /// The version.
        version: MachineVersion,
    },
    /// An entry that is not the one after the last applied. Nothing was applied.
    #[error("entry {found} does not follow {}", display(.applied.as_ref()))]
    NotNext {
        /// The last entry before it.
        applied: Option<LogId>,
        /// The entry.
        found: LogId,
    },
    /// `RocksDB` failed.
    #[error("could not {doing}: {reason}")]
    Database {
        /// A verb phrase.
        doing: &'static str,
        /// What `RocksDB` says.
        reason: String,
    },
    /// A file operation failed.
    #[error("{0}")]
    File(Arc<io::Error>),
    /// An earlier write failed, so that nothing after it can be trusted.
    #[error("the state has stopped: {0}")]
    Stopped(String),
    /// A manifest that can't be of one of our snapshots.
    #[error("the snapshot's manifest is malformed: {0}")]
    Manifest(String),
    /// A part of a snapshot that is not what its manifest or its checksum says. It may be sent again.
    #[error("a part of the snapshot's file {file} is wrong: {what}")]
    Part {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// Another transfer has taken the place of this one.
    #[error("another snapshot is being received instead")]
    Superseded,
    /// The snapshot is behind what is applied here. Nothing was installed.
    #[error("the snapshot ends at {}, behind {} which is applied here", display(.snapshot.as_ref()), display(.applied.as_ref()))]
    Behind {
        /// The snapshot's last entry.
        snapshot: Option<LogId>,
        /// The last entry applied here.
        applied: Option<LogId>,
    },
}

fn display(id: Option<&LogId>) -> String {
    id.map_or_else(|| "nothing".to_owned(), LogId::to_string)
}

impl Error {
    pub(super) fn corrupt(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), what: what.into() }
    }

    /// For `map_err` on decoding.
    pub(super) fn undecodable(place: impl Into<String>) -> impl FnOnce(DecodeError) -> Self {
        move |error| Self::corrupt(place, error.to_string())
    }

    /// For `map_err` on `RocksDB`.
    pub(super) fn database(doing: &'static str) -> impl FnOnce(rocksdb::Error) -> Self {
        move |error| match error.kind() {
            rocksdb::ErrorKind::Corruption => Self::corrupt(doing, error.into_string()),
            _ => Self::Database { doing, reason: error.into_string() },
        }
    }

    /// For `map_err` on files, where the error does not say yet what was tried.
    pub(super) fn file(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| files::within(verb, path, &error).into()
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::File(Arc::new(error))
    }
}
