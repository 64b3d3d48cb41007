//! The events of a history, each of which is a line of its file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Alarm, Asked, CancelTold, CellsSeen, Command, Content, Decided, Effective, EndSeen, Fault, Few, Hash, LeaderChange,
    LocalSeen, LookedUp, Meant, Name, PageSeen, ReadFailed, Recovery, Reuse, Round, Shown, StatusSeen, StreamPlace,
};
use crate::client::{Acknowledgement, Failure};
use crate::oracle::{Dump, Stored};
use crate::tables;

/// Something that happened, or that somebody saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the types of the fields say what they are")]
pub enum Event {
    /// The last one counts.
    Meant(Meant),
    Workload {
        name: String,
    },
    Mark {
        at: Duration,
        what: String,
    },
    Fault(Fault),
    /// A fault, by its place among all, is over and undone.
    Healed {
        fault: usize,
        at: Duration,
        effective: Effective,
    },
    LeaderChange(LeaderChange),
    Alarm(Alarm),
    Recovery(Recovery),
    Round(Round),
    /// A client has chosen an id. Operations are numbered from 0 on.
    Operation {
        number: usize,
        client: usize,
        log: Name,
        id: Name,
        contents: Few<Content>,
        #[serde(default)]
        fingerprint: Option<Hash>,
        believed: bool,
    },
    /// An attempt is about to be sent.
    Attempt {
        operation: usize,
        id: Name,
        node: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<StreamPlace>,
        invoked: Duration,
    },
    /// The answer to an attempt, by its place among all of the operation.
    Answer {
        operation: usize,
        id: Name,
        attempt: usize,
        completed: Duration,
        answer: Result<Acknowledgement, Failure>,
    },
    /// A cancel of the operation's id is about to be sent.
    Doubted {
        operation: usize,
        id: Name,
    },
    /// A cancel of the operation's id was answered *cancelled*.
    Cancelled {
        operation: usize,
        id: Name,
        told: CancelTold,
    },
    /// A client has made a whole command. Commands are numbered from 0 on.
    Command {
        number: usize,
        command: Command,
    },
    CommandAttempt {
        command: usize,
        id: Name,
        node: u64,
        invoked: Duration,
    },
    CommandAnswer {
        command: usize,
        id: Name,
        attempt: usize,
        completed: Duration,
        answer: Result<Decided, Failure>,
    },
    Reuse(Reuse),
    End(EndSeen),
    Local(LocalSeen),
    Page(PageSeen),
    Lookup(LookedUp),
    Cells(CellsSeen),
    Asked(Asked),
    Shown(Shown),
    ReadFailed(ReadFailed),
    Status(StatusSeen),
    /// All replicas are read in full; what follows is what they hold.
    Look {
        at: Duration,
    },
    Replica(Dump),
    /// A log of the last replica. Its records follow, unless an earlier replica has the same.
    Log {
        name: String,
        start: u64,
        end: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        same_as: Option<u64>,
    },
    Record(Stored),
    /// A line of the tables of the last replica.
    Table(tables::Line),
    /// What must never be was found while the run went on, and ended it before it had all that it was to have.
    CutShort {
        at: Duration,
    },
    /// The run is over. Without a reason it had all that it was to have.
    Ended {
        at: Duration,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        broken_off: Option<String>,
    },
}

macro_rules! events {
    ($($of:ident => $kind:ident),* $(,)?) => {
        $(impl From<$of> for Event {
            fn from(event: $of) -> Self {
                Self::$kind(event)
            }
        })*
    };
}

events! {
    Meant => Meant, Fault => Fault, LeaderChange => LeaderChange, Alarm => Alarm, Recovery => Recovery, Round => Round, Reuse => Reuse, EndSeen => End, LocalSeen => Local, PageSeen => Page, LookedUp => Lookup, CellsSeen => Cells, Asked => Asked, StatusSeen => Status, Shown => Shown, ReadFailed => ReadFailed,
}
