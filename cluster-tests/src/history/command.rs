//! Whole commands, what they were for, and every attempt to send them.
//!
//! - A refusal is an outcome, as much as what is applied: both are answers, and stay.
//! - Nearly every command appends to one log at most. Logs are named as a dump of a replica names them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::growing::Changing;
use super::kept::Sent;
use super::{Content, Name, Packed};
use crate::client::{Effect, Failure};
use crate::proto::action::Action;
use crate::proto::{Outcome, SubmitRequest, action_result, outcome};

/// What a command was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Accounts begin with so much.
    Open {
        /// The cells.
        accounts: Vec<String>,
        /// In each.
        balance: i64,
    },
    /// An amount goes from one account to another, unless too little is there.
    Transfer {
        /// The cell that it is taken from.
        from: String,
        /// The cell that gets it.
        to: String,
        /// How much.
        amount: i64,
    },
    /// Records are handled, and the reader moved behind them.
    Handle {
        /// The reader.
        reader: String,
        /// The log that it reads.
        source: String,
        /// The first record.
        from: u64,
        /// Behind the last.
        to: u64,
    },
    /// A lock is taken.
    Acquire {
        /// Which.
        lock: String,
    },
    /// A lock is held for longer.
    Renew {
        /// Which.
        lock: String,
        /// What it was held by.
        token: (u64, u64),
    },
    /// A lock is given back.
    Release {
        /// Which.
        lock: String,
        /// What it was held by.
        token: (u64, u64),
    },
    /// Something is written under a lock.
    Write {
        /// Which.
        lock: String,
        /// What it was held by.
        token: (u64, u64),
    },
    /// Something is remembered for a while only.
    Forgettable,
    /// A log goes, with its records.
    DeleteLog {
        /// As a dump of a replica names it.
        log: String,
    },
    /// A reader's position goes.
    DeleteReader {
        /// The reader.
        reader: String,
        /// The log that it reads.
        source: String,
    },
    /// A space goes, with all that is in it.
    DeleteSpace {
        /// The space.
        space: String,
    },
    /// One of two commands with one id, which are sent at once: one of them is done at most.
    Rival,
    /// What others need.
    Prepare,
}

/// One id with its guards and actions, and all that was done for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// The client.
    pub client: usize,
    /// Its space; empty for `main`.
    pub space: Name,
    /// The id.
    pub id: Name,
    /// What it was for.
    pub job: Job,
    /// All of it.
    pub request: Packed<SubmitRequest>,
    /// The log that its records are for.
    pub log: Name,
    /// What its records hold.
    pub contents: Vec<Content>,
    /// The further logs that it appends to, and what these records hold.
    #[serde(default)]
    pub further: Vec<(Name, Vec<Content>)>,
    /// Every attempt, in the order sent.
    pub attempts: Vec<CommandAttempt>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommandAttempt {
    /// The node asked.
    pub node: u64,
    /// When it was sent.
    pub invoked: Duration,
    /// When the answer came; none yet, or never.
    pub completed: Option<Duration>,
    /// The id's outcome, or why there is none; none yet, or never.
    pub answer: Option<Result<Decided, Failure>>,
}

/// An answer that says what became of the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Whether an earlier arrival decided the id.
    pub replayed: bool,
    /// The outcome, which all such answers of an id share.
    pub sealed: Sealed,
}

/// An outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its place among all of the space.
    pub sequence: u64,
    /// The cluster's history.
    pub history: u64,
    /// The space's time.
    pub time_ms: u64,
    /// What became of the command.
    pub verdict: Verdict,
    /// All of it; none in a history that was made by hand.
    pub whole: Option<Packed<Outcome>>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All was done; what each action got.
    Applied(Vec<Got>),
    /// Nothing was done.
    Refused {
        /// What was found, in words.
        found: String,
        /// The number that was found, if the bounds of one were left.
        number: Option<i64>,
    },
    /// Nothing was done, because somebody cancelled it.
    Cancelled,
}

/// What an action got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Got {
    /// Places for records.
    Appended {
        /// Of the first.
        first_offset: u64,
        /// How many.
        count: u32,
    },
    /// A sum.
    Added(i64),
    /// The end of a log that went.
    LogDeleted {
        /// Where no record ever was.
        end: u64,
    },
    /// A lock.
    Locked {
        /// What it is held by.
        token: (u64, u64),
        /// Until when.
        expires_ms: u64,
    },
    /// Something that is looked at nowhere.
    Done,
}

/// What happens to a command while a history is read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum CommandChange {
    Attempt(CommandAttempt),
    Answer { attempt: usize, completed: Duration, answer: Result<Decided, Failure> },
}

impl Changing for Command {
    type Change = CommandChange;

    fn change(&mut self, change: CommandChange) -> Result<(), String> {
        match change {
            CommandChange::Attempt(attempt) => self.attempts.push(attempt),
            CommandChange::Answer { attempt: place, completed, answer } => {
                let attempt = self.attempts.get_mut(place);
                let attempt =
                    attempt.ok_or_else(|| format!("{} has an answer to an attempt that was not made", self.id))?;
                (attempt.completed, attempt.answer) = (Some(completed), Some(answer));
            }
        }
        Ok(())
    }
}

impl Sent for Command {
    fn is_known(&self) -> bool {
        self.decided().is_some()
    }

    fn is_given_up(&self) -> bool {
        false
    }
}

impl Sealed {
    /// Whether all was done.
    pub fn is_applied(&self) -> bool {
        matches!(self.verdict, Verdict::Applied(_))
    }

    /// What the actions got, each as it was told; nothing if they were not done, or the history was made by hand.
    pub fn results(&self) -> Vec<action_result::Result> {
        match self.whole.as_ref().and_then(|whole| whole.open().verdict) {
            Some(outcome::Verdict::Applied(applied)) => {
                applied.results.iter().map(|it| it.result.expect("a result says what it is")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the actions got; nothing if they were not done.
    pub fn got(&self) -> &[Got] {
        match &self.verdict {
            Verdict::Applied(got) => got,
            Verdict::Refused { .. } | Verdict::Cancelled => &[],
        }
    }
}

impl Command {
    /// What it was to do.
    pub fn actions(&self) -> Vec<Action> {
        self.request.open().actions.into_iter().filter_map(|action| action.action).collect()
    }

    /// The logs that it appends to, each with what its records hold.
    pub fn parts(&self) -> impl Iterator<Item = (Name, &[Content])> {
        let first = (self.log != Name::default()).then_some((self.log, self.contents.as_slice()));
        first.into_iter().chain(self.further.iter().map(|(log, contents)| (*log, contents.as_slice())))
    }

    /// The same, each with the offset of its first record; nothing if the outcome is not to have done it.
    pub fn placed<'a>(&'a self, outcome: &'a Sealed) -> impl Iterator<Item = (Name, u64, &'a [Content])> {
        let offsets = outcome.got().iter().filter_map(|got| match got {
            Got::Appended { first_offset, .. } => Some(*first_offset),
            _ => None,
        });
        self.parts().zip(offsets).map(|((log, contents), first)| (log, first, contents))
    }

    /// The answers that say what became of it.
    pub fn answers(&self) -> impl Iterator<Item = &Decided> {
        self.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().ok())
    }

    /// The first of them to arrive, and when it did.
    pub fn decided(&self) -> Option<(Duration, &Sealed)> {
        let answered = self.attempts.iter().filter_map(|attempt| {
            let decided = attempt.answer.as_ref()?.as_ref().ok()?;
            Some((attempt.completed?, &decided.sealed))
        });
        answered.min_by_key(|(completed, _)| *completed)
    }

    /// The outcome, if all was done.
    pub fn applied(&self) -> Option<&Sealed> {
        self.decided().map(|(_, sealed)| sealed).filter(|sealed| sealed.is_applied())
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

    /// When it was first said to be too old.
    pub fn too_old(&self) -> Option<Duration> {
        let refused = self
            .attempts
            .iter()
            .filter(|attempt| matches!(&attempt.answer, Some(Err(failure)) if failure.reason == "ID_TOO_OLD"));
        refused.filter_map(|attempt| attempt.completed).min()
    }

    /// Whether it may yet turn out that it was done.
    pub fn is_open(&self) -> bool {
        self.decided().is_none() && !self.failed()
    }
}
