//! A history in a file: one JSON line an event, so that a run can be judged again later, by other eyes.
//!
//! - A line is with the kernel before what it says is acted upon: whatever ends the harness, nothing that happened is
//!   missing. Only the last line may be torn then.
//! - The replicas are in it, too, as they were read in the end: what is judged is all here.
//! - What is read is what happened, but for the bytes of records, of which only sizes and hashes are kept.
//! - A file is read while it grows: each time from where it was read up to before.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::command::CommandChange;
use super::event::OperationChange;
use super::growing::Growing;
use super::{Attempt, Command, CommandAttempt, Event, Events, Few, Operation};
use crate::oracle::{Dump, LogDump};
use crate::tables::Gathering;

/// How much is read at once, and how much may wait to be written of what is written at once.
const BUFFER_BYTES: usize = 4 << 20;
/// Room for so many records of a log is made at once, at most, on its word.
const RECORDS_MAX: u64 = 1 << 24;

/// Writes events to a file.
#[derive(Debug)]
pub struct Writer {
    file: File,
    lines: Vec<u8>,
}

impl Writer {
    /// Begins a new file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create(path)?, lines: Vec::new() })
    }

    /// Writes an event. When it returns, a kill of this process does not lose it.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        self.add(event)?;
        self.flush()
    }

    /// Writes many events, of which a kill may lose the last.
    pub fn write_all(&mut self, events: impl IntoIterator<Item = Event>) -> io::Result<()> {
        for event in events {
            self.add(&event)?;
            if self.lines.len() > BUFFER_BYTES {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn add(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, event)?;
        self.lines.push(b'\n');
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

/// What replicas hold, as events. A log that an earlier replica shares is told once, and so is a table.
pub fn look(at: std::time::Duration, replicas: &[Dump]) -> impl Iterator<Item = Event> {
    let replicas = replicas.iter().enumerate().flat_map(move |(place, replica)| {
        let logs = replica.logs.iter().flat_map(move |(name, log)| {
            let mut earlier = replicas.iter().take(place);
            let same = earlier.find(|other| other.logs.get(name).is_some_and(|other| Arc::ptr_eq(other, log)));
            let (same_as, own) = (same.map(|other| other.node), same.is_none());
            let head = Event::Log { name: name.clone(), start: log.start, end: log.end, same_as };
            std::iter::once(head).chain(log.records.iter().filter(move |_| own).map(|record| Event::Record(*record)))
        });
        let head = Event::Replica(Dump { logs: std::collections::BTreeMap::new(), ..replica.clone() });
        let first = replicas.first().filter(|_| place > 0).and_then(|first| first.tables.as_ref());
        let tables = replica.tables.iter().flat_map(move |tables| tables.lines(first)).map(Event::Table);
        std::iter::once(head).chain(logs).chain(tables)
    });
    std::iter::once(Event::Look { at }).chain(replicas)
}

/// Reads all of a run that is over. A line that can't be read is an error: what was judged with a part of it missing was not
/// judged. But if something killed the harness, the last line may be torn: then the run broke off, and that is left out.
pub fn read(path: &Path) -> io::Result<(Events, Vec<Dump>)> {
    let mut reading = Reading::of(path);
    let torn = reading.go_on()?;
    reading.close_replica();
    let mut events = reading.events()?;
    if !reading.ended {
        let torn = if torn { ", whose last line is torn" } else { "" };
        events.broken_off =
            Some(format!("something killed the harness: nothing in the history{torn} says that it ended"));
    }
    Ok((events, reading.replicas))
}

/// The events of whole lines, in their order. Two threads parse them.
fn parse(lines: &[u8]) -> impl Iterator<Item = Result<Event, String>> {
    let middle = lines.iter().skip(lines.len() / 2).position(|byte| *byte == b'\n');
    let (first, second) = lines.split_at(middle.map_or(lines.len(), |newline| lines.len() / 2 + newline + 1));
    let parse_some = |lines: &[u8]| -> Vec<Result<Event, String>> {
        let lines = lines.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).map_err(|error| error.to_string())).collect()
    };
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| parse_some(second));
        (parse_some(first), second.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    first.into_iter().chain(second)
}

/// A file, as far as it was read.
#[derive(Debug)]
pub struct Reading {
    path: PathBuf,
    /// How many bytes and lines were read.
    position: u64,
    lines: u64,
    /// All but operations and commands.
    events: Events,
    operations: Growing<Operation>,
    commands: Growing<Command>,
    replicas: Vec<Dump>,
    /// The log that records belong to.
    log: Option<(String, LogDump)>,
    /// The tables of the last replica, as far as they were read.
    tables: Gathering,
    ended: bool,
}

impl Reading {
    /// Of this file, nothing of which was read yet.
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            position: 0,
            lines: 0,
            events: Events::default(),
            operations: Growing::default(),
            commands: Growing::default(),
            replicas: Vec::new(),
            log: None,
            tables: Gathering::default(),
            ended: false,
        }
    }

    /// Reads what there is by now. Says whether something stands behind the last whole line.
    pub fn go_on(&mut self) -> io::Result<bool> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.position))?;
        let mut bytes = Vec::with_capacity(2 * BUFFER_BYTES);
        loop {
            let more = (&mut file).take(BUFFER_BYTES as u64).read_to_end(&mut bytes)?;
            let lines = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            let (whole, rest) = bytes.split_at(lines);
            for event in parse(whole) {
                self.lines += 1;
                event
                    .and_then(|event| self.take(event))
                    .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {why}", self.lines)))?;
            }
            self.position += whole.len() as u64;
            if more == 0 {
                return Ok(!rest.is_empty());
            }
            bytes.drain(..lines);
        }
    }

    /// All that was read but the replicas.
    pub fn events(&mut self) -> io::Result<Events> {
        let bad = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        let operations = self.operations.items().map_err(bad)?.clone();
        let commands = self.commands.items().map_err(bad)?.clone();
        Ok(Events { operations, commands, ..self.events.clone() })
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        let events = &mut self.events;
        match event {
            Event::Meant(meant) => events.meant = Some(meant),
            Event::Workload { name } => events.workloads.push(name),
            Event::Mark { at, what } => events.marks.push((at, what)),
            Event::Fault(fault) => events.faults.push(fault),
            Event::Healed { fault, at, effective } => {
                let fault = events.faults.get_mut(fault).ok_or("a fault is healed that has not begun")?;
                (fault.healed, fault.effective) = (Some(at), effective);
            }
            Event::LeaderChange(change) => events.changes.push(change),
            Event::Alarm(alarm) => events.alarms.push(alarm),
            Event::Recovery(recovery) => events.recoveries.push(recovery),
            Event::Round(round) => events.rounds.push(round),
            Event::Reuse(reuse) => events.reuses.push(reuse),
            Event::End(end) => events.ends.push(end),
            Event::Local(local) => events.locals.push(local),
            Event::Page(page) => events.pages.push(page),
            Event::Lookup(lookup) => events.lookups.push(lookup),
            Event::Cells(cells) => events.cells.push(cells),
            Event::Asked(asked) => events.asked.push(asked),
            Event::Shown(shown) => events.shown.push(shown),
            Event::ReadFailed(failed) => events.failed.push(failed),
            Event::Status(status) => events.statuses.push(status),
            Event::CutShort { .. } => events.cut_short = true,
            Event::Ended { broken_off, .. } => {
                events.broken_off = broken_off;
                self.ended = true;
            }
            Event::Look { .. } | Event::Replica(_) | Event::Log { .. } | Event::Record(_) | Event::Table(_) => {
                return self.hold(event);
            }
            sent => return self.take_sent(sent),
        }
        Ok(())
    }

    fn take_sent(&mut self, event: Event) -> Result<(), String> {
        let (operations, commands) = (&mut self.operations, &mut self.commands);
        match event {
            Event::Operation { number, client, log, id, contents, fingerprint, believed } => operations.push(
                number,
                Operation {
                    client,
                    log,
                    id,
                    payloads: Vec::new(),
                    contents,
                    fingerprint,
                    attempts: Few::new(),
                    believed,
                    doubted: false,
                    cancels: Few::new(),
                },
            ),
            Event::Attempt { operation, node, place, invoked, .. } => {
                let attempt = Attempt { node, place, invoked, completed: None, answer: None };
                operations.change(operation, OperationChange::Attempt(attempt))
            }
            Event::Answer { operation, attempt, completed, answer, .. } => {
                operations.change(operation, OperationChange::Answer { attempt, completed, answer })
            }
            Event::Doubted { operation, .. } => operations.change(operation, OperationChange::Doubted),
            Event::Cancelled { operation, told, .. } => operations.change(operation, OperationChange::Cancelled(told)),
            Event::Command { number, command } => commands.push(number, command),
            Event::CommandAttempt { command, node, invoked, .. } => {
                let attempt = CommandAttempt { node, invoked, completed: None, answer: None };
                commands.change(command, CommandChange::Attempt(attempt))
            }
            Event::CommandAnswer { command, attempt, completed, answer, .. } => {
                commands.change(command, CommandChange::Answer { attempt, completed, answer })
            }
            other => Err(format!("nobody has sent {other:?}")),
        }
    }

    fn hold(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Record(record) => {
                self.log.as_mut().ok_or("a record of no log")?.1.records.push(record);
                return Ok(());
            }
            Event::Log { name, start, end, same_as } => {
                self.close_log();
                let shared = same_as.map(|node| {
                    let other = self.replicas.iter().find(|replica| replica.node == node);
                    let log = other.and_then(|replica| replica.logs.get(&name)).cloned();
                    log.ok_or_else(|| format!("node {node} has no log {name}"))
                });
                let replica = self.replicas.last_mut().ok_or("a log of no replica")?;
                if let Some(shared) = shared {
                    replica.logs.insert(name, shared?);
                } else {
                    let room = usize::try_from(end.saturating_sub(start).min(RECORDS_MAX)).unwrap_or_default();
                    self.log = Some((name, LogDump { start, end, records: Vec::with_capacity(room) }));
                }
            }
            Event::Table(line) => {
                self.replicas.last().ok_or("a table of no replica")?;
                self.tables.take(line)?;
            }
            Event::Replica(replica) => {
                self.close_replica();
                self.replicas.push(replica);
            }
            _ => {
                self.close_replica();
                self.replicas.clear();
            }
        }
        Ok(())
    }

    /// All that the last replica holds is there.
    fn close_replica(&mut self) {
        self.close_log();
        let tables = std::mem::take(&mut self.tables);
        if let Some((last, others)) = self.replicas.split_last_mut() {
            last.tables = tables.finish(others.first().and_then(|first| first.tables.as_ref()));
        }
    }

    /// The log's records are all there.
    fn close_log(&mut self) {
        if let (Some((name, mut log)), Some(replica)) = (self.log.take(), self.replicas.last_mut()) {
            log.records.shrink_to_fit();
            replica.logs.insert(name, Arc::new(log));
        }
    }
}
