//! Appends that go wrong, for the seeded bugs among them; in other builds nothing is done here.

use crate::machine::rows::LogHead;
use crate::types::seeded_bug::{Bug, is_marked, seeded};
use crate::types::{NewRecord, Offset};

/// Where the first record goes that should go to `end`.
pub(super) fn spoilt_first(end: Offset, records: &[NewRecord]) -> Offset {
    if seeded(Bug::OffsetGivenTwice) && records.iter().any(|record| is_marked(&record.payload)) {
        // What somebody has read there becomes another record.
        return Offset(end.0.saturating_sub(1));
    }
    end
}

/// What is kept of records that should be kept whole, and of the log that they are for.
pub(super) fn spoil(head: &mut LogHead, records: &mut Vec<NewRecord>) {
    if seeded(Bug::FirstRecordHidden) {
        // Nobody has trimmed the log, and its first record is gone.
        head.start = head.start.max(Offset(1));
    }
    if seeded(Bug::HalfACommand)
        && let Some(lost) = records.len().checked_sub(1)
    {
        // One half of a transfer is not a transfer.
        records.truncate(1);
        head.end = Offset(head.end.0.saturating_sub(lost as u64));
    }
    if seeded(Bug::ByteLost) {
        // These are not the bytes that were sent.
        for record in records {
            record.payload.truncate(record.payload.len().saturating_sub(1));
        }
    }
}
