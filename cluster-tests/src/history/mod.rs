//! What the clients did and heard, on one clock.
//!
//! - An operation is one id with its records, and every attempt to send it.
//! - It *failed* only when every attempt said that it has no effect; it is *acknowledged* once any attempt succeeded;
//!   otherwise it is *unknown*, never absent.
//! - All of it is written to a file as it happens, one event a line, and is judged from there ([`mod@file`]). Beside
//!   that a running harness keeps only what it needs to go on (`kept`).

mod aside;
mod asked;
mod command;
mod content;
mod cut;
mod deleted;
mod done;
mod event;
pub mod file;
mod growing;
mod kept;
mod line;
mod many;
mod name;
mod packed;
mod seen;
mod shown;
pub mod trail;

pub use asked::{Answer, Asked, CellSeen, Identity, LockSeen, LogSeen, PositionSeen, Question, SpaceSeen, Wanted};
pub use command::{Command, CommandAttempt, Decided, Got, Job, Sealed, Verdict};
pub use content::{Content, Hash};
pub use cut::Cut;
pub use deleted::Deleted;
pub use done::{Done, WORKLOADS, answers, done};
pub use event::{
    Again, Alarm, Alarming, Attempt, CancelTold, Effective, Fault, Few, LeaderChange, Led, Meant, Operation, Recovery,
    Reuse, Round, StreamPlace,
};
pub use line::Event;
pub use many::{Item, Many};
pub use name::Name;
pub use packed::{Packed, field as packed_field};
pub use seen::{
    AllSeen, CellsSeen, EndSeen, Fate, LocalSeen, LookedUp, Number, PAGE_RECORDS, PageSeen, ReadFailed, RecordSeen,
    StatusSeen,
};
pub use shown::{RecordShown, Shown};

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::file::{Reading, Writer};
use self::kept::Kept;
use self::shown::Already;
use crate::client::{Acknowledgement, Failure};
use crate::command::{appends, log_in};
use crate::oracle::Dump;
use crate::proto::{Outcome, SubmitRequest};
use crate::tables::fingerprint;

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
    /// All that was asked otherwise.
    pub asked: Many<Asked>,
    /// Every record that anybody was shown, once.
    pub shown: Many<Shown>,
    /// Reads that failed in a way that is worth a look.
    pub failed: Many<ReadFailed>,
    /// All attempts to use an id for something else.
    pub reuses: Many<Reuse>,
    /// How nodes were, from time to time.
    pub statuses: Many<StatusSeen>,
    /// Steps of whoever directs the run, in a few words.
    pub marks: Vec<(Duration, String)>,
    /// What was done to the cluster.
    pub faults: Vec<Fault>,
    /// Which of that took the leader.
    pub changes: Vec<LeaderChange>,
    /// What the look-out on the nodes saw.
    pub alarms: Vec<Alarm>,
    /// When all that nobody knew of was sent again, in order.
    pub rounds: Vec<Round>,
    /// How it came back from faults.
    pub recoveries: Vec<Recovery>,
    /// What clients were meant to do, by the names of [`WORKLOADS`].
    pub workloads: Vec<String>,
    /// What the run was meant to be; a scenario that says so by itself has none.
    pub meant: Option<Meant>,
    /// Whether a violation ended the run before it had all that it was to have.
    pub cut_short: bool,
    /// Why the run ended before it had all that it was to have, if nobody wanted that.
    pub broken_off: Option<String>,
}

impl Events {
    /// When operations were acknowledged that were decided just then, in order: no replays. A majority was there.
    pub fn decisions(&self) -> Vec<Duration> {
        let mut times = Vec::with_capacity(self.operations.len());
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
pub struct OperationNumber(usize, Name);

/// The handle of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptNumber(usize, Name, usize);

/// The handle of a whole command.
#[derive(Debug, Clone, Copy)]
pub struct CommandNumber(usize, Name);

/// The handle of an attempt to send one.
#[derive(Debug, Clone, Copy)]
pub struct CommandAttemptNumber(usize, Name, usize);

/// Written by all clients at once.
pub struct History {
    start: Instant,
    path: PathBuf,
    present: Mutex<Present>,
    pace: Mutex<Pace>,
    read: Mutex<Reading>,
    streams: AtomicUsize,
    shown: Mutex<Already>,
}

/// Where a history is by now.
#[derive(Debug)]
struct Present {
    writer: Writer,
    operations: Kept<Operation>,
    commands: Kept<Command>,
    faults: usize,
    rounds: usize,
}

impl Present {
    /// What can't be written down did not happen: the harness can't do its job any more.
    fn write(&mut self, event: &Event) {
        self.writer.write(event).expect("write the history");
    }
}

impl fmt::Debug for History {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the history in {}", self.path.display())
    }
}

/// What a run's progress is told by, without going through all events.
#[derive(Debug, Default)]
struct Pace {
    /// The last acknowledgement that was no replay.
    last: Option<Duration>,
    worst_gap: Duration,
    /// For how long there was a load, up to the last time that it stopped.
    loaded: Duration,
    /// Since when there is a load, if there is one.
    loaded_since: Option<Duration>,
}

impl Pace {
    /// The load stops. That nothing is acknowledged from now on is no gap.
    fn stop(&mut self, now: Duration) {
        self.loaded = self.loaded_at(now);
        (self.last, self.loaded_since) = (None, None);
    }

    fn loaded_at(&self, now: Duration) -> Duration {
        self.loaded + self.loaded_since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// An operation was acknowledged that was decided just now. Before the first one there was no load.
    fn new_at(&mut self, now: Duration) {
        let gap = self.last.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.worst_gap = self.worst_gap.max(gap);
        self.last = Some(now);
    }
}

impl History {
    /// A new one in this file.
    pub fn in_file(path: &Path) -> Self {
        let writer = Writer::create(path).unwrap_or_else(|error| panic!("make {}: {error}", path.display()));
        let (operations, commands) = (Kept::default(), Kept::default());
        Self {
            start: Instant::now(),
            path: path.to_owned(),
            present: Mutex::new(Present { writer, operations, commands, faults: 0, rounds: 0 }),
            pace: Mutex::default(),
            read: Mutex::new(Reading::of(path)),
            streams: AtomicUsize::new(0),
            shown: Mutex::default(),
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

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
            fingerprint: fingerprint::of_append(log, id, payloads).map(Hash::from),
            attempts: Few::new(),
            believed,
            doubted: false,
            cancels: Few::new(),
        };
        let mut present = self.lock();
        let number = present.operations.next();
        let Operation { log, id, fingerprint, ref contents, .. } = operation;
        let contents = contents.clone();
        present.write(&Event::Operation { number, client, log, id, contents, fingerprint, believed });
        present.operations.add(operation);
        OperationNumber(number, id)
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
        OperationNumber(operation, id): OperationNumber,
        node: u64,
        place: Option<StreamPlace>,
    ) -> AttemptNumber {
        let mut present = self.lock();
        // Read under the lock: events are in the order of the clock.
        let invoked = self.start.elapsed();
        present.write(&Event::Attempt { operation, id, node, place, invoked });
        let attempt = Attempt { node, place, invoked, completed: None, answer: None };
        present.operations.change(operation, |operation| operation.attempts.push(attempt));
        AttemptNumber(operation, id, present.operations.attempt(operation))
    }

    /// The answer is here.
    pub fn complete(
        &self,
        AttemptNumber(operation, id, attempt): AttemptNumber,
        answer: Result<Acknowledgement, Failure>,
    ) {
        let mut present = self.lock();
        let completed = self.start.elapsed();
        // A node that follows replays what it knows, even while nobody leads.
        if answer.as_ref().is_ok_and(|told| !told.replayed) {
            self.pace().new_at(completed);
        }
        present.write(&Event::Answer { operation, id, attempt, completed, answer: answer.clone() });
        present.operations.change(operation, |operation| {
            let attempt = operation.attempts.get_mut(attempt).expect("a handle from `invoke`");
            (attempt.completed, attempt.answer) = (Some(completed), Some(answer));
        });
    }

    /// A cancel of the operation's id is about to be sent.
    pub fn doubt(&self, OperationNumber(operation, id): OperationNumber) {
        let mut present = self.lock();
        present.write(&Event::Doubted { operation, id });
        present.operations.change(operation, |operation| operation.doubted = true);
    }

    /// A cancel of the operation's id was answered *cancelled*: from now on it never takes effect.
    pub fn cancelled(&self, OperationNumber(operation, id): OperationNumber, outcome: &Outcome) {
        let mut present = self.lock();
        let told = CancelTold::of(outcome, self.start.elapsed());
        present.write(&Event::Cancelled { operation, id, told });
        present.operations.change(operation, |operation| operation.cancels.push(told));
    }

    /// Somebody has asked a node, which has answered.
    pub fn asked(&self, asked: Asked) {
        self.remember(asked);
    }

    /// A node has shown records of a log.
    pub fn show(&self, node: u64, space: &str, log: &str, records: impl Iterator<Item = RecordSeen>) {
        let log = Name::from(log_in(space, log));
        let records: Vec<RecordShown> = {
            let mut already = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            records.map(RecordShown::from).filter(|record| already.add(log, *record)).collect()
        };
        if !records.is_empty() {
            let mut present = self.lock();
            let at = self.start.elapsed();
            present.write(&Shown { node, log, at, records }.into());
        }
    }

    /// A read has failed.
    pub fn read_failed(&self, node: u64, what: &str, failure: &Failure) {
        if ReadFailed::is_odd(failure) {
            let (at, what, failure) = (self.start.elapsed(), what.to_owned(), failure.clone());
            self.remember(ReadFailed { node, at, what, failure });
        }
    }

    /// A client has made a whole command.
    pub fn command(&self, client: usize, job: Job, request: &SubmitRequest) -> CommandNumber {
        let mut parts = appends(request).into_iter().map(|(log, contents)| (Name::from(log), contents));
        let (log, contents) = parts.next().unwrap_or_default();
        let command = Command {
            client,
            space: Name::of(&request.space),
            id: request.id.as_ref().map_or_else(Name::default, |id| Name::of(&id.text)),
            job,
            request: Packed::of(request),
            log,
            contents,
            further: parts.collect(),
            attempts: Vec::new(),
        };
        let mut present = self.lock();
        let (number, id) = (present.commands.next(), command.id);
        present.write(&Event::Command { number, command: command.clone() });
        present.commands.add(command);
        CommandNumber(number, id)
    }

    /// A whole command is about to be sent.
    pub fn submit(&self, CommandNumber(command, id): CommandNumber, node: u64) -> CommandAttemptNumber {
        let mut present = self.lock();
        let invoked = self.start.elapsed();
        present.write(&Event::CommandAttempt { command, id, node, invoked });
        let attempt = CommandAttempt { node, invoked, completed: None, answer: None };
        present.commands.change(command, |command| command.attempts.push(attempt));
        CommandAttemptNumber(command, id, present.commands.attempt(command))
    }

    /// Its answer is here.
    pub fn answered(
        &self,
        CommandAttemptNumber(command, id, attempt): CommandAttemptNumber,
        answer: Result<Decided, Failure>,
    ) {
        let mut present = self.lock();
        let completed = self.start.elapsed();
        present.write(&Event::CommandAnswer { command, id, attempt, completed, answer: answer.clone() });
        present.commands.change(command, |command| {
            let attempt = command.attempts.get_mut(attempt).expect("a handle from `submit`");
            (attempt.completed, attempt.answer) = (Some(completed), Some(answer));
        });
    }

    /// The time of the history's clock, for [`History::end_seen`].
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A linearizable read that was asked at `invoked` has seen a log's end.
    pub fn end_seen(&self, log: &str, invoked: Duration, end: u64) {
        let mut present = self.lock();
        let completed = self.start.elapsed();
        present.write(&EndSeen { log: Name::of(log), invoked, completed, end }.into());
    }

    /// A number for a tail, its own.
    pub fn tail(&self) -> usize {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// A step of whoever directs the run.
    pub fn mark(&self, what: impl Into<String>) {
        let at = self.start.elapsed();
        self.lock().write(&Event::Mark { at, what: what.into() });
    }

    /// A fault has begun; the number is for [`History::healed`].
    pub fn fault(&self, fault: Fault) -> usize {
        let mut present = self.lock();
        present.write(&fault.into());
        present.faults += 1;
        present.faults - 1
    }

    /// A fault is over and undone.
    pub fn healed(&self, number: usize, at: Duration, effective: Effective) {
        self.lock().write(&Event::Healed { fault: number, at, effective });
    }

    /// All that nobody knew of was sent again.
    pub fn round(&self, round: Round) {
        let mut present = self.lock();
        present.write(&round.into());
        present.rounds += 1;
    }

    /// Remembers what else there is to remember.
    pub fn remember(&self, event: impl Into<Event>) {
        self.lock().write(&event.into());
    }

    /// Remembers what all replicas hold, instead of what they held before.
    pub fn look(&self, replicas: &[Dump]) {
        let at = self.start.elapsed();
        self.lock().writer.write_all(file::look(at, replicas)).expect("write the history");
    }

    /// A violation was found, and ends the run.
    pub fn cut_short(&self) {
        let at = self.start.elapsed();
        self.lock().write(&Event::CutShort { at });
    }

    /// The run is over; if it broke off, why.
    pub fn end(&self, broken_off: Option<String>) {
        let at = self.start.elapsed();
        self.lock().write(&Event::Ended { at, broken_off });
    }

    /// A load begins.
    pub fn begin_load(&self) {
        let now = self.now();
        self.pace().loaded_since = Some(now);
    }

    /// The load has stopped.
    pub fn end_load(&self) {
        let now = self.now();
        self.pace().stop(now);
    }

    /// For how long there was a load so far.
    pub fn loaded(&self) -> Duration {
        let now = self.now();
        self.pace().loaded_at(now)
    }

    /// How many operations were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.lock().operations.known()
    }

    /// The longest time without an acknowledgement that was no replay so far; the time since the last one counts, too.
    pub fn worst_gap(&self) -> Duration {
        let now = self.now();
        let pace = self.pace();
        pace.worst_gap.max(pace.last.map_or(Duration::ZERO, |last| now.saturating_sub(last)))
    }

    /// Everything so far, as it is in the file.
    pub fn events(&self) -> Events {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let events = read.go_on().and_then(|_| read.events());
        events.unwrap_or_else(|error| panic!("read {}: {error}", self.path.display()))
    }

    /// Some operation that was acknowledged, another for each place; none if there is none.
    pub fn some_operation(&self, place: usize) -> Option<Operation> {
        self.lock().operations.some(place)
    }

    /// The operation so many before the last; none if there is none.
    pub fn late_operation(&self, before: usize) -> Option<Operation> {
        self.lock().operations.late(before)
    }

    /// All operations so far, each with its handle. What is read from the file has no payloads.
    pub fn numbered(&self) -> Vec<(OperationNumber, Operation)> {
        let numbered = self.events().operations.iter().enumerate().collect::<Vec<_>>();
        numbered.into_iter().map(|(number, operation)| (OperationNumber(number, operation.id), operation)).collect()
    }

    /// The operations that are to be sent again now: all that nobody knows of, and a tenth of the rest, another one than
    /// in the round before.
    pub fn operations_again(&self) -> Vec<(OperationNumber, Operation)> {
        let present = self.lock();
        let again = present.operations.again(present.rounds).into_iter();
        again.map(|(number, operation)| (OperationNumber(number, operation.id), operation)).collect()
    }

    /// The whole commands that are to be sent again now.
    pub fn commands_again(&self) -> Vec<(CommandNumber, Command)> {
        let present = self.lock();
        let again = present.commands.again(present.rounds).into_iter();
        again.map(|(number, command)| (CommandNumber(number, command.id), command)).collect()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn the_time_without_a_load_is_neither_a_gap_nor_time_under_load() {
        let [begun, first, stopped, again, second] = [100, 400, 500, 9_000, 9_200].map(Duration::from_millis);
        let mut pace = Pace { loaded_since: Some(begun), ..Pace::default() };
        pace.new_at(first);
        pace.stop(stopped);
        assert_eq!((pace.loaded_at(again), pace.last), (Duration::from_millis(400), None));
        pace.loaded_since = Some(again);
        pace.new_at(second);
        assert_eq!((pace.loaded_at(second), pace.worst_gap), (Duration::from_millis(600), Duration::ZERO));
    }

    #[test]
    fn what_happened_is_in_the_file_at_once_and_is_put_together_again() {
        let scratch = crate::scratch::Scratch::new("history-as-it-happens");
        let path = scratch.path().join("history.jsonl");
        let history = History::in_file(&path);
        let payloads = crate::sample::payloads("a", 2, 1);
        let [first, second] = ["a", "b"].map(|id| history.operation(3, "orders", id, &payloads));
        let attempt = history.invoke(first, 1);
        let place = StreamPlace { stream: history.stream(), position: 4 };
        let streamed = history.invoke_streamed(first, 2, place);
        assert_eq!(history.events().operations[0].attempts[1].place, Some(place));
        let silence = Failure::silence(tonic::Code::Unavailable, "no answer");
        history.complete(streamed, Err(silence.clone()));
        history.doubt(second);
        let told = crate::client::Place { first_offset: 5, count: 2, sequence: 9, history: 7, time_ms: 1 };
        history.complete(attempt, Ok(Acknowledgement { replayed: false, place: told }));
        let outcome = Outcome { sequence: 11, history: 7, time_ms: 2, verdict: None };
        history.cancelled(second, &outcome);
        assert_eq!((history.acknowledged(), history.operations_again().len()), (1, 2), "the first of ten is a sample");

        let (events, replicas) = file::read(&path).unwrap();
        let [one, other] = events.operations.iter().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((one.id, one.log, one.client, one.contents.len()), (Name::of("a"), Name::of("orders"), 3, 2));
        let answers = one.attempts.iter().map(|attempt| attempt.answer.clone().unwrap());
        assert_eq!(answers.collect::<Vec<_>>(), [Ok(Acknowledgement { replayed: false, place: told }), Err(silence)]);
        assert!(one.attempts.iter().all(|attempt| attempt.completed.unwrap() > attempt.invoked) && !one.doubted);
        assert_eq!((other.doubted, other.attempts.len(), replicas.len()), (true, 0, 0));
        assert_eq!(other.cancels.iter().map(|told| (told.sequence, told.time_ms)).collect::<Vec<_>>(), [(11, 2)]);
        assert!(events.broken_off.unwrap().contains("killed"));

        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let (events, _) = file::read(&path).unwrap();
        assert!(!events.operations[1].is_cancelled() && events.broken_off.unwrap().contains("torn"));
        std::fs::write(&path, &whole[3..]).unwrap();
        assert!(file::read(&path).unwrap_err().to_string().starts_with("line 1: "));
    }
}
