//! Appends records to a log.
//!
//! - The first append makes the log, unless the space wants logs to be made explicitly. So does the first after the
//!   log was deleted, and the log goes on where it ended.
//! - Appends of one command to one log follow each other.

use crate::machine::draft::Draft;
use crate::machine::pieces;
use crate::machine::rows::Effect;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, LogCreation, LogName, NewRecord, Retention};

use super::create_log::make;
use super::spoiled::{spoil, spoilt_first};

/// Adds `records` to the end of `log`.
pub(super) fn append<'a>(
    draft: &mut Draft<'a, impl View>,
    log: &'a LogName,
    records: &[NewRecord],
) -> Result<ActionResult, Found> {
    let mut head = match (draft.head(log), draft.space.logs) {
        (Some(head), _) => head.clone(),
        (None, LogCreation::ByAppend) => make(draft, log, Retention::EVERYTHING),
        (None, LogCreation::Explicit) => return Err(Found::NoLog),
    };
    let clock = draft.globals.clock;
    let first = spoilt_first(head.end, records);
    let count = u32::try_from(records.len()).expect("an entry is too small for that many records");
    let bytes = records.iter().map(|record| record.size() as u64).sum::<u64>();
    pieces::begin(&mut head, clock);
    head.end = first.plus(count.into());
    head.bytes_ever = head.bytes_ever.checked_add(bytes).expect("a log's bytes overflow");
    head.last = clock;
    // Never later: what comes too early is looked at again.
    head.due = [head.due, pieces::due(&head, clock)].into_iter().flatten().min();

    let mut records = records.to_vec();
    spoil(&mut head, &mut records);
    draft.effects.push(Effect::Records {
        space: draft.space.number,
        log: head.number,
        first,
        id: draft.id.clone(),
        time: clock,
        records,
    });
    draft.set_head(log, head);
    Ok(ActionResult::Appended { first, count })
}
