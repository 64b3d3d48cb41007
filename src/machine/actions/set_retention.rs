//! Changes how much of a log is kept.
//!
//! - What is too much by the new bounds is due now and goes with the next entry, as whole pieces of those that the log has.

use crate::machine::draft::Draft;
use crate::machine::pieces;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, LogName, Retention};

/// Gives a log that is there another retention.
pub(super) fn set_retention<'a>(
    draft: &mut Draft<'a, impl View>,
    log: &'a LogName,
    retention: Retention,
) -> Result<ActionResult, Found> {
    let mut head = draft.head(log).ok_or(Found::NoLog)?.clone();
    head.retention = retention;
    head.due = pieces::due(&head, draft.globals.clock);
    draft.set_head(log, head);
    Ok(ActionResult::RetentionSet)
}
