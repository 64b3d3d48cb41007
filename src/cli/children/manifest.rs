//! What must stay the same when a cluster of children is started again: its nodes and their addresses, which its members
//! know each other by.
//!
//! It is a file in the cluster's directory, and the sign that the directory is one of ours. It is replaced whole.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file's name.
const NAME: &str = "oncelog-dev.json";
/// The format that this build writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// The nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    /// In order; at least one.
    pub(super) nodes: Vec<Place>,
}

/// One node's number and addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) node_id: u64,
    pub(super) client_address: SocketAddr,
    pub(super) peer_address: SocketAddr,
}

impl Manifest {
    pub(super) fn new(nodes: Vec<Place>) -> Self {
        Self { format: FORMAT, nodes }
    }

    /// The manifest of a directory; none if it has none.
    pub(super) fn read(directory: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path(directory)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let manifest: Self = serde_json::from_slice(&bytes)?;
        if manifest.format != FORMAT || manifest.nodes.is_empty() {
            let problem = format!("format {} with {} nodes", manifest.format, manifest.nodes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(Some(manifest))
    }

    /// Writes it into a directory.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let path = path(directory);
        let beside = path.with_extension("new");
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&beside, text)?;
        fs::rename(beside, path)
    }
}

/// Where a directory's manifest is.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(directory.path()).unwrap(), None);
        let place = |node_id, port: u16| Place {
            node_id,
            client_address: ([127, 0, 0, 1], port).into(),
            peer_address: ([127, 0, 0, 1], port + 1).into(),
        };
        for manifest in [Manifest::new(vec![place(1, 7420), place(2, 7430)]), Manifest::new(vec![place(1, 9)])] {
            manifest.write(directory.path()).unwrap();
            assert_eq!(Manifest::read(directory.path()).unwrap(), Some(manifest));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_this_build_does_not_understand_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["", "{}", r#"{"format": 2, "nodes": []}"#, r#"{"format": 1, "nodes": []}"#] {
            fs::write(path(directory.path()), text).unwrap();
            assert!(Manifest::read(directory.path()).is_err(), "{text:?}");
        }
    }
}
