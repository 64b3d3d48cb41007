//! What a stream promises of the order of its appends.

use std::collections::BTreeMap;

use super::Report;
use crate::history::{Events, Operation};

/// An offset and the id that was told it.
type Told<'a> = (u64, &'a str);

/// Of two appends to one log that one stream has decided, the one sent first comes first.
pub(super) fn decided_in_the_order_sent(events: &Events, report: &mut Report<'_>) {
    let mut decided: BTreeMap<(usize, &str), BTreeMap<u64, Told<'_>>> = BTreeMap::new();
    for operation in &events.operations {
        for attempt in &operation.attempts {
            if let (Some(place), Some(Ok(acknowledgement))) = (attempt.place, &attempt.answer)
                && !acknowledgement.replayed
            {
                let of_stream = decided.entry((place.stream, &operation.log)).or_default();
                of_stream.insert(place.position, (acknowledgement.place.first_offset, &operation.id));
            }
        }
    }
    for ((stream, log), by_position) in decided {
        ascending(by_position.values().copied(), |earlier, later| {
            let what = format!("stream {stream}, log {log}: {later:?} was sent after {earlier:?}");
            report("a stream's appends are decided in the order sent", what);
        });
    }
}

/// A client that after a broken stream sends the unanswered again, in order and before anything new, has its appends in
/// each log in the order in which it made them, over all its streams.
pub(super) fn resending_keeps_the_order(events: &Events, report: &mut Report<'_>) {
    let mut answered: BTreeMap<(usize, &str), Vec<Told<'_>>> = BTreeMap::new();
    for operation in &events.operations {
        if let Some(offset) = offset_by_stream(operation) {
            answered.entry((operation.client, &operation.log)).or_default().push((offset, &operation.id));
        }
    }
    for ((client, log), in_order) in answered {
        ascending(in_order.into_iter(), |earlier, later| {
            let what = format!("client {client}, log {log}: {later:?} was made after {earlier:?}");
            report("sending again keeps the order", what);
        });
    }
}

fn offset_by_stream(operation: &Operation) -> Option<u64> {
    let answers = operation.attempts.iter().filter(|attempt| attempt.place.is_some());
    let acknowledged = answers.filter_map(|attempt| attempt.answer.as_ref()?.as_ref().ok());
    acknowledged.map(|acknowledgement| acknowledgement.place.first_offset).next()
}

fn ascending<'a>(offsets: impl Iterator<Item = Told<'a>>, mut report: impl FnMut(Told<'a>, Told<'a>)) {
    let mut greatest: Option<Told<'_>> = None;
    for next in offsets {
        match greatest {
            Some(before) if before.0 >= next.0 => report(before, next),
            _ => greatest = Some(next),
        }
    }
}
