//! Logs, their records, and what stays of logs that were deleted.

use std::collections::BTreeMap;

use super::due::later;
use super::{Replica, Report};
use crate::command::log_in;
use crate::oracle::{LogDump, Stored};
use crate::tables::{Head, Space};

pub(super) fn judge(replica: &Replica<'_>, report: &mut Report<'_>) {
    let small = replica.small;
    let mut numbers: BTreeMap<(u32, u64), &str> = BTreeMap::new();
    let headers = header_bytes(replica);
    let mut records = 0;
    for ((number, name), head) in &small.logs {
        let Some((in_space, space)) = replica.spaces.get(number).copied() else {
            report(format!("the log {name} is of space {number}, which is not there"));
            continue;
        };
        let log = log_in(in_space, name);
        if let Some(other) = numbers.insert((*number, head.number), name) {
            report(format!("the logs {other} and {log} are both number {}", head.number));
        }
        numbered(&log, head.number, space, report);
        let Some(dump) = replica.dump.logs.get(log.as_str()) else {
            report(format!("the log {log} has a head, and was not read"));
            continue;
        };
        records += dump.records.len() as u64;
        let sizes = Sizes { of: &headers, number: (*number, head.number) };
        of_log(replica, &log, head, dump, &sizes, report);
        deleted_before(replica, (*number, name), &log, head, report);
    }
    for ((number, name), deleted) in &small.deleted_logs {
        let what = || format!("what stays of the log {name}");
        let Some(space) = replica.space(*number, what, report) else { continue };
        replica.not_ahead(deleted.at, what, report);
        numbered(name, deleted.number, space, report);
        if numbers.insert((*number, deleted.number), name).is_some_and(|other| other != name) {
            report(format!("another log has the number {} of {name}, which was deleted", deleted.number));
        }
    }
    let sums = replica.tables.sums();
    for ((space, log), strays) in &sums.strays {
        records += strays.len() as u64;
        let (first, last) = (strays.first().map(|it| it.offset), strays.last().map(|it| it.offset));
        report(format!("log {log} of space {space} is not there, and has records from {first:?} to {last:?}"));
    }
    let unread = replica.tables.rows(crate::tables::Table::Records).len() as u64;
    if records + unread != sums.count {
        report(format!("{records} records are in logs, and the table of records has {}", sums.count - unread));
    }
}

fn numbered(log: &str, number: u64, space: &Space, report: &mut Report<'_>) {
    if number == 0 || number >= space.next_log {
        report(format!("the log {log} is number {number}, and the next is {}", space.next_log));
    }
}

/// The head of a log beside its records.
fn of_log(replica: &Replica<'_>, log: &str, head: &Head, dump: &LogDump, sizes: &Sizes<'_>, report: &mut Report<'_>) {
    for (time, what) in [(head.created, "creation"), (head.last, "last append")] {
        replica.not_ahead(time, || format!("the {what} of the log {log}"), report);
    }
    if !is_in_order(head) {
        report(format!("the pieces of the log {log} are not in order: {head:?}"));
        return;
    }
    let mut next = head.start;
    let mut time = head.created;
    for record in &dump.records {
        if record.offset != next {
            report(format!("the log {log} has a record at {}, and {next} is to come", record.offset));
        }
        if record.time_ms < time || record.time_ms > head.last {
            report(format!(
                "the record {log}/{} is of {}, not between {time} and {}",
                record.offset, record.time_ms, head.last
            ));
        }
        (next, time) = (record.offset + 1, record.time_ms);
    }
    if next != head.end {
        report(format!("the log {log} ends at {}, and its last record is before {next}", head.end));
        return;
    }
    if dump.records.last().is_some_and(|last| last.time_ms != head.last) {
        report(format!("the log {log} was appended to at {}, and its last record is of {time}", head.last));
    }
    bytes(log, head, dump, sizes, report);
    retention(replica, log, head, report);
}

/// The start is in the first piece, and pieces follow each other up to the end.
fn is_in_order(head: &Head) -> bool {
    let marks = &head.marks;
    let first = marks.first().is_some_and(|mark| mark.first <= head.start);
    let second = marks.get(1).is_none_or(|mark| mark.first > head.start);
    let last = marks.last().is_some_and(|mark| mark.first <= head.end && mark.bytes_before <= head.bytes_ever);
    let opened = marks.iter().all(|mark| mark.opened <= head.last || mark.first == head.end);
    let sorted = marks.is_sorted_by(|before, after| before.first < after.first && before.opened <= after.opened);
    head.start <= head.end && first && second && last && sorted && opened
}

/// From each piece on, the log has as many bytes as it counts.
fn bytes(log: &str, head: &Head, dump: &LogDump, sizes: &Sizes<'_>, report: &mut Report<'_>) {
    let mut marks = head.marks.iter().rev().filter(|mark| mark.first >= head.start).peekable();
    let (mut sum, mut next) = (0, head.end);
    let mut records = dump.records.iter().rev();
    loop {
        while let Some(mark) = marks.next_if(|mark| mark.first == next) {
            let counted = head.bytes_ever - mark.bytes_before;
            if counted != sum {
                report(format!("the log {log} counts {counted} bytes from {next} on, and has {sum}"));
            }
        }
        let Some(record) = records.next() else { break };
        sum += sizes.of(record);
        next = record.offset;
    }
    let all = head.marks.first().map_or(0, |mark| head.bytes_ever - mark.bytes_before);
    if sum > all {
        report(format!("the log {log} counts {all} bytes, and has {sum}"));
    }
}

/// A log is due by its retention: perhaps too early, never too late.
fn retention(replica: &Replica<'_>, log: &str, head: &Head, report: &mut Report<'_>) {
    if head.start == head.end {
        return;
    }
    let next = head.marks.get(1);
    let has_enough_without = next.is_some_and(|next| {
        let by_records = head.records.is_some_and(|kept| head.end - next.first >= kept);
        by_records || head.bytes.is_some_and(|kept| head.bytes_ever - next.bytes_before >= kept)
    });
    let over = next.map_or(head.last, |next| next.opened);
    let by_age = head.age.map(|age| later(over, age.ms()));
    let latest = if has_enough_without { Some(replica.clock) } else { by_age };
    if let Some(latest) = latest
        && head.due.is_none_or(|due| due > latest)
    {
        report(format!("a piece of the log {log} is to go at {latest}, and the log is due at {:?}", head.due));
    }
}

/// A log that was deleted and is there again goes on where it ended.
fn deleted_before(replica: &Replica<'_>, key: (u32, &String), log: &str, head: &Head, report: &mut Report<'_>) {
    let Some(deleted) = replica.small.deleted_logs.get(&(key.0, key.1.clone())) else { return };
    let goes_on = head.number == deleted.number && head.start >= deleted.end && head.created >= deleted.at;
    if !goes_on {
        report(format!("the log {log} was deleted, and does not go on from there: {deleted:?}, {head:?}"));
    }
}

/// How many bytes records have.
struct Sizes<'a> {
    of: &'a BTreeMap<((u32, u64), u64), u64>,
    number: (u32, u64),
}

impl Sizes<'_> {
    fn of(&self, record: &Stored) -> u64 {
        let headers = self.of.get(&(self.number, record.offset)).copied().unwrap_or(0);
        u64::from(record.content.bytes) + headers
    }
}

fn header_bytes(replica: &Replica<'_>) -> BTreeMap<((u32, u64), u64), u64> {
    replica.tables.sums().headers.iter().map(|(log, offset, bytes)| ((*log, *offset), *bytes)).collect()
}
