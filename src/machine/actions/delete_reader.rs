//! Takes a reader's position in a log away.
//!
//! - The reader has the version of the deletion then: whoever saw where it was, or that it was never moved, loses at
//!   a guard.

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, LogName, ReaderName};

/// Takes away a position that is there, whether or not the log is.
pub(super) fn delete_reader<'a>(
    draft: &mut Draft<'a, impl View>,
    reader: &'a ReaderName,
    log: &'a LogName,
) -> Result<ActionResult, Found> {
    if !draft.has_position(reader, log) {
        return Err(Found::NoReader);
    }
    let version = draft.version();
    draft.delete_position(reader, log, version);
    Ok(ActionResult::ReaderDeleted { version })
}
