//! Writes a history that nobody lived through, to measure what it costs to read and judge one.
//!
//! - It is sound: the oracle finds nothing in it.
//! - Nine of ten operations append one record to one of many logs. The others append several, are sent twice, or are whole
//!   commands. Beside them somebody reads ends, looks ids up, looks at nodes and asks how they are.
//! - Answers come a while after their questions, so that many operations are on their way at once.
//! - All replicas hold the same.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tonic::Code;

use crate::client::{Acknowledgement, Effect, Failure, Place};
use crate::command::{command, record, sealed};
use crate::history::file::{self, Writer};
use crate::history::{
    AllSeen, Command, Content, Decided, EndSeen, Event, Fate, Few, Hash, Job, LocalSeen, LookedUp, Meant, Name, Packed,
    RecordSeen, StatusSeen,
};
use crate::oracle::{Dump, LogDump, Stored};
use crate::proto::outcome::Verdict;
use crate::proto::{ActionResult, Appended, Applied, Outcome, action_result};
use crate::sample;
use crate::tables::fingerprint;

const NODES: [u64; 3] = [1, 2, 3];
const LOGS: usize = 1_000;
const CLIENTS: usize = 64;
/// Between two operations.
const STEP: Duration = Duration::from_micros(100);
/// From a question to its answer.
const LATENCY: Duration = Duration::from_millis(3);
const HISTORY: u64 = 7;
const WALL_MS: u64 = 1_700_000_000_000;
/// Of how many operations one is looked up, one read is made, and so on.
const LOOKS: usize = 100;
/// How many operations are made in a second.
const A_SECOND: usize = 10_000;

/// Writes a history of so many operations.
pub fn write(path: &Path, operations: usize) -> io::Result<()> {
    let mut made = Made::new(path)?;
    let meant = Meant { acknowledged: operations / 2, nodes: NODES.to_vec(), wall_ms: WALL_MS, ..Meant::default() };
    made.writer.write_all([Event::Meant(meant)])?;
    for turn in 0..operations {
        made.step(turn)?;
    }
    made.now += LATENCY + STEP;
    made.answer()?;
    let (at, replicas) = (made.now, made.replicas());
    made.writer.write_all(file::look(at, &replicas))?;
    made.writer.write_all([Event::Ended { at, broken_off: None }])
}

/// What there is by now.
struct Made {
    writer: Writer,
    now: Duration,
    logs: Vec<(String, LogDump)>,
    sequence: u64,
    operations: usize,
    commands: usize,
    /// Answers that are on their way, with the times that they come at.
    coming: VecDeque<(Duration, Event)>,
    lines: Vec<Event>,
}

impl Made {
    fn new(path: &Path) -> io::Result<Self> {
        // The last one is for commands.
        let logs = (0..=LOGS).map(|number| (format!("orders-{number}"), LogDump::default()));
        Ok(Self {
            writer: Writer::create(path)?,
            now: Duration::from_secs(1),
            logs: logs.collect(),
            sequence: 0,
            operations: 0,
            commands: 0,
            coming: VecDeque::new(),
            lines: Vec::new(),
        })
    }

    fn step(&mut self, turn: usize) -> io::Result<()> {
        self.now += STEP;
        self.answer()?;
        let (log, id) = (turn / 3 % LOGS, sample::id(turn % CLIENTS, turn as u64));
        match turn % 20 {
            0 => self.submit(LOGS, &id, turn),
            1 => self.append(log, &id, turn, 3),
            _ => self.append(log, &id, turn, 1),
        }
        if turn % LOOKS == 1 {
            self.look(log, &id);
        }
        if turn.is_multiple_of(A_SECOND) {
            let status = |node| StatusSeen {
                node,
                at: self.now,
                term: 1,
                leads: node == 1,
                serves: true,
                committed: self.sequence,
                applied: self.sequence,
                digest: format!("{:032x}", self.sequence),
            };
            self.lines.extend(NODES.map(|node| Event::Status(status(node))));
        }
        self.writer.write_all(self.lines.drain(..))
    }

    /// Answers that are due by now come.
    fn answer(&mut self) -> io::Result<()> {
        let now = self.now;
        while let Some((_, event)) = self.coming.pop_front_if(|(at, _)| *at <= now) {
            self.lines.push(event);
        }
        self.writer.write_all(self.lines.drain(..))
    }

    /// Appends records, and says where.
    fn store(&mut self, log: usize, id: Name, contents: &[Content]) -> Place {
        self.sequence += 1;
        let time_ms = WALL_MS + u64::try_from(self.now.as_millis()).expect("a short time");
        let (_, log) = self.logs.get_mut(log).expect("one of the logs");
        let first_offset = log.end;
        for content in contents {
            log.records.push(Stored { offset: log.end, id, content: *content, time_ms });
            log.end += 1;
        }
        let count = u32::try_from(contents.len()).expect("a few records");
        Place { first_offset, count, sequence: self.sequence, history: HISTORY, time_ms }
    }

    fn name(&self, log: usize) -> Name {
        self.logs.get(log).map(|(name, _)| Name::from(name)).unwrap_or_default()
    }

    fn append(&mut self, log: usize, text: &str, turn: usize, records: usize) {
        let (operation, id, client) = (self.operations, Name::of(text), turn % CLIENTS);
        self.operations += 1;
        let payloads = sample::payloads(text, records, 1);
        let contents: Few<Content> = payloads.iter().map(|payload| Content::of(payload)).collect();
        let place = self.store(log, id, &contents);
        let log = self.name(log);
        let fingerprint = fingerprint::of_append(&log, text, &payloads).map(Hash::from);
        let (number, believed) = (operation, false);
        self.lines.push(Event::Operation { number, client, log, id, contents, fingerprint, believed });
        // Of some the first answer is lost.
        let attempts = if turn % 20 == 2 { 2 } else { 1 };
        for attempt in 0..attempts {
            let node = NODES.get((turn + attempt) % NODES.len()).copied().unwrap_or_default();
            let invoked = self.now + LATENCY / 2 * u32::try_from(attempt).unwrap_or_default();
            let completed = self.now + LATENCY / u32::try_from(attempts - attempt).unwrap_or(1);
            let lost = Failure { effect: Effect::Unknown, ..Failure::silence(Code::Unavailable, "no answer") };
            let told = Acknowledgement { replayed: attempt > 0, place };
            let answer = if attempt + 1 < attempts { Err(lost) } else { Ok(told) };
            self.lines.push(Event::Attempt { operation, id, node, place: None, invoked });
            self.coming.push_back((completed, Event::Answer { operation, id, attempt, completed, answer }));
        }
    }

    fn submit(&mut self, log: usize, text: &str, turn: usize) {
        let (number, id, client) = (self.commands, Name::of(text), turn % CLIENTS);
        self.commands += 1;
        let request = command(text, vec![], vec![record(&self.name(log), text.to_owned())]);
        let contents = vec![Content::of(text.as_bytes())];
        let place = self.store(log, id, &contents);
        let (log, space) = (self.name(log), Name::default());
        let (request, attempts) = (Packed::of(&request), Vec::new());
        let command =
            Command { client, space, id, job: Job::Prepare, request, log, contents, further: Vec::new(), attempts };
        self.lines.push(Event::Command { number, command });
        let Place { sequence, history, time_ms, first_offset, count } = place;
        let appended = action_result::Result::Appended(Appended { first_offset, count });
        let applied = Applied { results: vec![ActionResult { result: Some(appended) }], nothing_to_undo: false };
        let verdict = Some(Verdict::Applied(applied));
        let sealed = sealed(&Outcome { sequence, history, time_ms, verdict });
        let completed = self.now + LATENCY;
        self.lines.push(Event::CommandAttempt { command: number, id, node: 1, invoked: self.now });
        let answer = Ok(Decided { replayed: false, sealed });
        self.coming.push_back((completed, Event::CommandAnswer { command: number, id, attempt: 0, completed, answer }));
    }

    /// Somebody reads what there is of a log, and looks for an id.
    fn look(&mut self, log: usize, id: &str) {
        let (invoked, completed) = (self.now, self.now + LATENCY);
        let Some((name, dump)) = self.logs.get(log) else { return };
        let (name, end) = (Name::from(name), dump.end);
        let records = dump.records.iter().rev().take(4).rev();
        let records =
            records.map(|record| RecordSeen { offset: record.offset, id: record.id, content: record.content });
        let records: Vec<RecordSeen> = records.collect();
        let all = AllSeen::of(records.iter().copied());
        let seen = LocalSeen { node: 1, log: name, invoked, completed, start: 0, end, records, all };
        let looked_up =
            LookedUp { id: Name::of(id), node: 2, linearizable: true, invoked, completed, fate: Fate::Unknown };
        self.coming.push_back((completed, Event::Local(seen)));
        self.coming.push_back((completed, Event::End(EndSeen { log: name, invoked, completed, end })));
        self.coming.push_back((completed, Event::Lookup(looked_up)));
    }

    fn replicas(&mut self) -> Vec<Dump> {
        let logs: BTreeMap<String, Arc<LogDump>> =
            self.logs.drain(..).map(|(name, log)| (name, Arc::new(log))).collect();
        let (applied_index, digest) = (self.sequence, format!("{:032x}", self.sequence));
        let replica = Dump { applied_index, digest, logs, spaces: ["main".to_owned()].into(), ..Dump::default() };
        NODES.map(|node| Dump { node, ..replica.clone() }).into()
    }
}
