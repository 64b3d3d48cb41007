//! A stream of appends: many on the way at once, each with a receipt.
//!
//! - They are proposed in the order in which they were given. When a connection or a leader is lost, what has no answer is
//!   sent again under its id, in order, before anything new; nobody has to notice.
//! - A bounded number is on the way: whoever gives more waits.
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
use super::backlog::Parcel;
use super::courier::Courier;
use super::error::{Cause, Error};

/// How many appends a stream has on the way, if nothing else is said.
pub(super) const IN_FLIGHT: usize = 1_024;
/// What one permit for bytes stands for.
const BYTES_A_PERMIT: usize = 1 << 10;

/// A stream of appends. It belongs to the runtime in which it was made.
///
/// Dropping it closes it: what was given is still sent, and answered to whoever holds the receipts.
#[derive(Debug)]
pub struct AppendStream {
    client: Client,
    parcels: mpsc::UnboundedSender<Parcel>,
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    courier: JoinHandle<()>,
}

/// The promise of an answer. It is a future; dropping it does not take back what was sent.
#[derive(Debug)]
pub struct Receipt {
    id: Id,
    log: LogName,
    answer: oneshot::Receiver<Result<Appended, Error>>,
}

impl AppendStream {
    /// A stream with at most so many appends on the way.
    pub(super) fn open(client: &Client, in_flight: usize) -> Self {
        let (parcels, given) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(in_flight.clamp(1, STREAM_UNANSWERED_MAX)));
        let bytes = Arc::new(Semaphore::new(STREAM_UNANSWERED_BYTES_MAX / BYTES_A_PERMIT));
        let courier = tokio::spawn(Courier::new(client, given).run());
        Self { client: client.clone(), parcels, places, bytes, courier }
    }

    /// Gives records to be appended to a log, all or none, once; waits for room first. Without an id it makes one, which the
    /// receipt names. An append that breaks a rule is an error at once.
    ///
    /// Dropping the future before it is ready gives nothing: it is cancel-safe.
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
        let room = vec![acquire(&self.places, 1).await, acquire(&self.bytes, size / BYTES_A_PERMIT + 1).await];
        let (answer, receipt) = oneshot::channel();
        let deadline = Instant::now() + self.client.timeout;
        let parcel = Parcel { id: id.clone(), request, size, deadline, answer, room, attempts: Attempts::default() };
        // The courier goes only when this is closed, or with the runtime; the receipt tells.
        let _gone = self.parcels.send(parcel);
        Ok(Receipt { id, log: log.clone(), answer: receipt })
    }

    /// Takes no more, and waits until everything that was given is answered. The receipts keep their answers.
    ///
    /// Dropping the future leaves the stream closed and the rest on its way.
    pub async fn finish(self) {
        let Self { parcels, courier, .. } = self;
        drop(parcels);
        // It ends by itself: every append has a deadline.
        let _ended = courier.await;
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
    semaphore.clone().acquire_many_owned(permits).await.expect("nobody closes a stream's room")
}
