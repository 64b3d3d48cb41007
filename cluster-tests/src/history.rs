//! What the clients did and heard, on one clock.
//!
//! - An operation is one id with its records, and every attempt to send it.
//! - It *failed* only when every attempt said that it has no effect; it is *acknowledged* once any attempt succeeded;
//!   otherwise it is *unknown*, never absent.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;

use crate::client::{Acknowledgement, Effect, Failure};

/// One attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// The node asked.
    pub node: u64,
    /// Where in a stream it was sent, if in one.
    pub place: Option<StreamPlace>,
    /// When it was sent.
    pub invoked: Duration,
    /// When the answer came; none yet, or never.
    pub completed: Option<Duration>,
    /// The answer; none yet, or never.
    pub answer: Option<Result<Acknowledgement, Failure>>,
}

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StreamPlace {
    /// Which stream, of all in the history.
    pub stream: usize,
    /// Which of its appends, counted from 0.
    pub position: u64,
}

/// One id and all that was done for it.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    /// The client.
    pub client: usize,
    /// The log appended to.
    pub log: String,
    /// The id.
    pub id: String,
    /// The records.
    #[serde(skip)]
    pub payloads: Vec<Bytes>,
    /// Every attempt, in the order sent.
    pub attempts: Vec<Attempt>,
    /// Whether a cancel was answered *cancelled*.
    pub cancelled: bool,
}

impl Operation {
    /// The acknowledgements.
    pub fn acknowledgements(&self) -> impl Iterator<Item = &Acknowledgement> {
        self.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().ok())
    }

    /// The first acknowledgement to arrive, and when it did.
    pub fn acknowledged(&self) -> Option<(Duration, &Acknowledgement)> {
        self.attempts
            .iter()
            .filter_map(|attempt| Some((attempt.completed?, attempt.answer.as_ref()?.as_ref().ok()?)))
            .min_by_key(|(completed, _)| *completed)
    }

    /// When its first attempt was sent.
    pub fn invoked(&self) -> Option<Duration> {
        self.attempts.iter().map(|attempt| attempt.invoked).min()
    }

    /// Whether every attempt said that it has no effect.
    pub fn failed(&self) -> bool {
        self.attempts
            .iter()
            .all(|attempt| matches!(&attempt.answer, Some(Err(failure)) if failure.effect == Effect::None))
    }

    /// Whether nobody was told what became of it.
    pub fn unknown(&self) -> bool {
        !self.failed() && self.acknowledged().is_none()
    }
}

/// What a linearizable read of a log's end saw.
#[derive(Debug, Clone, Serialize)]
pub struct EndSeen {
    /// The log.
    pub log: String,
    /// When it was asked.
    pub invoked: Duration,
    /// When the answer came.
    pub completed: Duration,
    /// The end.
    pub end: u64,
}

/// Everything, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// All operations.
    pub operations: Vec<Operation>,
    /// All reads of ends.
    pub ends: Vec<EndSeen>,
    /// What was done to the cluster.
    pub faults: Vec<(Duration, String)>,
}

/// The handle of an operation.
#[derive(Debug, Clone, Copy)]
pub struct OperationNumber(usize);

/// The handle of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptNumber(usize, usize);

/// Written by all clients at once.
#[derive(Debug)]
pub struct History {
    start: Instant,
    events: Mutex<Events>,
    acknowledged: AtomicUsize,
    streams: AtomicUsize,
}

impl Default for History {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            events: Mutex::default(),
            acknowledged: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
        }
    }
}

impl History {
    /// A client has chosen an id.
    pub fn operation(&self, client: usize, log: &str, id: &str, payloads: &[Bytes]) -> OperationNumber {
        let operation = Operation {
            client,
            log: log.to_owned(),
            id: id.to_owned(),
            payloads: payloads.to_vec(),
            attempts: Vec::new(),
            cancelled: false,
        };
        let mut events = self.lock();
        events.operations.push(operation);
        OperationNumber(events.operations.len() - 1)
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
        let mut events = self.lock();
        // Read under the lock: events are in the order of the clock.
        let invoked = self.start.elapsed();
        let attempts = &mut events.operations.get_mut(number).expect("a handle from `operation`").attempts;
        attempts.push(Attempt { node, place, invoked, completed: None, answer: None });
        AttemptNumber(number, attempts.len() - 1)
    }

    /// The answer is here.
    pub fn complete(&self, AttemptNumber(number, attempt): AttemptNumber, answer: Result<Acknowledgement, Failure>) {
        let mut events = self.lock();
        let completed = self.start.elapsed();
        let operation = events.operations.get_mut(number).expect("a handle from `invoke`");
        if answer.is_ok() && operation.acknowledged().is_none() {
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        let attempt = operation.attempts.get_mut(attempt).expect("a handle from `invoke`");
        attempt.completed = Some(completed);
        attempt.answer = Some(answer);
    }

    /// A cancel of the operation's id was answered *cancelled*: from now on it never takes effect.
    pub fn cancelled(&self, OperationNumber(number): OperationNumber) {
        self.lock().operations.get_mut(number).expect("a handle from `operation`").cancelled = true;
    }

    /// The time of the history's clock, for [`History::end_seen`].
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A linearizable read that was asked at `invoked` has seen a log's end.
    pub fn end_seen(&self, log: &str, invoked: Duration, end: u64) {
        let mut events = self.lock();
        let completed = self.start.elapsed();
        events.ends.push(EndSeen { log: log.to_owned(), invoked, completed, end });
    }

    /// Something was done to the cluster.
    pub fn fault(&self, what: impl Into<String>) {
        let at = self.start.elapsed();
        self.lock().faults.push((at, what.into()));
    }

    /// How many operations were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Everything so far.
    pub fn events(&self) -> Events {
        self.lock().clone()
    }

    /// All operations so far, each with its handle.
    pub fn numbered(&self) -> Vec<(OperationNumber, Operation)> {
        let operations = self.lock().operations.clone();
        operations.into_iter().enumerate().map(|(number, operation)| (OperationNumber(number), operation)).collect()
    }

    /// Writes one JSON line an operation, read and fault, for whoever looks into a failure.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let events = self.events();
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for (at, what) in &events.faults {
            writeln!(file, "{}", serde_json::json!({ "fault": what, "at": at }))?;
        }
        for operation in &events.operations {
            writeln!(file, "{}", serde_json::to_string(operation)?)?;
        }
        for end in &events.ends {
            writeln!(file, "{}", serde_json::to_string(end)?)?;
        }
        file.flush()
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
