//! What the clients did and heard, on one clock.
//!
//! - An operation is one id with its records, and every attempt to send it.
//! - It *failed* only when every attempt said that it has no effect; it is *acknowledged* once any attempt succeeded;
//!   otherwise it is *unknown*, never absent.
//! - All of it can be written to a file, one event a line, and judged again from there ([`mod@file`]).

mod command;
mod content;
mod deleted;
mod done;
mod event;
pub mod file;
mod many;
mod name;
mod seen;

pub use command::{Command, CommandAttempt, Decided, Got, Job, Sealed, Verdict};
pub use content::Content;
pub use deleted::Deleted;
pub use done::{WORKLOADS, done};
pub use event::{Again, Attempt, Effective, Fault, Few, Meant, Operation, Recovery, Reuse, Round, StreamPlace};
pub use many::{Item, Many};
pub use name::Name;
pub use seen::{CellsSeen, EndSeen, Fate, LocalSeen, LookedUp, Number, PAGE_RECORDS, PageSeen, RecordSeen, StatusSeen};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::client::{Acknowledgement, Failure};
use crate::command::appends;
use crate::proto::SubmitRequest;

/// Everything, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// All operations.
    pub operations: Many<Operation>,
    /// All whole commands.
    pub commands: Many<Command>,
    /// All reads of ends.
    pub ends: Many<EndSeen>,
    /// All reads of a node's own state.
    pub locals: Many<LocalSeen>,
    /// All pages of tails.
    pub pages: Many<PageSeen>,
    /// All looks for ids.
    pub lookups: Many<LookedUp>,
    /// All reads of several cells at once.
    pub cells: Many<CellsSeen>,
    /// All attempts to use an id for something else.
    pub reuses: Many<Reuse>,
    /// How nodes were, from time to time.
    pub statuses: Many<StatusSeen>,
    /// Steps of whoever directs the run, in a few words.
    pub marks: Vec<(Duration, String)>,
    /// What was done to the cluster.
    pub faults: Vec<Fault>,
    /// When all that nobody knew of was sent again, in order.
    pub rounds: Vec<Round>,
    /// How it came back from faults.
    pub recoveries: Vec<Recovery>,
    /// What clients were meant to do, by the names of [`WORKLOADS`].
    pub workloads: Vec<String>,
    /// What the run was meant to be; a scenario that says so by itself has none.
    pub meant: Option<Meant>,
}

impl Events {
    /// When operations were acknowledged that were decided just then, in order: no replays. A majority was there.
    pub fn decisions(&self) -> Vec<Duration> {
        let mut times = Vec::new();
        for operation in &self.operations {
            let attempts = operation.attempts.iter();
            let decided = attempts.filter(|attempt| matches!(&attempt.answer, Some(Ok(told)) if !told.replayed));
            times.extend(decided.filter_map(|attempt| attempt.completed));
        }
        times.sort_unstable();
        times
    }
}

/// The handle of an operation.
#[derive(Debug, Clone, Copy)]
pub struct OperationNumber(usize);

/// The handle of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptNumber(usize, usize);

/// The handle of a whole command.
#[derive(Debug, Clone, Copy)]
pub struct CommandNumber(usize);

/// The handle of an attempt to send one.
#[derive(Debug, Clone, Copy)]
pub struct CommandAttemptNumber(usize, usize);

/// Written by all clients at once.
#[derive(Debug)]
pub struct History {
    start: Instant,
    all: Mutex<All>,
    pace: Mutex<Pace>,
    streams: AtomicUsize,
}

/// What was sent can still change; all else is as it is.
#[derive(Debug, Default)]
struct All {
    operations: Vec<Operation>,
    commands: Vec<Command>,
    events: Events,
}

/// What a run's progress is told by, without going through all events.
#[derive(Debug, Default)]
struct Pace {
    acknowledged: usize,
    /// The last acknowledgement that was no replay.
    last: Option<Duration>,
    worst_gap: Duration,
}

impl Pace {
    /// An operation was acknowledged that was decided just now. Before the first one there was no load.
    fn new_at(&mut self, now: Duration) {
        let gap = self.last.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.worst_gap = self.worst_gap.max(gap);
        self.last = Some(now);
    }
}

impl Default for History {
    fn default() -> Self {
        Self { start: Instant::now(), all: Mutex::default(), pace: Mutex::default(), streams: AtomicUsize::new(0) }
    }
}

impl History {
    /// A client has chosen an id.
    pub fn operation(&self, client: usize, log: &str, id: &str, payloads: &[Bytes]) -> OperationNumber {
        self.chosen(client, log, id, payloads, false)
    }

    /// A client has chosen an id, and will take *no effect* at its word.
    pub fn believing(&self, client: usize, log: &str, id: &str, payloads: &[Bytes]) -> OperationNumber {
        self.chosen(client, log, id, payloads, true)
    }

    fn chosen(&self, client: usize, log: &str, id: &str, payloads: &[Bytes], believed: bool) -> OperationNumber {
        let operation = Operation {
            client,
            log: Name::of(log),
            id: Name::of(id),
            payloads: payloads.to_vec(),
            contents: payloads.iter().map(|payload| Content::of(payload)).collect(),
            attempts: Few::new(),
            believed,
            doubted: false,
            cancelled: false,
        };
        let mut all = self.lock();
        all.operations.push(operation);
        OperationNumber(all.operations.len() - 1)
    }

    /// An attempt is about to be sent.
    pub fn invoke(&self, operation: OperationNumber, node: u64) -> AttemptNumber {
        self.invoke_at(operation, node, None)
    }

    /// A stream was opened; the number is its own.
    pub fn stream(&self) -> usize {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// An attempt is about to be sent at a place in a stream.
    pub fn invoke_streamed(&self, operation: OperationNumber, node: u64, place: StreamPlace) -> AttemptNumber {
        self.invoke_at(operation, node, Some(place))
    }

    fn invoke_at(
        &self,
        OperationNumber(number): OperationNumber,
        node: u64,
        place: Option<StreamPlace>,
    ) -> AttemptNumber {
        let mut all = self.lock();
        // Read under the lock: events are in the order of the clock.
        let invoked = self.start.elapsed();
        let attempts = &mut all.operations.get_mut(number).expect("a handle from `operation`").attempts;
        attempts.push(Attempt { node, place, invoked, completed: None, answer: None });
        AttemptNumber(number, attempts.len() - 1)
    }

    /// The answer is here.
    pub fn complete(&self, AttemptNumber(number, attempt): AttemptNumber, answer: Result<Acknowledgement, Failure>) {
        let mut all = self.lock();
        let completed = self.start.elapsed();
        let operation = all.operations.get_mut(number).expect("a handle from `invoke`");
        if let Ok(told) = &answer {
            let mut pace = self.pace();
            pace.acknowledged += usize::from(operation.acknowledged().is_none());
            // A node that follows replays what it knows, even while nobody leads.
            if !told.replayed {
                pace.new_at(completed);
            }
        }
        let attempt = operation.attempts.get_mut(attempt).expect("a handle from `invoke`");
        attempt.completed = Some(completed);
        attempt.answer = Some(answer);
    }

    /// A cancel of the operation's id is about to be sent.
    pub fn doubt(&self, OperationNumber(number): OperationNumber) {
        self.lock().operations.get_mut(number).expect("a handle from `operation`").doubted = true;
    }

    /// A cancel of the operation's id was answered *cancelled*: from now on it never takes effect.
    pub fn cancelled(&self, OperationNumber(number): OperationNumber) {
        self.lock().operations.get_mut(number).expect("a handle from `operation`").cancelled = true;
    }

    /// A client has made a whole command.
    pub fn command(&self, client: usize, job: Job, request: &SubmitRequest) -> CommandNumber {
        let (log, contents) = appends(request);
        let command = Command {
            client,
            space: Name::of(&request.space),
            id: request.id.as_ref().map_or_else(Name::default, |id| Name::of(&id.text)),
            job,
            request: Some(request.clone()),
            log: Name::from(log),
            contents,
            attempts: Vec::new(),
        };
        let mut all = self.lock();
        all.commands.push(command);
        CommandNumber(all.commands.len() - 1)
    }

    /// A whole command is about to be sent.
    pub fn submit(&self, CommandNumber(number): CommandNumber, node: u64) -> CommandAttemptNumber {
        let mut all = self.lock();
        let invoked = self.start.elapsed();
        let attempts = &mut all.commands.get_mut(number).expect("a handle from `command`").attempts;
        attempts.push(CommandAttempt { node, invoked, completed: None, answer: None });
        CommandAttemptNumber(number, attempts.len() - 1)
    }

    /// Its answer is here.
    pub fn answered(
        &self,
        CommandAttemptNumber(number, attempt): CommandAttemptNumber,
        answer: Result<Decided, Failure>,
    ) {
        let mut all = self.lock();
        let completed = self.start.elapsed();
        let command = all.commands.get_mut(number).expect("a handle from `submit`");
        let attempt = command.attempts.get_mut(attempt).expect("a handle from `submit`");
        attempt.completed = Some(completed);
        attempt.answer = Some(answer);
    }

    /// The time of the history's clock, for [`History::end_seen`].
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A linearizable read that was asked at `invoked` has seen a log's end.
    pub fn end_seen(&self, log: &str, invoked: Duration, end: u64) {
        let events = &mut self.lock().events;
        let completed = self.start.elapsed();
        events.ends.push(EndSeen { log: Name::of(log), invoked, completed, end });
    }

    /// A number for a tail, its own.
    pub fn tail(&self) -> usize {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// A step of whoever directs the run.
    pub fn mark(&self, what: impl Into<String>) {
        let at = self.start.elapsed();
        self.lock().events.marks.push((at, what.into()));
    }

    /// A fault has begun; the number is for [`History::healed`].
    pub fn fault(&self, fault: Fault) -> usize {
        let events = &mut self.lock().events;
        events.faults.push(fault);
        events.faults.len() - 1
    }

    /// A fault is over and undone.
    pub fn healed(&self, number: usize, at: Duration, effective: Effective) {
        let events = &mut self.lock().events;
        let fault = events.faults.get_mut(number).expect("a number from `fault`");
        (fault.healed, fault.effective) = (Some(at), effective);
    }

    /// Remembers what else there is to remember, in the order of the clock.
    pub fn remember(&self, change: impl FnOnce(&mut Events)) {
        change(&mut self.lock().events);
    }

    /// How many operations were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.pace().acknowledged
    }

    /// The longest time without an acknowledgement that was no replay so far; the time since the last one counts, too.
    pub fn worst_gap(&self) -> Duration {
        let now = self.now();
        let pace = self.pace();
        pace.worst_gap.max(pace.last.map_or(Duration::ZERO, |last| now.saturating_sub(last)))
    }

    /// How often things were sent again so far.
    pub fn rounds(&self) -> usize {
        self.lock().events.rounds.len()
    }

    /// Everything so far.
    pub fn events(&self) -> Events {
        let all = self.lock();
        let (operations, commands) = (all.operations.iter().cloned().collect(), all.commands.iter().cloned().collect());
        Events { operations, commands, ..all.events.clone() }
    }

    /// The operation at this place of all there are, the places going round; none if there is none.
    pub fn some_operation(&self, place: usize) -> Option<Operation> {
        let operations = &self.lock().operations;
        operations.get(place.checked_rem(operations.len())?).cloned()
    }

    /// The operation so many before the last; none if there is none.
    pub fn late_operation(&self, before: usize) -> Option<Operation> {
        self.lock().operations.iter().rev().nth(before).cloned()
    }

    /// All operations so far, each with its handle.
    pub fn numbered(&self) -> Vec<(OperationNumber, Operation)> {
        let operations = self.lock().operations.clone();
        operations.into_iter().enumerate().map(|(number, operation)| (OperationNumber(number), operation)).collect()
    }

    /// All whole commands so far, each with its handle.
    pub fn numbered_commands(&self) -> Vec<(CommandNumber, Command)> {
        let commands = self.lock().commands.clone();
        commands.into_iter().enumerate().map(|(number, command)| (CommandNumber(number), command)).collect()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_gap_lies_between_acknowledgements() {
        let mut pace = Pace::default();
        for at in [400, 500, 650] {
            pace.new_at(Duration::from_millis(at));
        }
        let [worst, last] = [150, 650].map(Duration::from_millis);
        assert_eq!((pace.worst_gap, pace.last), (worst, Some(last)));
        pace.new_at(Duration::from_millis(1_200));
        assert_eq!(pace.worst_gap, Duration::from_millis(550));
    }
}
