//! The public API's messages, and their translation to and from our own words.
//!
//! - Generated types stop here: whoever receives one translates it at once, whoever sends one has just made it.
//! - What a sender gets wrong is named by its field, before anything else looks at the request.
//! - Every match over our own enums is complete: a new kind does not compile until it can be said.

mod action;
mod admin;
mod answer;
mod cell;
mod command;
mod fields;
mod guard;
mod listing;
mod outcome;
mod read;
mod refusal;
mod request;
pub mod status;
mod stream;
mod submit;

/// The metadata in which a node that does not lead says where clients reach the one that does.
pub const LEADER: &str = "oncelog-leader";

pub use admin::{founded, init_response, node_status, snapshot_response, snapshotted, status_response};
pub use answer::{Appended, Asked, append_answer, appended, cancel_response, decided, rejection};
pub use command::{append_command, append_request, cancel, cancel_request, command_id};
pub use listing::{
    cells, describe_space, describe_space_response, get_cell, get_cell_response, get_lock, get_lock_response,
    get_position, get_position_response, got_cell, got_lock, got_position, list_cells, list_cells_response, list_locks,
    list_locks_response, list_positions, list_positions_response, list_spaces, list_spaces_response, locks, positions,
    space_description, spaces,
};
pub use outcome::Unreadable;
pub use read::{
    describe_log_response, description, fate, list_logs_response, listing, lookup_response, met, page, read_response,
    tail_page, tail_response, wait_response,
};
pub use request::{consistency_message, describe_log, list_logs, lookup, read, tail, wait, wait_request};
pub use status::{ErrorReport, FieldViolation, Reason};
pub use stream::{append_reply, reply};
pub use submit::{submit_answer, submit_command, submit_request, submitted};

/// The public API, as generated from `proto/oncelog/v1`.
#[expect(
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated; the protos carry the documentation"
)]
pub mod v1 {
    tonic::include_proto!("oncelog.v1");
}

/// What nodes say to each other, as generated from `proto/oncelog/peer/v1`.
#[cfg(feature = "server")]
#[expect(
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated; the protos carry the documentation"
)]
pub mod peer {
    tonic::include_proto!("oncelog.peer.v1");
}

/// The public API's descriptors, for reflection.
#[cfg(feature = "server")]
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
