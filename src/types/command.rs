//! What a sender asks for.

use super::id::Id;
use super::limits::{
    COMMAND_BYTES_MAX, COMMAND_RECORDS_MAX, COMMAND_STEPS_MAX, HEADER_KEY_BYTES_MAX, RECORD_BYTES_MAX,
    RECORD_HEADERS_MAX,
};
use super::name::{LogName, SpaceName};
use super::number::Offset;
use super::record::NewRecord;

/// What one place in a batch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// Do this once.
    Command(Command),
    /// Never do that, unless it is done.
    Cancel(Cancel),
}

impl Proposal {
    /// The space that it lives in.
    pub fn space(&self) -> &SpaceName {
        match self {
            Self::Command(command) => &command.space,
            Self::Cancel(cancel) => &cancel.space,
        }
    }

    /// The id that it decides.
    pub fn id(&self) -> &Id {
        match self {
            Self::Command(command) => &command.id,
            Self::Cancel(cancel) => &cancel.target,
        }
    }
}

/// Guards and actions under one id: all or nothing, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The space that it lives in.
    pub space: SpaceName,
    /// The id that its sender chose before the first attempt.
    pub id: Id,
    /// What must hold.
    pub guards: Vec<Guard>,
    /// What is done, in order.
    pub actions: Vec<Action>,
}

/// The request that an id never take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// The space of the id.
    pub space: SpaceName,
    /// The id.
    pub target: Id,
}

/// A condition on the state before the command's own actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The log's end is exactly this; a log that is not there ends at 0.
    LogEnd {
        /// The log.
        log: LogName,
        /// The end that the sender saw.
        end: Offset,
    },
}

/// A part of what a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Adds records to the end of a log, making the log if it is not there.
    Append {
        /// The log.
        log: LogName,
        /// At least one record.
        records: Vec<NewRecord>,
    },
}

/// A rule of §1 or a limit that a command breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The command does nothing.
    #[error("a command has at least one action")]
    NoAction,
    /// Too many guards and actions.
    #[error("a command has at most {COMMAND_STEPS_MAX} guards and actions, not {0}")]
    TooManySteps(usize),
    /// An append without records.
    #[error("an append has at least one record")]
    NoRecord,
    /// Too many records.
    #[error("a command has at most {COMMAND_RECORDS_MAX} records, not {0}")]
    TooManyRecords(usize),
    /// A record is too large.
    #[error("a record has at most {RECORD_BYTES_MAX} bytes, not {0}")]
    RecordTooLarge(usize),
    /// The command is too large.
    #[error("a command has at most {COMMAND_BYTES_MAX} bytes, not {0}")]
    CommandTooLarge(usize),
    /// A record has too many headers.
    #[error("a record has at most {RECORD_HEADERS_MAX} headers, not {0}")]
    TooManyHeaders(usize),
    /// A header's key is empty or too long.
    #[error("a header's key has 1 to {HEADER_KEY_BYTES_MAX} bytes, not {0}")]
    HeaderKey(usize),
}

impl Command {
    /// Checks every limit that does not depend on state.
    pub fn check(&self) -> Result<(), Malformed> {
        let steps = self.guards.len() + self.actions.len();
        if self.actions.is_empty() {
            return Err(Malformed::NoAction);
        }
        if steps > COMMAND_STEPS_MAX {
            return Err(Malformed::TooManySteps(steps));
        }
        let mut records_total = 0;
        for action in &self.actions {
            let Action::Append { records, .. } = action;
            if records.is_empty() {
                return Err(Malformed::NoRecord);
            }
            records_total += records.len();
            records.iter().try_for_each(check_record)?;
        }
        if records_total > COMMAND_RECORDS_MAX {
            return Err(Malformed::TooManyRecords(records_total));
        }
        let size = self.size();
        if size > COMMAND_BYTES_MAX { Err(Malformed::CommandTooLarge(size)) } else { Ok(()) }
    }

    /// How many bytes of the sender's it carries.
    pub fn size(&self) -> usize {
        let of_actions: usize = self
            .actions
            .iter()
            .map(|action| {
                let Action::Append { log, records } = action;
                log.as_str().len() + records.iter().map(NewRecord::size).sum::<usize>()
            })
            .sum();
        self.space.as_str().len() + self.id.text().len() + of_actions
    }
}

fn check_record(record: &NewRecord) -> Result<(), Malformed> {
    if record.headers.len() > RECORD_HEADERS_MAX {
        return Err(Malformed::TooManyHeaders(record.headers.len()));
    }
    for header in &record.headers {
        if header.key.is_empty() || header.key.len() > HEADER_KEY_BYTES_MAX {
            return Err(Malformed::HeaderKey(header.key.len()));
        }
    }
    if record.payload.len() > RECORD_BYTES_MAX { Err(Malformed::RecordTooLarge(record.payload.len())) } else { Ok(()) }
}
