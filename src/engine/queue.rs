//! What waits to be put in an entry, bounded by count and bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::types::limits::{BATCH_BYTES_TARGET, BATCH_PROPOSALS_MAX, QUEUE_BYTES_MAX, QUEUE_PROPOSALS_MAX};

use super::error::Error;
use super::flight::Flight;

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    pushed: Notify,
}

#[derive(Default)]
struct Waiting {
    flights: VecDeque<Arc<Flight>>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Puts a flight at the end. A full queue says so at once.
    pub(super) fn push(&self, flight: Arc<Flight>) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Error::Stopping);
        }
        let bytes = waiting.bytes + flight.encoded.len();
        if waiting.flights.len() >= QUEUE_PROPOSALS_MAX || bytes > QUEUE_BYTES_MAX {
            return Err(Error::Overloaded);
        }
        waiting.bytes = bytes;
        waiting.flights.push_back(flight);
        drop(waiting);
        self.pushed.notify_one();
        Ok(())
    }

    /// How many wait.
    pub(super) fn depth(&self) -> usize {
        self.lock().flights.len()
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.pushed.notify_one();
    }

    /// Waits until something waits. `false`: the queue is closed and empty.
    pub(super) async fn filled(&self) -> bool {
        loop {
            let pushed = self.pushed.notified();
            {
                let waiting = self.lock();
                if !waiting.flights.is_empty() {
                    return true;
                }
                if waiting.closed {
                    return false;
                }
            }
            pushed.await;
        }
    }

    /// Takes what forms the next entry: whatever waits, up to the size of a batch. Those that nobody waits for any more are
    /// given apart; they are not proposed.
    pub(super) fn take_batch(&self, now: Instant) -> (Vec<Arc<Flight>>, Vec<Arc<Flight>>) {
        let mut waiting = self.lock();
        let (mut batch, mut expired, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(flight) = waiting.flights.front() {
            let length = flight.encoded.len();
            let is_full = batch.len() >= BATCH_PROPOSALS_MAX || bytes + length > BATCH_BYTES_TARGET;
            if is_full && !batch.is_empty() {
                break;
            }
            let Some(flight) = waiting.flights.pop_front() else { break };
            waiting.bytes -= length;
            if flight.depart(now) {
                bytes += length;
                batch.push(flight);
            } else {
                expired.push(flight);
            }
        }
        (batch, expired)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of the queue panics")
    }
}
