//! What a sender asks for.

use std::time::Duration;

use super::cell::{CellValue, Token};
use super::id::Id;
use super::limits::{
    CELL_BYTES_MAX, COMMAND_BYTES_MAX, COMMAND_RECORDS_MAX, COMMAND_STEPS_MAX, HEADER_KEY_BYTES_MAX, LOCK_TIME_MAX,
    LOCK_TIME_MIN, RECORD_BYTES_MAX, RECORD_HEADERS_MAX,
};
use super::name::{CellKey, Holder, LockName, LogName, ReaderName, SpaceName};
use super::number::{MachineVersion, Offset, Version};
use super::policy::{LogCreation, Retention, SpacePolicy, is_allowed_duration};
use super::record::NewRecord;
use super::refusal::FateKind;

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
#[non_exhaustive]
pub enum Guard {
    /// The log's end is exactly this. A log that never was ends at 0, and one that was deleted where it ended.
    LogEnd {
        /// The log.
        log: LogName,
        /// The end that the sender saw.
        end: Offset,
    },
    /// The cell is not there.
    CellAbsent {
        /// The cell.
        key: CellKey,
    },
    /// The cell is there and has not changed since it was seen.
    CellVersion {
        /// The cell.
        key: CellKey,
        /// The version that the sender saw.
        version: Version,
    },
    /// The cell is there and holds a number that is at least this.
    CellAtLeast {
        /// The cell.
        key: CellKey,
        /// The least number.
        least: i64,
    },
    /// The reader is where it was seen, and has not been moved since. One that was never moved is at 0 with version
    /// 0; one that was deleted is at 0 with the version of its deletion.
    Position {
        /// The reader.
        reader: ReaderName,
        /// The log.
        log: LogName,
        /// The offset that the sender saw.
        offset: Offset,
        /// The version that the sender saw.
        version: Version,
    },
    /// The lock is held by this token, and has not expired.
    LockHeld {
        /// The lock.
        lock: LockName,
        /// The token.
        token: Token,
    },
    /// This became of another id.
    Fate {
        /// The other id.
        target: Id,
        /// What became of it.
        is: FateIs,
    },
}

/// What a guard wants of another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FateIs {
    /// It was applied, whether it was undone since or not.
    Applied,
    /// It was applied and not undone.
    InForce,
    /// It was refused.
    Refused,
    /// It was cancelled.
    Cancelled,
    /// Nothing has become of it yet.
    Unknown,
}

impl FateIs {
    /// Whether this is what was found.
    pub(crate) fn holds_for(self, found: FateKind) -> bool {
        match self {
            Self::Applied => matches!(found, FateKind::Applied | FateKind::Compensated),
            Self::InForce => found == FateKind::Applied,
            Self::Refused => found == FateKind::Refused,
            Self::Cancelled => found == FateKind::Cancelled,
            Self::Unknown => found == FateKind::Unknown,
        }
    }
}

/// A part of what a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Adds records to the end of a log, making the log if it is not there, unless its space says otherwise.
    Append {
        /// The log.
        log: LogName,
        /// At least one record.
        records: Vec<NewRecord>,
    },
    /// The cell holds this from now on, whatever it held.
    Put {
        /// The cell.
        key: CellKey,
        /// What it is to hold.
        value: CellValue,
    },
    /// The cell is no longer there. One that is not there refuses the command.
    Delete {
        /// The cell.
        key: CellKey,
    },
    /// Adds to a number. A sum outside of the bounds, or of what 64 bits can hold, refuses the command.
    Add {
        /// The cell.
        key: CellKey,
        /// What is added; less than nothing to take away.
        amount: i64,
        /// The least sum.
        least: i64,
        /// The greatest sum.
        most: i64,
        /// What a cell that is not there counts as. Without it such a cell refuses the command.
        absent: Option<i64>,
    },
    /// Moves a reader in a log that is there, forwards or back, at most to the log's end.
    Move {
        /// The reader.
        reader: ReaderName,
        /// The log.
        log: LogName,
        /// The first offset that it has not done.
        to: Offset,
    },
    /// Takes a lock that is free. One that is held refuses the command, whoever holds it.
    Acquire {
        /// The lock.
        lock: LockName,
        /// Who is to hold it, for others to see.
        holder: Holder,
        /// For how long, unless it is renewed.
        time: Duration,
    },
    /// Holds a lock for this long from now on. One that is not held by this token, or no longer, refuses the command.
    Renew {
        /// The lock.
        lock: LockName,
        /// What it is held by.
        token: Token,
        /// For how long.
        time: Duration,
    },
    /// Frees a lock. One that is not held by this token, or no longer, refuses the command.
    Release {
        /// The lock.
        lock: LockName,
        /// What it is held by.
        token: Token,
    },
    /// Takes away a log's records before an offset. No id is forgotten for it.
    Trim {
        /// The log.
        log: LogName,
        /// The first offset that stays, at most the log's end.
        before: Offset,
    },
    /// Makes this command the undoing of another. If there is nothing to undo, no other action is done.
    Compensate {
        /// The id of the command to undo.
        target: Id,
    },
    /// Makes a log. One that is there refuses the command.
    CreateLog {
        /// The log.
        log: LogName,
        /// How much of it is kept.
        retention: Retention,
    },
    /// Changes how much of a log is kept.
    SetRetention {
        /// The log.
        log: LogName,
        /// How much of it is kept.
        retention: Retention,
    },
    /// Takes a log away, with all its records. Its end stays known: should the log be made again, it goes on there,
    /// so that an offset never means two records. No id is forgotten for it, and no reader moves.
    DeleteLog {
        /// The log.
        log: LogName,
    },
    /// Takes a reader's position in a log away. The reader is at 0 then, as one that was never moved, but with the
    /// version of this command.
    DeleteReader {
        /// The reader.
        reader: ReaderName,
        /// The log.
        log: LogName,
    },
    /// Makes a space. Only in the reserved space.
    CreateSpace {
        /// The space.
        name: SpaceName,
        /// What it is made with.
        policy: SpacePolicy,
    },
    /// Changes a space. Only in the reserved space.
    SetSpace {
        /// The space.
        name: SpaceName,
        /// How long it remembers ids from now on, if that changes.
        memory: Option<Duration>,
        /// How its logs come to be from now on, if that changes.
        logs: Option<LogCreation>,
    },
    /// Takes a space away, with all that is in it, its ids too. Its name stays known and is never given again. Only
    /// in the reserved space; neither that nor `main` can be deleted.
    DeleteSpace {
        /// The space.
        name: SpaceName,
    },
    /// Decides entries by the rules of a greater version from the next one on. Only in the reserved space.
    RaiseVersion {
        /// The version.
        to: MachineVersion,
    },
}

impl Action {
    /// Whether it belongs in the reserved space, and there alone.
    pub(crate) fn is_of_system(&self) -> bool {
        match self {
            Self::CreateSpace { .. } | Self::SetSpace { .. } | Self::DeleteSpace { .. } | Self::RaiseVersion { .. } => {
                true
            }
            Self::Append { .. }
            | Self::Put { .. }
            | Self::Delete { .. }
            | Self::Add { .. }
            | Self::Move { .. }
            | Self::Acquire { .. }
            | Self::Renew { .. }
            | Self::Release { .. }
            | Self::Trim { .. }
            | Self::Compensate { .. }
            | Self::CreateLog { .. }
            | Self::SetRetention { .. }
            | Self::DeleteLog { .. }
            | Self::DeleteReader { .. } => false,
        }
    }

    /// The id that it undoes.
    pub(crate) fn compensates(&self) -> Option<&Id> {
        match self {
            Self::Compensate { target } => Some(target),
            _ => None,
        }
    }

    /// How many bytes of the sender's it carries.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Append { log, records } => log.as_str().len() + records.iter().map(NewRecord::size).sum::<usize>(),
            Self::Put { key, value } => key.as_str().len() + value.size(),
            Self::Delete { key } | Self::Add { key, .. } => key.as_str().len(),
            Self::Move { reader, log, .. } | Self::DeleteReader { reader, log } => {
                reader.as_str().len() + log.as_str().len()
            }
            Self::Acquire { lock, holder, .. } => lock.as_str().len() + holder.as_str().len(),
            Self::Renew { lock, .. } | Self::Release { lock, .. } => lock.as_str().len(),
            Self::Trim { log, .. }
            | Self::CreateLog { log, .. }
            | Self::SetRetention { log, .. }
            | Self::DeleteLog { log } => log.as_str().len(),
            Self::Compensate { target } => target.text().len(),
            Self::CreateSpace { name, .. } | Self::SetSpace { name, .. } | Self::DeleteSpace { name } => {
                name.as_str().len()
            }
            Self::RaiseVersion { .. } => 0,
        }
    }
}

impl Guard {
    /// How many bytes of the sender's it carries.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::LogEnd { log, .. } => log.as_str().len(),
            Self::CellAbsent { key } | Self::CellVersion { key, .. } | Self::CellAtLeast { key, .. } => {
                key.as_str().len()
            }
            Self::Position { reader, log, .. } => reader.as_str().len() + log.as_str().len(),
            Self::LockHeld { lock, .. } => lock.as_str().len(),
            Self::Fate { target, .. } => target.text().len(),
        }
    }
}

/// A rule or a limit that a command breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The command does nothing.
    #[error("a command needs at least one action")]
    NoAction,
    /// Too many guards and actions.
    #[error("a command has at most {COMMAND_STEPS_MAX} guards and actions; this one has {0}")]
    TooManySteps(usize),
    /// An append without records.
    #[error("an append needs at least one record")]
    NoRecord,
    /// Too many records.
    #[error("a command has at most {COMMAND_RECORDS_MAX} records; this one has {0}")]
    TooManyRecords(usize),
    /// A record is too large.
    #[error("a record has at most {RECORD_BYTES_MAX} bytes; this one has {0}")]
    RecordTooLarge(usize),
    /// A cell's value is too large.
    #[error("a cell holds at most {CELL_BYTES_MAX} bytes; this value has {0}")]
    CellTooLarge(usize),
    /// The command is too large.
    #[error("a command has at most {COMMAND_BYTES_MAX} bytes; this one has {0}")]
    CommandTooLarge(usize),
    /// A record has too many headers.
    #[error("a record has at most {RECORD_HEADERS_MAX} headers; this one has {0}")]
    TooManyHeaders(usize),
    /// A header's key is empty or too long.
    #[error("the key of a header has 1 to {HEADER_KEY_BYTES_MAX} bytes; this one has {0}")]
    HeaderKey(usize),
    /// The command names its own id as a target.
    #[error("a command must not name its own id as a target")]
    OwnTarget,
    /// More than one compensation.
    #[error("a command compensates at most one other command")]
    TwoCompensations,
    /// An addition whose bounds exclude everything.
    #[error("`least` is {least} and must not be greater than `most`, which is {most}")]
    Bounds {
        /// The least sum.
        least: i64,
        /// The greatest sum.
        most: i64,
    },
    /// A lock's time is too short, too long, or not of whole milliseconds.
    #[error("a lock is held for {} s to {} h; give the time in whole milliseconds", LOCK_TIME_MIN.as_secs(), LOCK_TIME_MAX.as_secs() / 3_600)]
    LockTime,
    /// A retention keeps nothing.
    #[error("retention bounds must be positive, and ages whole milliseconds; omit a bound for unlimited")]
    Retention,
    /// A space's memory is too short, too long, or not of whole milliseconds.
    #[error("a space remembers ids for one minute to a hundred years, in whole milliseconds, or for ever")]
    Memory,
    /// An action about spaces or versions outside of the reserved space, or another one inside.
    #[error("spaces and versions are changed in the space `oncelog.system`, and everything else in other spaces")]
    WrongSpace,
    /// A change of a space that changes nothing.
    #[error("a change to a space must name what changes: its memory, or how logs are created")]
    NoChange,
    /// A deletion of a space that every cluster has.
    #[error("the space {0} can't be deleted: every cluster has it")]
    PermanentSpace(SpaceName),
}

impl Command {
    /// The ids that it names beside its own.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Id> {
        let of_guards = self.guards.iter().filter_map(|guard| match guard {
            Guard::Fate { target, .. } => Some(target),
            _ => None,
        });
        of_guards.chain(self.compensates())
    }

    /// The id that it undoes.
    pub(crate) fn compensates(&self) -> Option<&Id> {
        self.actions.iter().find_map(Action::compensates)
    }

    /// Checks the rules that have a meaning: what breaks them has none, whatever the limits of a release.
    pub(crate) fn check_meaning(&self) -> Result<(), Malformed> {
        if self.actions.is_empty() {
            return Err(Malformed::NoAction);
        }
        if self.targets().any(|target| *target == self.id) {
            return Err(Malformed::OwnTarget);
        }
        let compensations = self.actions.iter().filter(|action| matches!(action, Action::Compensate { .. })).count();
        if compensations > 1 {
            return Err(Malformed::TwoCompensations);
        }
        let is_system = self.space == SpaceName::system();
        if self.actions.iter().any(|action| action.is_of_system() != is_system) {
            return Err(Malformed::WrongSpace);
        }
        self.actions.iter().try_for_each(|action| match action {
            Action::Append { records, .. } if records.is_empty() => Err(Malformed::NoRecord),
            Action::Add { least, most, .. } if least > most => Err(Malformed::Bounds { least: *least, most: *most }),
            Action::CreateLog { retention, .. } | Action::SetRetention { retention, .. }
                if !retention.is_meaningful() =>
            {
                Err(Malformed::Retention)
            }
            Action::SetSpace { memory: None, logs: None, .. } => Err(Malformed::NoChange),
            Action::DeleteSpace { name } if name.is_permanent() => Err(Malformed::PermanentSpace(name.clone())),
            _ => Ok(()),
        })
    }

    /// Checks every rule and limit that does not depend on state.
    pub fn check(&self) -> Result<(), Malformed> {
        self.check_meaning()?;
        let steps = self.guards.len() + self.actions.len();
        if steps > COMMAND_STEPS_MAX {
            return Err(Malformed::TooManySteps(steps));
        }
        self.actions.iter().try_for_each(check_limits)?;
        let records_total: usize = self.actions.iter().map(count_records).sum();
        if records_total > COMMAND_RECORDS_MAX {
            return Err(Malformed::TooManyRecords(records_total));
        }
        let size = self.size();
        if size > COMMAND_BYTES_MAX { Err(Malformed::CommandTooLarge(size)) } else { Ok(()) }
    }

    /// How many bytes of the sender's it carries.
    pub(crate) fn size(&self) -> usize {
        let of_guards: usize = self.guards.iter().map(Guard::size).sum();
        let of_actions: usize = self.actions.iter().map(Action::size).sum();
        self.space.as_str().len() + self.id.text().len() + of_guards + of_actions
    }
}

fn count_records(action: &Action) -> usize {
    match action {
        Action::Append { records, .. } => records.len(),
        _ => 0,
    }
}

fn check_limits(action: &Action) -> Result<(), Malformed> {
    match action {
        Action::Append { records, .. } => records.iter().try_for_each(check_record),
        Action::Put { value: CellValue::Bytes(bytes), .. } if bytes.len() > CELL_BYTES_MAX => {
            Err(Malformed::CellTooLarge(bytes.len()))
        }
        Action::Acquire { time, .. } | Action::Renew { time, .. } if !is_lock_time(*time) => Err(Malformed::LockTime),
        Action::CreateSpace { policy, .. } if !policy.memory.is_allowed() => Err(Malformed::Memory),
        Action::SetSpace { memory: Some(memory), .. } if !is_allowed_duration(*memory) => Err(Malformed::Memory),
        _ => Ok(()),
    }
}

fn is_lock_time(time: Duration) -> bool {
    (LOCK_TIME_MIN..=LOCK_TIME_MAX).contains(&time) && time.subsec_nanos().is_multiple_of(1_000_000)
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
