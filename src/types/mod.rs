//! The words: ids, names, numbers, time, commands and what becomes of them, and what readers get.
//!
//! Everything here is plain data with its own checks. Names and ids are made by `new`, `parse` or `try_from`; guards,
//! actions and conditions by functions of their names.

mod cell;
pub(crate) mod codec;
mod command;
mod consensus;
mod constructors;
mod convert;
mod effect;
mod id;
mod identity;
pub(crate) mod limits;
mod name;
mod number;
mod outcome;
mod policy;
mod read;
mod record;
mod refusal;
pub(crate) mod seeded_bug;
mod sentence;
mod status;
mod time;

pub use cell::{Cell, CellValue, KeyedCell, Lock, NamedLock, Position, ReaderPosition, Token};
pub use command::{Action, Command, FateIs, Guard, Malformed as MalformedCommand};
pub(crate) use command::{Cancel, Proposal};
pub(crate) use consensus::{EntryKind, LogEntry, LogId, Member, Membership, StoredMembership, Vote};
pub use convert::MalformedToken;
pub use effect::AttemptEffect;
pub use id::{Birth, Id, Malformed as MalformedId};
pub use identity::{ClusterId, Incarnation, NodeId};
pub use name::{CellKey, Holder, LockName, LogName, Malformed as MalformedName, ReaderName, SpaceName};
pub use number::{History, LogIndex, MachineVersion, Offset, Sequence, Version};
pub(crate) use number::{LogNumber, SpaceNumber};
pub use outcome::{ActionResult, Decided, Outcome, Verdict};
pub(crate) use outcome::{Answer, Rejection};
pub(crate) use policy::Era;
pub use policy::{LogCreation, Memory, Retention, SpacePolicy};
pub use read::{
    Cells, Condition, Consistency, Duplicates, DuplicatesOfAge, Fate, Listed, Listing, LockReading, Locks,
    LogDescription, Met, Page, Positions, SpaceDescription, Spaces,
};
pub use record::{Header, NewRecord, Record};
pub use refusal::{FateKind, Found, Refusal, Step};
pub use status::{Counters, DigestAt, Founded, MemberStatus, NodeStatus, Role, Sizes, Snapshotted};
pub use time::LogTime;
