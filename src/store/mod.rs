//! What a node keeps on disk, and the only layer that knows `RocksDB`.
//!
//! - [`entry`]: how entries, votes, log ids and memberships are written, on disk and between nodes.
//! - [`log`]: the durable Raft log.
//! - [`state`]: everything that a Raft group has applied.
//! - [`identity`]: who the node is.
//! - `files`: what must be synced for a file to be there after a power cut.
//! - `crash_point`: where a process may die between two steps, and tests look at the disk as a crash would leave it.

pub(crate) mod crash_point;
pub mod entry;
pub(crate) mod files;
pub mod identity;
pub mod log;
pub mod state;
