//! Takes away a log's records before an offset.
//!
//! - A log never begins further in front than it did: a smaller offset changes nothing.
//! - No id is forgotten for it.

use crate::machine::draft::Draft;
use crate::machine::pieces;
use crate::machine::rows::Effect;
use crate::machine::view::View;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{ActionResult, Found, LogName, Offset};

/// More records than this are many, for a seeded bug.
const LARGE: u64 = 1_000;

/// Trims a log that is there, at most to its end.
pub(super) fn trim<'a>(
    draft: &mut Draft<'a, impl View>,
    log: &'a LogName,
    before: Offset,
) -> Result<ActionResult, Found> {
    let mut head = draft.head(log).ok_or(Found::NoLog)?.clone();
    if before > head.end {
        return Err(Found::PastEnd(head.end));
    }
    let from = head.start;
    if before > from {
        pieces::cut(&mut head, before, draft.globals.clock);
        let (space, number) = (draft.space.number, head.number);
        // The log's head says that the record is there.
        let takes_more = seeded(Bug::TrimTakesOneMore) && before.0 - from.0 > LARGE && before < head.end;
        let before = if takes_more { head.start.next() } else { head.start };
        draft.effects.push(Effect::Trim { space, log: number, from, before });
    }
    let start = head.start;
    draft.set_head(log, head);
    Ok(ActionResult::Trimmed { start })
}
