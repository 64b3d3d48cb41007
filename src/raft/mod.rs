//! Consensus: openraft, its adapters and the service between nodes. No other layer names a type of openraft.
//!
//! - Replication is pipelined over one bidirectional stream to each follower.
//! - Nothing is applied before the local disk has it, and nothing is answered before a majority's disks have it.
//! - Reads ask a majority who leads; no read relies on a lease.
//! - Any storage error stops the node.

#[cfg(test)]
mod apply_gate_test;
mod compaction;
mod contact;
mod exchange;
mod handle;
mod identity;
mod init;
mod log_store;
mod message;
mod network;
mod options;
mod peers;
mod quiet;
mod service;
mod snapshot_transfer;
mod start;
mod state_machine;
#[cfg(test)]
mod storage_suite_test;
mod type_config;
mod versions;

pub use handle::{ForwardError, ProposeError, Proposed, Raft, ReadIndexError, Role, SnapshotError};
pub use init::{InitError, init};
pub use options::{Addresses, Options, Timing, WallClock};
pub use service::{
    ForwardedFailure, ForwardedProposals, LeaderRequests, PeerService, StreamedProposals, StreamedReplies,
};
pub use start::{StartError, start};
