//! The words of the project: ids, names, numbers, time, limits, commands and outcomes.
//!
//! Everything here is plain data with its own checks. Nothing reads a clock, a disk or a socket, and this layer
//! imports no other.

mod cell;
pub mod codec;
mod command;
mod consensus;
mod constructors;
mod convert;
mod effect;
mod id;
mod identity;
pub mod limits;
mod name;
mod number;
mod outcome;
mod policy;
mod read;
mod record;
mod refusal;
pub mod seeded_bug;
mod sentence;
mod status;
mod time;

pub use cell::{Cell, CellValue, KeyedCell, Lock, NamedLock, Position, ReaderPosition, Token};
pub use command::{Action, Cancel, Command, FateIs, Guard, Malformed as MalformedCommand, Proposal};
pub use consensus::{EntryKind, LogEntry, LogId, Member, Membership, StoredMembership, Vote};
pub use convert::MalformedToken;
pub use effect::AttemptEffect;
pub use id::{Birth, Id, Malformed as MalformedId};
pub use identity::{ClusterId, Incarnation, NodeId};
pub use name::{CellKey, Holder, LockName, LogName, Malformed as MalformedName, ReaderName, SpaceName};
pub use number::{History, LogIndex, LogNumber, MachineVersion, Offset, Sequence, SpaceNumber, Version};
pub use outcome::{ActionResult, Answer, Decided, Outcome, Rejection, Verdict};
pub use policy::{Era, LogCreation, Memory, Retention, SpacePolicy};
pub use read::{
    Cells, Condition, Consistency, Duplicates, DuplicatesOfAge, Fate, Listed, Listing, LockReading, Locks,
    LogDescription, Met, Page, Positions, SpaceDescription, Spaces,
};
pub use record::{Header, NewRecord, Record};
pub use refusal::{FateKind, Found, Refusal, Step};
pub use status::{Counters, DigestAt, Founded, MemberStatus, NodeStatus, Role, Sizes, Snapshotted};
pub use time::LogTime;
