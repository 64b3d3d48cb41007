//! What every workload has: its number, clients of the nodes, the history, and the word to stop.
//!
//! - Each workload chooses ids, keeps them through every retry, and goes to another node after each failure.
//! - What is sent until it is answered is given up only when the load is stopped: then it may stay unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::time::sleep;

use super::ATTEMPT;
use crate::client::{Acknowledgement, Client, Failure, is_replay};
use crate::command::{decided, sealed};
use crate::history::{CommandNumber, Decided, History, Job, OperationNumber, Sealed};
use crate::proto::{CancelRequest, SubmitRequest};
use crate::sample;
use crate::stream;

/// Before a retry.
const BACKOFF: Duration = Duration::from_millis(25);
/// To how many logs.
pub(super) const LOGS: usize = 3;
/// The size of a record, at least.
const RECORD_BYTES: usize = 100;

/// A workload's means.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// Its number in the history.
    pub(super) client: usize,
    /// The nodes that it knows, with connections of its own.
    pub(super) nodes: Vec<(u64, Client)>,
    /// Where everything is remembered.
    pub(super) history: Arc<History>,
    /// Whether it is to stop.
    pub(super) stop: Arc<AtomicBool>,
}

/// An append as it is made: known to the history, and not sent yet.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) number: OperationNumber,
    pub(super) log: String,
    pub(super) id: String,
    pub(super) payloads: Vec<Bytes>,
}

pub(super) fn log_name(number: usize) -> String {
    format!("orders-{number}")
}

impl Work {
    /// Whether it is to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The node whose turn it is.
    pub(super) fn node(&self, turn: usize) -> (u64, &Client) {
        let (node, client) = self.nodes.get(turn % self.nodes.len()).expect("a turn names a node");
        (*node, client)
    }

    /// Any turn.
    pub(super) fn turn(&self) -> usize {
        rand::rng().random_range(0..self.nodes.len())
    }

    /// The next append: its log, its id and its records.
    pub(super) fn order(&self, number: u64) -> (String, String, Vec<Bytes>) {
        let mut random = rand::rng();
        let records = if random.random_ratio(1, 8) { random.random_range(2..=5) } else { 1 };
        let id = sample::id(self.client, number);
        let payloads = sample::marked_payloads(&id, records, RECORD_BYTES);
        (log_name(random.random_range(0..LOGS)), id, payloads)
    }

    /// The same, told to the history.
    pub(super) fn made_order(&self, number: u64) -> Order {
        let (log, id, payloads) = self.order(number);
        let number = self.history.operation(self.client, &log, &id, &payloads);
        Order { number, log, id, payloads }
    }

    /// The same, by a client that will take *no effect* at its word.
    pub(super) fn believing_order(&self, number: u64) -> Order {
        let (log, id, payloads) = self.order(number);
        let number = self.history.believing(self.client, &log, &id, &payloads);
        Order { number, log, id, payloads }
    }

    /// One attempt.
    pub(super) async fn send(&self, order: &Order, turn: usize) -> Option<Acknowledgement> {
        let (node, asked) = self.node(turn);
        let attempt = self.history.invoke(order.number, node);
        let answer = asked.append(&order.log, &order.id, &order.payloads).await;
        let acknowledged = answer.as_ref().ok().copied();
        self.history.complete(attempt, answer);
        acknowledged
    }

    /// One attempt for which the node has so long, while the client listens on: it hears what the node says.
    pub(super) async fn hurry(&self, order: &Order, turn: usize, time: Duration) -> Result<Acknowledgement, Failure> {
        let (node, asked) = self.node(turn);
        let attempt = self.history.invoke(order.number, node);
        let request = stream::request(&order.log, &order.id, &order.payloads);
        let answer = asked.with_deadline(time.max(ATTEMPT)).submit_in_haste(request, time).await;
        self.history.complete(attempt, answer.clone());
        answer
    }

    /// As many attempts as it takes. None: the load was stopped first.
    pub(super) async fn append(&self, order: &Order) -> Option<Acknowledgement> {
        for turn in self.turn().. {
            if self.is_stopped() {
                break;
            }
            if let Some(acknowledged) = self.send(order, turn).await {
                return Some(acknowledged);
            }
            sleep(BACKOFF).await;
        }
        None
    }

    /// One attempt to send a whole command. None: nobody has said what became of it.
    pub(super) async fn try_command(&self, number: CommandNumber, request: &SubmitRequest, turn: usize) -> Tried {
        let (node, asked) = self.node(turn);
        let attempt = self.history.submit(number, node);
        let answer = decided(asked.command(request.clone()).await);
        let tried = match &answer {
            Ok(decided) => Tried::Decided(decided.clone()),
            Err(failure) if failure.is_about_the_command() => Tried::Turned,
            Err(_unknown) => Tried::Unknown,
        };
        self.history.answered(attempt, answer);
        tried
    }

    /// Cancels a command's id, once. True: that was answered, and what the id came to is the command's outcome.
    pub(super) async fn try_cancel(&self, number: CommandNumber, request: &SubmitRequest, turn: usize) -> bool {
        let (node, asked) = self.node(turn);
        let attempt = self.history.submit(number, node);
        let cancel = CancelRequest { space: request.space.clone(), id: request.id.clone() };
        let answer = asked.cancel_in(cancel).await.map(|response| Decided {
            replayed: is_replay(response.arrival()),
            sealed: sealed(&response.outcome.expect("a cancel answers the id's outcome")),
        });
        let answered = answer.is_ok();
        self.history.answered(attempt, answer);
        answered
    }

    /// Makes a whole command and sends it until it is decided. None: it never will be, or the load was stopped first.
    pub(super) async fn command(&self, job: Job, request: &SubmitRequest) -> Option<Sealed> {
        let number = self.history.command(self.client, job, request);
        self.settle(number, request).await
    }

    /// Sends a command until it is decided. None: it never will be, or the load was stopped first.
    pub(super) async fn settle(&self, number: CommandNumber, request: &SubmitRequest) -> Option<Sealed> {
        for turn in self.turn().. {
            if self.is_stopped() {
                break;
            }
            match self.try_command(number, request, turn).await {
                Tried::Decided(decided) => return Some(decided.sealed),
                Tried::Turned => break,
                Tried::Unknown => sleep(BACKOFF).await,
            }
        }
        None
    }
}

/// What came of an attempt to send a whole command.
#[derive(Debug, Clone)]
pub(super) enum Tried {
    /// An outcome.
    Decided(Decided),
    /// It is turned away, and would be again.
    Turned,
    /// Nobody knows.
    Unknown,
}
