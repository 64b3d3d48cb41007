//! oncelog: a Raft-replicated, deduplicating log cluster in which retrying is always safe, for ever.
//!
//! The map of the house; each layer imports only those below it:
//!
//! | layer | its job |
//! |---|---|
//! | [`types`] | the words: ids, names, numbers, time, limits, commands, outcomes |
//! | [`machine`] | pure: what becomes of a command |
//! | `store` | what is on disk: the Raft log and the state, in `RocksDB` |
//! | [`wire`] | gRPC messages and errors, to and from our own words |
//! | `raft` | consensus, by openraft, and the service between nodes |
//! | `engine` | what a node does with a command or a read: join, batch, propose, forward, look up |
//! | `api` | the gRPC services |
//! | `client` | finds a leader, keeps the id, retries |
//! | `node` | the composition root: configuration, clock, lifecycle |
//! | `cli` | commands, and how they print |
//! | `program` | what `main` calls |
//! | [`docs`] | the pages: architecture, guarantees, clients, errors, operations, performance, … |

#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
pub mod docs;
#[cfg(feature = "server")]
pub mod engine;
pub mod machine;
#[cfg(feature = "server")]
pub mod node;
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod program;
#[cfg(feature = "server")]
pub mod raft;
#[cfg(feature = "server")]
pub mod store;
pub mod types;
pub mod wire;
