//! Takes a log away.
//!
//! - Its end stays known, and its number: a log that is made again goes on there, so an offset never means two records.
//! - No id is forgotten for it, and no reader moves.

use crate::machine::draft::Draft;
use crate::machine::rows::{DeletedLog, Effect};
use crate::machine::view::View;
use crate::types::{ActionResult, Found, LogName};

/// Takes away a log that is there, with all its records.
pub(super) fn delete_log<'a>(draft: &mut Draft<'a, impl View>, log: &'a LogName) -> Result<ActionResult, Found> {
    let head = draft.head(log).ok_or(Found::NoLog)?;
    let (space, number, start, end) = (draft.space.number, head.number, head.start, head.end);
    if start < end {
        draft.effects.push(Effect::Trim { space, log: number, from: start, before: end });
    }
    draft.delete_log(log, DeletedLog { number, end, at: draft.globals.clock });
    Ok(ActionResult::LogDeleted { end })
}
