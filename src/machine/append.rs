//! Appends records to a log.
//!
//! - The first append makes the log. Its number is new in the space and never used again.
//! - Appends of one command to one log follow each other.

use crate::types::{ActionResult, LogName, NewRecord, Offset};

use super::draft::Draft;
use super::rows::{Effect, LogHead};
use super::view::View;

/// Adds `records` to the end of `log`.
pub(super) fn append<'a>(draft: &mut Draft<'a, impl View>, log: &'a LogName, records: &'a [NewRecord]) -> ActionResult {
    let mut head = draft.head(log).unwrap_or_else(|| make(draft));
    let first = head.end;
    let count = u32::try_from(records.len()).expect("an entry is too small for that many records");
    let bytes = records.iter().map(|record| record.size() as u64).sum::<u64>();
    head.end = first.plus(count.into());
    head.bytes = head.bytes.checked_add(bytes).expect("a log's bytes overflow");

    draft.effects.push(Effect::Records {
        space: draft.space.number,
        log: head.number,
        first,
        id: draft.id.clone(),
        time: draft.globals.clock,
        records: records.to_vec(),
    });
    draft.heads.insert(log, head);
    ActionResult::Appended { first, count }
}

fn make(draft: &mut Draft<'_, impl View>) -> LogHead {
    let number = draft.space.next_log;
    draft.space.next_log = number.next();
    LogHead { number, start: Offset(0), end: Offset(0), bytes: 0, created: draft.globals.clock }
}
