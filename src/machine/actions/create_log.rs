//! Makes a log.
//!
//! - One that was deleted goes on with its number, where it ended.

use crate::machine::draft::Draft;
use crate::machine::pieces;
use crate::machine::rows::LogHead;
use crate::machine::view::View;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{ActionResult, Found, LogName, Offset, Retention};

/// Makes a log that is not there yet.
pub(super) fn create_log<'a>(
    draft: &mut Draft<'a, impl View>,
    log: &'a LogName,
    retention: Retention,
) -> Result<ActionResult, Found> {
    if draft.head(log).is_some() {
        return Err(Found::LogExists);
    }
    let head = make(draft, log, retention);
    draft.set_head(log, head);
    Ok(ActionResult::LogCreated)
}

/// An empty log, with a number that no log of another name ever had.
pub(super) fn make(draft: &mut Draft<'_, impl View>, log: &LogName, retention: Retention) -> LogHead {
    let (number, end) = if let Some(deleted) = draft.deleted_log(log) {
        // An offset means two records.
        let end = if seeded(Bug::LogBeginsAnew) { Offset(0) } else { deleted.end };
        (deleted.number, end)
    } else {
        let number = draft.space.next_log;
        draft.space.next_log = number.next();
        (number, Offset(0))
    };
    let clock = draft.globals.clock;
    let mut head = LogHead {
        number,
        start: end,
        end,
        bytes_ever: 0,
        created: clock,
        last: clock,
        retention,
        due: None,
        marks: Vec::new(),
    };
    head.marks.push(pieces::at_end(&head, clock));
    head
}
