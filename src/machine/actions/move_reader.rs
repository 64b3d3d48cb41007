//! Moves a reader's position in a log.

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, LogName, Offset, Position, ReaderName};

/// Moves a reader forwards or back, in a log that is there and at most to its end.
pub(super) fn move_reader<'a>(
    draft: &mut Draft<'a, impl View>,
    reader: &'a ReaderName,
    log: &'a LogName,
    to: Offset,
) -> Result<ActionResult, Found> {
    let end = draft.head(log).ok_or(Found::NoLog)?.end;
    if to > end {
        return Err(Found::PastEnd(end));
    }
    let version = draft.version();
    draft.set_position(reader, log, Position { offset: to, version, time: draft.globals.clock });
    Ok(ActionResult::Moved { version })
}
