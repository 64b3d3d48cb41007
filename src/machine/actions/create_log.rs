//! Makes a log.

use crate::machine::draft::Draft;
use crate::machine::pieces;
use crate::machine::rows::LogHead;
use crate::machine::view::View;
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
    let head = make(draft, retention);
    draft.set_head(log, head);
    Ok(ActionResult::LogCreated)
}

/// An empty log, with a number that no log of the space ever had.
pub(super) fn make(draft: &mut Draft<'_, impl View>, retention: Retention) -> LogHead {
    let number = draft.space.next_log;
    draft.space.next_log = number.next();
    let clock = draft.globals.clock;
    let mut head = LogHead {
        number,
        start: Offset(0),
        end: Offset(0),
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
