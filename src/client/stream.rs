//! A stream of appends: many in flight at once, each with a receipt.
//!
//! - They are proposed in the order in which they were given. When a connection or a leader is lost, what has no answer is
//!   sent again under its id, in order, before anything new; nobody has to notice.
//! - A bounded number is in flight: `send` waits when there are more.
//! - Each append has the client's total time. When that is over its receipt says so, with the id, and whether it is in
//!   doubt.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::types::limits::{STREAM_UNANSWERED_BYTES_MAX, STREAM_UNANSWERED_MAX};
use crate::types::{Id, LogName, NewRecord};
use crate::wire::{self, Appended};

use super::Client;
use super::attempts::Attempts;
use super::backlog::Pending;
use super::error::{Cause, Error};
use super::stream_driver::StreamDriver;

/// How many appends a stream has in flight by default.
pub(super) const IN_FLIGHT: usize = 1_024;
/// What one permit for bytes stands for.
const BYTES_A_PERMIT: usize = 1 << 10;

/// A stream of appends. It belongs to the runtime in which it was made.
///
/// Dropping it closes it. What was given is still sent, and the receipts get their answers.
#[derive(Debug)]
pub struct AppendStream {
    client: Client,
    pending: mpsc::UnboundedSender<Pending>,
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    driver: JoinHandle<()>,
}

/// A future that gives the answer to one append. Dropping it does not take the append back.
#[derive(Debug)]
pub struct Receipt {
    id: Id,
    log: LogName,
    answer: oneshot::Receiver<Result<Appended, Error>>,
}

impl AppendStream {
    /// A stream with at most this many appends in flight.
    pub(super) fn open(client: &Client, in_flight: usize) -> Self {
        let (pending, given) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(in_flight.clamp(1, STREAM_UNANSWERED_MAX)));
        let bytes = Arc::new(Semaphore::new(STREAM_UNANSWERED_BYTES_MAX / BYTES_A_PERMIT));
        let driver = tokio::spawn(StreamDriver::new(client, given).run());
        Self { client: client.clone(), pending, places, bytes, driver }
    }

    /// Sends records to be appended to a log, all or none, once. It waits first while too much is in flight. Without an id it
    /// makes one, which the receipt names. An append that breaks a rule is an error at once.
    ///
    /// Cancel-safe: if the future is dropped before it is ready, nothing is sent.
    pub async fn send(
        &self,
        log: &LogName,
        records: impl IntoIterator<Item = impl Into<NewRecord>>,
        id: Option<Id>,
    ) -> Result<Receipt, Error> {
        let records: Vec<NewRecord> = records.into_iter().map(Into::into).collect();
        let id = id.unwrap_or_else(|| self.client.fresh_id());
        let request = wire::append_request(&self.client.space, log, &id, &records);
        if let Err(report) = wire::append_command(request.clone()) {
            return Err(Error {
                id: Some(id),
                ..Error::before_any_attempt(&doing(log), Cause::Refused(Box::new(report)))
            });
        }
        let size = records.iter().map(NewRecord::size).sum::<usize>() + id.text().len() + log.as_str().len();
        let permits = vec![acquire(&self.places, 1).await, acquire(&self.bytes, size / BYTES_A_PERMIT + 1).await];
        let (answer, receipt) = oneshot::channel();
        let deadline = Instant::now() + self.client.timeout;
        let pending =
            Pending { id: id.clone(), request, size, deadline, answer, permits, attempts: Attempts::default() };
        // The driver goes only when this is closed, or with the runtime; the receipt tells.
        let _gone = self.pending.send(pending);
        Ok(Receipt { id, log: log.clone(), answer: receipt })
    }

    /// Closes the stream and waits until everything that was sent is answered. The receipts keep their answers.
    ///
    /// If the future is dropped, the stream is closed all the same, and what is in flight is still delivered.
    pub async fn finish(self) {
        let Self { pending, driver, .. } = self;
        drop(pending);
        // It ends by itself: every append has a deadline.
        let _ended = driver.await;
    }
}

impl Receipt {
    /// The id under which the append was sent.
    pub fn id(&self) -> &Id {
        &self.id
    }
}

impl Future for Receipt {
    type Output = Result<Appended, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| {
            answer.unwrap_or_else(|_gone| {
                Err(Error {
                    doing: doing(&self.log),
                    id: Some(self.id.clone()),
                    effect: crate::types::AttemptEffect::Unknown,
                    cause: Cause::Closed,
                    tried: Vec::new(),
                })
            })
        })
    }
}

fn doing(log: &LogName) -> String {
    format!("append to log `{log}`")
}

async fn acquire(semaphore: &Arc<Semaphore>, permits: usize) -> OwnedSemaphorePermit {
    let permits = u32::try_from(permits).unwrap_or(u32::MAX);
    semaphore.clone().acquire_many_owned(permits).await.expect("nobody closes the semaphores of a stream")
}
