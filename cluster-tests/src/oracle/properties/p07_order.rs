//! P7: acknowledged(a) before invoked(b) ⇒ offset(a) < offset(b) in one log, and the same for the places of outcomes in one
//! space. Of two appends to one log that one stream has
//! decided, the one sent first comes first; and a client that after a broken stream sends the unanswered again, in order and
//! before anything new, has its appends in each log in the order in which it made them, over all its streams.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{Name, Operation};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P7", sentence: "order is that of real time, and of streams", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.acknowledged()
}

/// An offset and the id that was told it.
type Told = (u64, Name);

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    order_is_real_time(evidence, report);
    sequences_are_real_time(evidence, report);
    streams_decide_in_the_order_sent(evidence, report);
    resending_keeps_the_order(evidence, report);
}

fn order_is_real_time(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut logs: BTreeMap<Name, Vec<(Duration, Duration, u64, Name)>> = BTreeMap::new();
    for operation in &evidence.events.operations {
        if let (Some(invoked), Some((completed, acknowledgement))) = (operation.invoked(), operation.acknowledged()) {
            let row = (invoked, completed, acknowledgement.place.first_offset, operation.id);
            logs.entry(operation.log).or_default().push(row);
        }
    }
    for rows in logs.values_mut() {
        let mut by_completion = rows.clone();
        by_completion.sort_by_key(|(_, completed, ..)| *completed);
        rows.sort_by_key(|(invoked, ..)| *invoked);
        let mut earlier = by_completion.iter().peekable();
        let mut greatest: Option<Told> = None;
        for (invoked, _, offset, id) in rows.iter() {
            while let Some((_, _, before, by)) = earlier.next_if(|(_, completed, ..)| completed < invoked) {
                if greatest.is_none_or(|(offset, _)| offset < *before) {
                    greatest = Some((*before, *by));
                }
            }
            if let Some((before, by)) = greatest.filter(|(before, _)| before >= offset) {
                report(format!("{by} at {before} was acknowledged before {id} at {offset} was sent"));
            }
        }
    }
}

/// Outcomes of a space are in one order, whatever they are about.
fn sequences_are_real_time(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut spaces: BTreeMap<Name, Vec<(Duration, Duration, u64, Name)>> = BTreeMap::new();
    for operation in &evidence.events.operations {
        if let (Some(invoked), Some((completed, acknowledgement))) = (operation.invoked(), operation.acknowledged()) {
            let row = (invoked, completed, acknowledgement.place.sequence, operation.id);
            spaces.entry(Name::default()).or_default().push(row);
        }
    }
    for command in &evidence.events.commands {
        if let (Some(invoked), Some((completed, sealed))) = (command.invoked(), command.decided()) {
            let row = (invoked, completed, sealed.sequence, command.id);
            spaces.entry(command.space).or_default().push(row);
        }
    }
    for rows in spaces.values_mut() {
        let mut by_completion = rows.clone();
        by_completion.sort_by_key(|(_, completed, ..)| *completed);
        rows.sort_by_key(|(invoked, ..)| *invoked);
        let mut earlier = by_completion.iter().peekable();
        let mut greatest: Option<Told> = None;
        for (invoked, _, sequence, id) in rows.iter() {
            while let Some((_, _, before, by)) = earlier.next_if(|(_, completed, ..)| completed < invoked) {
                if greatest.is_none_or(|(greatest, _)| greatest < *before) {
                    greatest = Some((*before, *by));
                }
            }
            if let Some((before, by)) = greatest.filter(|(before, _)| before >= sequence) {
                report(format!(
                    "{by} is the outcome {before}, and was told before {id}, which is {sequence}, was sent"
                ));
            }
        }
    }
}

fn streams_decide_in_the_order_sent(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut decided: BTreeMap<(usize, Name), BTreeMap<u64, Told>> = BTreeMap::new();
    for operation in &evidence.events.operations {
        for attempt in &operation.attempts {
            if let (Some(place), Some(Ok(acknowledgement))) = (attempt.place, &attempt.answer)
                && !acknowledgement.replayed
            {
                let of_stream = decided.entry((place.stream, operation.log)).or_default();
                of_stream.insert(place.position, (acknowledgement.place.first_offset, operation.id));
            }
        }
    }
    for ((stream, log), by_position) in decided {
        ascending(by_position.values().copied(), |earlier, later| {
            report(format!("stream {stream}, log {log}: {later:?} was sent after {earlier:?}"));
        });
    }
}

fn resending_keeps_the_order(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut answered: BTreeMap<(usize, Name), Vec<Told>> = BTreeMap::new();
    for operation in &evidence.events.operations {
        if let Some(offset) = offset_by_stream(&operation) {
            answered.entry((operation.client, operation.log)).or_default().push((offset, operation.id));
        }
    }
    for ((client, log), in_order) in answered {
        ascending(in_order.into_iter(), |earlier, later| {
            report(format!("client {client}, log {log}: {later:?} was made after {earlier:?}"));
        });
    }
}

fn offset_by_stream(operation: &Operation) -> Option<u64> {
    let answers = operation.attempts.iter().filter(|attempt| attempt.place.is_some());
    let acknowledged = answers.filter_map(|attempt| attempt.answer.as_ref()?.as_ref().ok());
    acknowledged.map(|acknowledgement| acknowledgement.place.first_offset).next()
}

fn ascending(offsets: impl Iterator<Item = Told>, mut report: impl FnMut(Told, Told)) {
    let mut greatest: Option<Told> = None;
    for next in offsets {
        match greatest {
            Some(before) if before.0 >= next.0 => report(before, next),
            _ => greatest = Some(next),
        }
    }
}
