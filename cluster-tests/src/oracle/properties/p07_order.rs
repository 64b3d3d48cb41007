//! P7: acknowledged(a) before invoked(b) ⇒ offset(a) < offset(b) in one log, and the same for the places of outcomes in one
//! space. Of two appends to one log that one stream has
//! decided, the one sent first comes first; and a client that after a broken stream sends the unanswered again, in order and
//! before anything new, has its appends in each log in the order in which it made them, over all its streams.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{Name, Operation, Verdict};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P7", sentence: "order is that of real time, and of streams", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.acknowledged
}

/// An offset and the id that was told it.
type Told = (u64, Name);

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    order_is_real_time(evidence, report);
    sequences_are_real_time(evidence, report);
    streams_decide_in_the_order_sent(evidence, report);
    resending_keeps_the_order(evidence, report);
}

/// What has a place in an order, and when it was sent and known.
#[derive(Debug, Clone, Copy)]
struct Row {
    invoked_ns: u64,
    completed_ns: u64,
    place: u64,
    /// The log, or the space, whose order it is.
    of: Name,
    id: Name,
}

impl Row {
    fn new(invoked: Duration, completed: Duration, place: u64, of: Name, id: Name) -> Self {
        let [invoked_ns, completed_ns] =
            [invoked, completed].map(|time| u64::try_from(time.as_nanos()).expect("a run is shorter than centuries"));
        Self { invoked_ns, completed_ns, place, of, id }
    }
}

/// Names each row that was sent after a row was known that comes behind it, or has the same place.
fn real_time(mut rows: Vec<Row>, mut report: impl FnMut(&Row, &Row)) {
    rows.sort_unstable_by_key(|row| (row.of.number(), row.place, row.invoked_ns));
    for rows in rows.chunk_by(|one, other| one.of == other.of) {
        // Of those behind, the first that was known; of those at the same place, too.
        let mut known: Option<&Row> = None;
        for same in rows.chunk_by(|one, other| one.place == other.place).rev() {
            let earliest = same.iter().chain(known).min_by_key(|row| row.completed_ns);
            for row in same {
                if let Some(before) = earliest.filter(|before| before.completed_ns < row.invoked_ns) {
                    report(before, row);
                }
            }
            known = earliest;
        }
    }
}

fn order_is_real_time(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut rows = Vec::with_capacity(evidence.events.operations.len());
    for operation in &evidence.events.operations {
        if let (Some(invoked), Some((completed, acknowledgement))) = (operation.invoked(), operation.acknowledged()) {
            let offset = acknowledgement.place.first_offset;
            rows.push(Row::new(invoked, completed, offset, operation.log, operation.id));
        }
    }
    real_time(rows, |before, row| {
        let (log, offset) = (row.of, row.place);
        report(format!(
            "{} at {log}/{} was acknowledged before {} at {log}/{offset} was sent",
            before.id, before.place, row.id
        ));
    });
}

/// Outcomes of a space are in one order, whatever they are about.
fn sequences_are_real_time(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut rows = Vec::with_capacity(evidence.events.operations.len() + evidence.events.commands.len());
    for operation in &evidence.events.operations {
        if let (Some(invoked), Some((completed, acknowledgement))) = (operation.invoked(), operation.acknowledged()) {
            let sequence = acknowledgement.place.sequence;
            rows.push(Row::new(invoked, completed, sequence, Name::default(), operation.id));
        }
        // A cancel may have been sent before its append was.
        let cancels = operation.cancels.iter();
        rows.extend(
            cancels.map(|told| Row::new(Duration::ZERO, told.at, told.sequence, Name::default(), operation.id)),
        );
    }
    for command in &evidence.events.commands {
        if let (Some(invoked), Some((completed, sealed))) = (command.invoked(), command.decided())
            // A cancel, or the undoing of what was never seen, may have come first.
            && sealed.verdict != Verdict::Cancelled
        {
            rows.push(Row::new(invoked, completed, sealed.sequence, command.space, command.id));
        }
    }
    real_time(rows, |before, row| {
        report(format!(
            "{} is the outcome {}, and was told before {}, which is {}, was sent",
            before.id, before.place, row.id, row.place
        ));
    });
}

fn streams_decide_in_the_order_sent(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut decided = Vec::new();
    for operation in &evidence.events.operations {
        for attempt in &operation.attempts {
            if let (Some(place), Some(Ok(acknowledgement))) = (attempt.place, &attempt.answer)
                && !acknowledgement.replayed
            {
                decided.push((
                    place.stream,
                    operation.log,
                    place.position,
                    acknowledgement.place.first_offset,
                    operation.id,
                ));
            }
        }
    }
    decided.sort_unstable_by_key(|(stream, log, position, ..)| (*stream, log.number(), *position));
    for of_stream in decided.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
        let mut greatest: Option<Told> = None;
        for (stream, log, _, offset, id) in of_stream {
            match greatest {
                Some(before) if before.0 >= *offset => {
                    report(format!("stream {stream}, log {log}: {:?} was sent after {before:?}", (offset, id)));
                }
                _ => greatest = Some((*offset, *id)),
            }
        }
    }
}

fn resending_keeps_the_order(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut greatest: BTreeMap<(usize, Name), Told> = BTreeMap::new();
    for operation in &evidence.events.operations {
        if let Some(offset) = offset_by_stream(&operation) {
            let next = (offset, operation.id);
            let greatest = greatest.entry((operation.client, operation.log)).or_insert(next);
            if greatest.0 > offset || (greatest.0 == offset && greatest.1 != operation.id) {
                let (client, log) = (operation.client, operation.log);
                report(format!("client {client}, log {log}: {next:?} was made after {greatest:?}"));
            }
            *greatest = next.max(*greatest);
        }
    }
}

fn offset_by_stream(operation: &Operation) -> Option<u64> {
    let answers = operation.attempts.iter().filter(|attempt| attempt.place.is_some());
    let acknowledged = answers.filter_map(|attempt| attempt.answer.as_ref()?.as_ref().ok());
    acknowledged.map(|acknowledgement| acknowledgement.place.first_offset).next()
}
