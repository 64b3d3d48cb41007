//! What is remembered of what was done: each kind of event once.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::growing::Changing;
use super::kept::Sent;
use super::{Content, Hash, Name};
use crate::client::{Acknowledgement, Effect, Failure};
use crate::proto::Outcome;

/// A list that nearly always has one item, and then needs no memory of its own.
pub type Few<T> = SmallVec<[T; 1]>;

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// The node asked.
    pub node: u64,
    /// Where in a stream it was sent, if in one.
    pub place: Option<StreamPlace>,
    /// When it was sent.
    pub invoked: Duration,
    /// When the answer came; none yet, or never.
    pub completed: Option<Duration>,
    /// The answer; none yet, or never.
    pub answer: Option<Result<Acknowledgement, Failure>>,
}

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamPlace {
    /// Which stream, of all in the history.
    pub stream: usize,
    /// Which of its appends, counted from 0.
    pub position: u64,
}

/// One id and all that was done for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// The client.
    pub client: usize,
    /// The log appended to.
    pub log: Name,
    /// The id.
    pub id: Name,
    /// The records, to send them again; a history that was read from a file has none.
    #[serde(skip)]
    pub payloads: Vec<Bytes>,
    /// What the records hold.
    pub contents: Few<Content>,
    /// The fingerprint of the whole command; none in a history that was made by hand.
    pub fingerprint: Option<Hash>,
    /// Every attempt, in the order sent.
    pub attempts: Few<Attempt>,
    /// Whether its client takes *no effect* at its word: then it is never sent again, and must be nowhere.
    pub believed: bool,
    /// Whether a cancel was sent, whatever became of that.
    pub doubted: bool,
    /// What each cancel was told that was answered *cancelled*.
    pub cancels: Few<CancelTold>,
}

/// The outcome *cancelled*, as a cancel was told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelTold {
    /// When the answer came.
    pub at: Duration,
    /// The outcome's place among all of the space.
    pub sequence: u64,
    /// The cluster's history.
    pub history: u64,
    /// The space's time.
    pub time_ms: u64,
}

impl CancelTold {
    /// Of an outcome that was told then.
    pub fn of(outcome: &Outcome, at: Duration) -> Self {
        let Outcome { sequence, history, time_ms, .. } = *outcome;
        Self { at, sequence, history, time_ms }
    }
}

impl Operation {
    /// The acknowledgements.
    pub fn acknowledgements(&self) -> impl Iterator<Item = &Acknowledgement> {
        self.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().ok())
    }

    /// The first acknowledgement to arrive, and when it did.
    pub fn acknowledged(&self) -> Option<(Duration, &Acknowledgement)> {
        self.attempts
            .iter()
            .filter_map(|attempt| Some((attempt.completed?, attempt.answer.as_ref()?.as_ref().ok()?)))
            .min_by_key(|(completed, _)| *completed)
    }

    /// When its first attempt was sent.
    pub fn invoked(&self) -> Option<Duration> {
        self.attempts.iter().map(|attempt| attempt.invoked).min()
    }

    /// Whether every attempt said that it has no effect.
    pub fn failed(&self) -> bool {
        self.attempts
            .iter()
            .all(|attempt| matches!(&attempt.answer, Some(Err(failure)) if failure.effect == Effect::None))
    }

    /// Whether its client believes that it has no effect, and never sends it again.
    pub fn is_given_up(&self) -> bool {
        self.believed && !self.attempts.is_empty() && self.failed()
    }

    /// Whether a cancel was answered *cancelled*: then it never takes effect.
    pub fn is_cancelled(&self) -> bool {
        !self.cancels.is_empty()
    }

    /// Whether nobody was told what became of it.
    pub fn unknown(&self) -> bool {
        !self.failed() && self.acknowledged().is_none()
    }
}

/// What happens to an operation while a history is read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum OperationChange {
    Attempt(Attempt),
    Answer { attempt: usize, completed: Duration, answer: Result<Acknowledgement, Failure> },
    Doubted,
    Cancelled(CancelTold),
}

impl Changing for Operation {
    type Change = OperationChange;

    fn change(&mut self, change: OperationChange) -> Result<(), String> {
        match change {
            OperationChange::Attempt(attempt) => self.attempts.push(attempt),
            OperationChange::Answer { attempt: place, completed, answer } => {
                let attempt = self.attempts.get_mut(place);
                let attempt =
                    attempt.ok_or_else(|| format!("{} has an answer to an attempt that was not made", self.id))?;
                (attempt.completed, attempt.answer) = (Some(completed), Some(answer));
            }
            OperationChange::Doubted => self.doubted = true,
            OperationChange::Cancelled(told) => self.cancels.push(told),
        }
        Ok(())
    }
}

impl Sent for Operation {
    fn is_known(&self) -> bool {
        self.acknowledged().is_some()
    }

    fn is_given_up(&self) -> bool {
        Self::is_given_up(self)
    }
}

/// An attempt to use an id again, for something else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reuse {
    /// The id.
    pub id: Name,
    /// The log that the other records were for.
    pub log: Name,
    /// What they held.
    pub contents: Vec<Content>,
    /// The node asked.
    pub node: u64,
    /// When it was sent.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// The answer.
    pub answer: Result<Acknowledgement, Failure>,
}

/// All that nobody knew of, and a part of the rest, was sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// After what.
    pub name: String,
    /// When it began.
    pub begun: Duration,
    /// When all of it was answered.
    pub ended: Duration,
}

/// How a fault went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// It was seen to take effect.
    Installed,
    /// This machine can't do it.
    Skipped,
    /// It was done, and nobody knows whether it took effect.
    Indeterminate,
}

/// Something that was done to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which kind, by its name.
    pub kind: String,
    /// What exactly, in a sentence.
    pub what: String,
    /// When it began.
    pub begun: Duration,
    /// When it was over and undone; none if it never was.
    pub healed: Option<Duration>,
    /// Whether it took effect.
    pub effective: Effective,
}

/// A node that leads in a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Led {
    /// The node.
    pub node: u64,
    /// The term.
    pub term: u64,
}

/// A fault has taken the leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderChange {
    /// The kind of fault, by its name.
    pub fault: String,
    /// How the leader was lost, in a word: kill, pause, cut, power and the like.
    pub cause: String,
    /// When the fault began.
    pub at: Duration,
    /// Who led before.
    pub from: Led,
    /// Who led next, and when that was seen; none if nobody else has led before the fault was over.
    pub to: Option<(Duration, Led)>,
}

/// What a run was meant to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meant {
    /// The seed of its schedule.
    pub seed: u64,
    /// The kinds of fault that it was meant to have, by name.
    pub faults: Vec<String>,
    /// At least so many acknowledged operations.
    pub acknowledged: usize,
    /// At least so many changes of the leader.
    pub leader_changes: usize,
    /// The nodes.
    pub nodes: Vec<u64>,
    /// Whether the machine is to have what every fault needs, so that none may be skipped.
    #[serde(default)]
    pub has_all: bool,
    /// What the wall clock showed when the history's clock was at 0, in milliseconds since 1970.
    pub wall_ms: u64,
    /// The command that runs the same schedule again.
    pub command: String,
}

/// What the look-out on the nodes saw, and what ended the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The node.
    pub node: u64,
    /// When.
    pub at: Duration,
    /// What is wrong with it.
    pub what: Alarming,
    /// How it ended, or what it says.
    pub said: String,
}

/// What is wrong with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarming {
    /// It has ended by itself or has panicked, and no fault was to end it.
    Ended,
    /// It says that others came to something else than it did.
    Disagrees,
}

/// What a cluster does again by itself when a fault is healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// A write that was sent after it is acknowledged.
    Writes,
    /// All nodes have applied the same.
    Agrees,
}

/// How long a cluster took to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The kind of fault.
    pub fault: String,
    /// What was waited for.
    pub again: Again,
    /// When the fault was healed.
    pub healed: Duration,
    /// When it was seen; none if it never was.
    pub seen: Option<Duration>,
}
