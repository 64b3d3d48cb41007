//! A history in a file: one JSON line an event, so that a run can be judged again later, by other eyes.
//!
//! - The replicas are in it, too, as they were read in the end: what is judged is all here.
//! - What is read is what was written, but for the bytes of records, of which only sizes and hashes are kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CellsSeen, Command, EndSeen, Events, Fault, LocalSeen, LookedUp, Meant, Operation, PageSeen, Recovery, Reuse,
    Round, StatusSeen,
};
use crate::oracle::{Dump, LogDump, Stored};

/// A line. Records follow their log, logs their replica.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Meant(Meant),
    Workload { name: String },
    Mark { at: Duration, what: String },
    Fault(Fault),
    Recovery(Recovery),
    Round(Round),
    Operation(Operation),
    Command(Command),
    Reuse(Reuse),
    End(EndSeen),
    Local(LocalSeen),
    Page(PageSeen),
    Lookup(LookedUp),
    Cells(CellsSeen),
    Status(StatusSeen),
    Replica(Dump),
    Log { name: String, start: u64, end: u64 },
    Record(Stored),
}

/// Writes a run. The replicas may come from several looks, each of which is judged for itself.
pub fn write(path: &Path, events: &Events, replicas: &[Dump]) -> io::Result<()> {
    let mut lines = Lines(BufWriter::new(File::create(path)?));
    if let Some(meant) = &events.meant {
        lines.write(&Line::Meant(meant.clone()))?;
    }
    for name in &events.workloads {
        lines.write(&Line::Workload { name: name.clone() })?;
    }
    for (at, what) in &events.marks {
        lines.write(&Line::Mark { at: *at, what: what.clone() })?;
    }
    for fault in &events.faults {
        lines.write(&Line::Fault(fault.clone()))?;
    }
    for recovery in &events.recoveries {
        lines.write(&Line::Recovery(recovery.clone()))?;
    }
    for round in &events.rounds {
        lines.write(&Line::Round(round.clone()))?;
    }
    for operation in &events.operations {
        lines.write(&Line::Operation(operation.clone()))?;
    }
    for command in &events.commands {
        lines.write(&Line::Command(command.clone()))?;
    }
    for reuse in &events.reuses {
        lines.write(&Line::Reuse(reuse.clone()))?;
    }
    for end in &events.ends {
        lines.write(&Line::End(end.clone()))?;
    }
    for local in &events.locals {
        lines.write(&Line::Local(local.clone()))?;
    }
    for page in &events.pages {
        lines.write(&Line::Page(page.clone()))?;
    }
    for lookup in &events.lookups {
        lines.write(&Line::Lookup(lookup.clone()))?;
    }
    for cells in &events.cells {
        lines.write(&Line::Cells(cells.clone()))?;
    }
    for status in &events.statuses {
        lines.write(&Line::Status(status.clone()))?;
    }
    for replica in replicas {
        lines.write(&Line::Replica(Dump { logs: BTreeMap::new(), ..replica.clone() }))?;
        for (name, log) in &replica.logs {
            lines.write(&Line::Log { name: name.clone(), start: log.start, end: log.end })?;
            for record in &log.records {
                lines.write(&Line::Record(*record))?;
            }
        }
    }
    lines.0.flush()
}

struct Lines(BufWriter<File>);

impl Lines {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        self.0.write_all(b"\n")
    }
}

/// Reads a run. A line that can't be read is an error: what was judged with a part of it missing was not judged.
pub fn read(path: &Path) -> io::Result<(Events, Vec<Dump>)> {
    let mut events = Events::default();
    let mut replicas: Vec<Dump> = Vec::new();
    let mut log: Option<String> = None;
    for (number, line) in (1..).zip(BufReader::new(File::open(path)?).lines()) {
        let bad = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("line {number}: {why}"));
        match serde_json::from_str(&line?).map_err(|error| bad(error.to_string()))? {
            Line::Meant(meant) => events.meant = Some(meant),
            Line::Workload { name } => events.workloads.push(name),
            Line::Mark { at, what } => events.marks.push((at, what)),
            Line::Fault(fault) => events.faults.push(fault),
            Line::Recovery(recovery) => events.recoveries.push(recovery),
            Line::Round(round) => events.rounds.push(round),
            Line::Operation(operation) => events.operations.push(operation),
            Line::Command(command) => events.commands.push(command),
            Line::Reuse(reuse) => events.reuses.push(reuse),
            Line::End(end) => events.ends.push(end),
            Line::Local(local) => events.locals.push(local),
            Line::Page(page) => events.pages.push(page),
            Line::Lookup(lookup) => events.lookups.push(lookup),
            Line::Cells(cells) => events.cells.push(cells),
            Line::Status(status) => events.statuses.push(status),
            Line::Replica(replica) => {
                replicas.push(replica);
                log = None;
            }
            Line::Log { name, start, end } => {
                let replica = replicas.last_mut().ok_or_else(|| bad("a log of no replica".to_owned()))?;
                replica.logs.insert(name.clone(), Arc::new(LogDump { start, end, records: Vec::new() }));
                log = Some(name);
            }
            Line::Record(record) => {
                let found = replicas.last_mut().zip(log.as_ref()).and_then(|(replica, log)| replica.logs.get_mut(log));
                let log = found.ok_or_else(|| bad("a record of no log".to_owned()))?;
                Arc::make_mut(log).records.push(record);
            }
        }
    }
    Ok((events, replicas))
}
