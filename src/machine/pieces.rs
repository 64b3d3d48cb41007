//! The pieces of a log, which retention takes whole.
//!
//! - A log always has a piece, be it an empty one at its end, and `start` is in its first piece.
//! - A piece's age is that of its newest record, which is at most that of the first record after it: nothing that is
//!   younger than what is kept goes.
//! - What a log's row says it is due by may be too early, never too late: an append doesn't move it on.
//! - How many pieces there are is bounded: there are as many as a retention has parts, about, or else each is a part of
//!   the log; and when there are too many, every second mark goes.

use std::time::Duration;

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LogTime, Offset, Retention};

use super::rows::{LogHead, Mark};

/// About how many pieces a retention has.
const PARTS: u64 = 64;
/// With more marks than this, every second goes.
const MARKS: usize = 256;
/// How many records a piece has at least in a log of which everything is kept.
const RECORDS_PER_PIECE: u64 = 1_024;
/// How much of such a log a piece has at least, as a part of the records that it keeps.
const PIECES_PER_LOG: u64 = 16;
const SECOND: Duration = Duration::from_secs(1);

/// The mark of an empty piece at the log's end.
pub(super) fn at_end(head: &LogHead, clock: LogTime) -> Mark {
    Mark { first: head.end, bytes_before: head.bytes_ever, opened: clock }
}

/// Before records come: they get a piece of their own if the last one is full, and an empty one begins now.
pub(super) fn begin(head: &mut LogHead, clock: LogTime) {
    let mark = at_end(head, clock);
    let last = *head.marks.last().expect("a log has a piece");
    if last.first == head.end {
        head.marks.pop();
        head.marks.push(mark);
    } else if is_full(head, &last, clock) {
        head.marks.push(mark);
    }
    if head.marks.len() > MARKS {
        let mut stays = false;
        head.marks.retain(|_| {
            stays = !stays;
            stays
        });
    }
}

fn is_full(head: &LogHead, piece: &Mark, clock: LogTime) -> bool {
    let records = head.end.0 - piece.first.0;
    let bytes = head.bytes_ever - piece.bytes_before;
    let retention = &head.retention;
    let by_records = retention.records.is_some_and(|kept| records >= (kept / PARTS).max(1));
    let by_bytes = retention.bytes.is_some_and(|kept| bytes >= (kept / PARTS).max(1));
    let by_age = retention.age.is_some_and(|kept| clock >= piece.opened.saturating_add(part_of(kept)));
    let share = (head.end.0 - head.start.0) / PIECES_PER_LOG;
    let by_share = *retention == Retention::EVERYTHING && records >= share.max(RECORDS_PER_PIECE);
    by_records || by_bytes || by_age || by_share
}

fn part_of(age: Duration) -> Duration {
    let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX) / PARTS;
    Duration::from_millis(ms).max(SECOND)
}

/// Takes the records before an offset away, which is at most the log's end.
pub(super) fn cut(head: &mut LogHead, before: Offset, clock: LogTime) {
    head.start = head.start.max(before);
    if head.start == head.end {
        head.marks = vec![at_end(head, clock)];
    } else {
        let first = head.marks.partition_point(|mark| mark.first <= head.start).saturating_sub(1);
        head.marks.drain(..first);
    }
}

/// Takes away the pieces that are to go by now, from the front.
pub(super) fn retain(head: &mut LogHead, clock: LogTime) {
    let before = head.start;
    while due(head, clock).is_some_and(|at| at <= clock) {
        let before = head.marks.get(1).map_or(head.end, |next| next.first);
        cut(head, before, clock);
    }
    if seeded(Bug::RetentionTakesOneMore)
        && head.start > before
        && let Some(next) = head.marks.get(1).copied()
    {
        // Less is kept than was asked for.
        cut(head, next.first, clock);
    }
}

/// When the first piece is to go: now, if the log has enough without it.
pub(super) fn due(head: &LogHead, clock: LogTime) -> Option<LogTime> {
    if head.start == head.end {
        return None;
    }
    let retention = &head.retention;
    let next = head.marks.get(1);
    let has_enough_without = next.is_some_and(|next| {
        let by_records = retention.records.is_some_and(|kept| head.end.0 - next.first.0 >= kept);
        by_records || retention.bytes.is_some_and(|kept| head.bytes_ever - next.bytes_before >= kept)
    });
    if has_enough_without {
        return Some(clock);
    }
    let over = next.map_or(head.last, |next| next.opened);
    retention.age.map(|age| over.saturating_add(age))
}
