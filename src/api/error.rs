//! The engine's errors as reports.

use std::time::Duration;

use crate::engine::{Absent, Engine, Error};
use crate::types::{AttemptEffect, CellKey, LogName, Offset, SpaceName};
use crate::wire::{ErrorReport, Reason};

/// When a full queue may be worth another try.
const RETRY_AFTER_OVERLOAD: Duration = Duration::from_millis(50);
/// When another election may be over.
const RETRY_AFTER_NO_LEADER: Duration = Duration::from_millis(200);

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        report(&error)
    }
}

pub(super) fn report(error: &Error) -> ErrorReport {
    let of = |reason: Reason| ErrorReport::new(reason, error.effect(), error.to_string());
    match error {
        Error::NoLeader(_) => of(Reason::NoLeader).with_retry_after(RETRY_AFTER_NO_LEADER),
        Error::Overloaded => of(Reason::Overloaded).with_retry_after(RETRY_AFTER_OVERLOAD),
        Error::Expired => of(Reason::TimedOut),
        Error::Unknown(_) => of(Reason::OutcomeUnknown),
        Error::Stopping | Error::CatchingUp => of(Reason::NotServing).with_retry_after(RETRY_AFTER_NO_LEADER),
        Error::Failed(_) => of(Reason::Internal),
        Error::VersionUnsupported(_) => of(Reason::VersionUnsupported),
    }
}

/// What a read asked for is not there.
pub(super) fn not_found(reason: Reason, message: String) -> ErrorReport {
    ErrorReport::without_effect(reason, message)
}

/// The space is not there.
pub(super) fn no_such_space(engine: &Engine, space: &SpaceName) -> ErrorReport {
    match engine.absent(space, None) {
        Ok(Some(Absent::Space { deleted })) => ErrorReport::no_such_space(space, deleted),
        Ok(_) => ErrorReport::no_such_space(space, None),
        Err(error) => report(&error),
    }
}

/// The log, or else its space, is not there.
pub(super) fn no_such_log(engine: &Engine, space: &SpaceName, log: &LogName) -> ErrorReport {
    match engine.absent(space, Some(log)) {
        Ok(found) => absent_log(found.unwrap_or(Absent::Log { deleted: None }), space, log),
        Err(error) => report(&error),
    }
}

/// A log, or else its space, was found not to be there.
pub(super) fn absent_log(absent: Absent, space: &SpaceName, log: &LogName) -> ErrorReport {
    match absent {
        Absent::Space { deleted } => ErrorReport::no_such_space(space, deleted),
        Absent::Log { deleted } => {
            let when = deleted.map(|at| format!(": it was deleted at {at}")).unwrap_or_default();
            not_found(Reason::NoSuchLog, format!("there is no log `{log}` in space `{space}`{when}"))
        }
    }
}

pub(super) fn no_such_cell(space: &SpaceName, key: &CellKey) -> ErrorReport {
    not_found(Reason::NoSuchCell, format!("there is no cell `{key}` in space `{space}`"))
}

/// What comes first of what was asked for is not there any more.
pub(super) fn trimmed(start: Offset) -> ErrorReport {
    let message = format!("the records asked for were trimmed away; the log begins at {start}");
    ErrorReport::without_effect(Reason::Trimmed, message).with_fact("start", start)
}

/// A node without a cluster can't have an answer, however long one waits.
pub(super) fn check_initialised(engine: &Engine) -> Result<(), ErrorReport> {
    if engine.is_initialised() {
        return Ok(());
    }
    let message = engine.problem().unwrap_or_else(|| {
        "this node is not in a cluster yet: run `oncelog init` once, at one node, with the peer addresses of all"
            .to_owned()
    });
    Err(ErrorReport::new(Reason::NotInitialised, AttemptEffect::None, message))
}
