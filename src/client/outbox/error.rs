//! Why an outbox can't be opened, or can't keep or confirm.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::VERSION;
use crate::types::MalformedCommand;
use crate::types::limits::{OUTBOX_KEEP_BYTES_MAX, OUTBOX_WAITING_BYTES_MAX};

/// Why an outbox failed. Cheap to clone: everybody who waits gets the same.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is open already.
    #[error("{} is in use by another process, or by another outbox of this one", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not an outbox", .path.display())]
    NotAnOutbox {
        /// The file.
        path: PathBuf,
    },
    /// The file is of an older or a newer build.
    #[error(
        "{} is an outbox of version {found}, and this build reads and writes version {VERSION} only; send what waits in it \
         with the build that wrote it",
        .path.display()
    )]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u8,
    },
    /// What was once synced can't be read, and entries may be in it. The file is left as it is.
    #[error(
        "{} is damaged at byte {offset}, and no crash does that. Nothing was changed; keep a copy, and look up what \
         became of the ids in it before it is replaced",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first part begins that can't be read.
        offset: u64,
    },
    /// The path leads to another file than the one that is open, or to none.
    #[error("{} was moved, removed or replaced while the outbox was open", .path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The system refused something.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// What was to be done.
        doing: &'static str,
        /// With this file.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// An earlier write or sync failed, so what is on disk is not known. It stays so until the outbox is opened again.
    #[error("the outbox takes nothing any more: {why}. Open it again to see what was kept")]
    Poisoned {
        /// What failed.
        why: Arc<Error>,
    },
    /// A command that no node would take.
    #[error(transparent)]
    Malformed(#[from] MalformedCommand),
    /// More than is kept at once.
    #[error("an outbox keeps at most {OUTBOX_KEEP_BYTES_MAX} bytes at once; these commands have {0}")]
    TooLarge(usize),
    /// Too much waits.
    #[error("{} is full: at most {OUTBOX_WAITING_BYTES_MAX} bytes may wait in it; send and confirm some of them", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It was closed.
    #[error("{} is closed", .path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source: Arc::new(source) }
    }
}
