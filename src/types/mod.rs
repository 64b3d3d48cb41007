//! The words of the project: ids, names, numbers, time, limits, commands and outcomes.
//!
//! Everything here is plain data with its own checks. Nothing reads a clock, a disk or a socket, and this layer
//! imports no other.

pub mod codec;
mod command;
mod consensus;
mod effect;
mod id;
mod identity;
pub mod limits;
mod name;
mod number;
mod outcome;
mod read;
mod record;
mod status;
mod time;

pub use command::{Action, Cancel, Command, Guard, Malformed as MalformedCommand, Proposal};
pub use consensus::{EntryKind, LogEntry, LogId, Member, Membership, StoredMembership, Vote};
pub use effect::AttemptEffect;
pub use id::{Birth, Id, Malformed as MalformedId};
pub use identity::{ClusterId, Incarnation, NodeId};
pub use name::{LogName, Malformed as MalformedName, SpaceName};
pub use number::{History, LogIndex, LogNumber, MachineVersion, Offset, Sequence, SpaceNumber};
pub use outcome::{ActionResult, Answer, Decided, Outcome, Refusal, Rejection, Verdict};
pub use read::{Condition, Consistency, Fate, Listing, LogDescription, Met, Page};
pub use record::{Header, NewRecord, Record};
pub use status::{Counters, DigestAt, Founded, MemberStatus, NodeStatus, Role, Sizes, Snapshotted};
pub use time::{LogTime, Memory};
