//! Takes the tables of a running node: asks it for a snapshot, copies that, and reads the copy.
//!
//! - The published snapshot is left as it is: `RocksDB` writes to whatever directory it opens, be it to read.
//! - Tables are linked where that can be done, so a copy costs little; what is on a disk of the node's own is copied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Tables;
use super::checkpoint::Read;
use crate::client::Failure;
use crate::node::Node;

/// Where a node has its state, in its data.
const STATE: &str = "state/0";
/// What the names of snapshots begin with.
const SNAPSHOT: &str = "snapshot-";

impl Tables {
    /// Reads what a node has applied up to `index`. Fails if it has applied more meanwhile, or does not answer.
    pub async fn take(node: &Node, index: u64) -> Result<Read, String> {
        let said = |failure: Failure| format!("node {} makes no snapshot: {failure}", node.id());
        let made = node.client().snapshot().await.map_err(said)?;
        if made.snapshot_index != index {
            return Err(format!("node {} has a snapshot of {}, not of {index}", node.id(), made.snapshot_index));
        }
        let copy = copy_of(node);
        let target = copy.clone();
        let copied = node.with_data(move |data| copy_snapshot(&data.join(STATE), index, &target));
        copied.map_err(|error| format!("copy the snapshot of node {}: {error}", node.id()))?;
        let read = tokio::task::spawn_blocking(move || {
            let read = Tables::read(&copy)?;
            fs::remove_dir_all(&copy).map_err(|error| format!("remove {}: {error}", copy.display()))?;
            Ok(read)
        });
        read.await.map_err(|error| format!("the tables of node {} can't be read: {error}", node.id()))?
    }
}

/// Where the copy of a node's snapshot is read: beside its log, which everybody sees.
pub fn copy_of(node: &Node) -> PathBuf {
    node.plan().log.with_extension("tables")
}

/// Copies the snapshot of a state that ends at an index.
pub fn copy_snapshot(state: &Path, index: u64, target: &Path) -> io::Result<()> {
    let end = format!("-{index:020}");
    let names = fs::read_dir(state)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: io::Result<Vec<String>> = names.collect();
    let name = names?.into_iter().find(|name| name.starts_with(SNAPSHOT) && name.ends_with(&end));
    let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no snapshot of {index}")))?;
    match fs::remove_dir_all(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(target)?,
    }
    for entry in fs::read_dir(state.join(name))? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let is_table = from.extension().is_some_and(|extension| extension == "sst");
        if !is_table || fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
