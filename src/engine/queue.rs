//! What waits to be put in an entry, bounded by count and bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::types::limits::{BATCH_BYTES_TARGET, BATCH_PROPOSALS_MAX, QUEUE_BYTES_MAX, QUEUE_PROPOSALS_MAX};

use super::error::Error;
use super::flight::Flight;
use super::room::{NoRoom, Place, Room};

/// The queue.
pub(super) struct Queue {
    room: Room,
    waiting: Mutex<Waiting>,
    pushed: Notify,
}

#[derive(Default)]
struct Waiting {
    flights: VecDeque<Arc<Flight>>,
    closed: bool,
}

impl Default for Queue {
    fn default() -> Self {
        let room = Room::new(QUEUE_PROPOSALS_MAX, QUEUE_BYTES_MAX);
        Self { room, waiting: Mutex::default(), pushed: Notify::new() }
    }
}

impl Queue {
    /// A place for a flight of this many bytes. A queue that is full or closed says so at once.
    pub(super) fn place(&self, bytes: usize) -> Result<Place<'_>, Error> {
        self.room.try_enter(bytes).map_err(|no_room| match no_room {
            NoRoom::Full => Error::Overloaded,
            NoRoom::Closed => Error::Stopping,
        })
    }

    /// Waits for a place.
    pub(super) async fn place_in_turn(&self, bytes: usize) -> Result<Place<'_>, Error> {
        match self.room.try_enter(bytes) {
            Ok(place) => Ok(place),
            Err(_) => self.room.enter(bytes).await.ok_or(Error::Stopping),
        }
    }

    /// Puts a flight at the end.
    pub(super) fn push(&self, place: Place<'_>, flight: Arc<Flight>) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Error::Stopping);
        }
        place.keep();
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
        self.room.close();
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

    /// Takes what forms the next entry of a term: whatever waits, up to the size of a batch. Those that must not be proposed
    /// any more are given apart.
    pub(super) fn take_batch(&self, now: Instant, term: Option<u64>) -> (Vec<Arc<Flight>>, Vec<Arc<Flight>>) {
        let (mut batch, mut grounded, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut waiting = self.lock();
        while let Some(flight) = waiting.flights.front() {
            let length = flight.encoded.len();
            let is_full = batch.len() >= BATCH_PROPOSALS_MAX || bytes + length > BATCH_BYTES_TARGET;
            if is_full && !batch.is_empty() {
                break;
            }
            let Some(flight) = waiting.flights.pop_front() else { break };
            if flight.depart(now, term) {
                bytes += length;
                batch.push(flight);
            } else {
                grounded.push(flight);
            }
        }
        drop(waiting);
        self.room.leave(batch.iter().chain(&grounded).map(|flight| flight.encoded.len()));
        (batch, grounded)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of the queue panics")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::super::flight::{Boarding, Flights, Listener};
    use super::super::lane::Lane;
    use super::*;

    /// A client that has lost a stream sends again what it has no answer to, in order. Its first append may still wait here,
    /// as one of the lost stream, and is not proposed then: nothing behind it may be proposed either.
    #[tokio::test]
    async fn nothing_overtakes_what_was_joined_and_is_held_back_with_another_stream() {
        const TERM: u64 = 3;
        let (queue, flights, now) = (Queue::default(), Flights::default(), Instant::now());
        let board = async |lane: &Arc<Lane>, position: u64, content: &'static [u8]| {
            let listener = Listener::Stream(lane.enter(position, content.len()).await);
            let boarding = flights.board(Bytes::from_static(content), TERM, now + Duration::from_mins(1), listener);
            if let Boarding::New(flight) = &boarding {
                queue.push(queue.place(content.len()).unwrap(), flight.clone()).unwrap();
            }
            matches!(boarding, Boarding::New(_))
        };
        let (lost, _unread) = Lane::new();
        let (again, _answers) = Lane::new();
        assert!(board(&lost, 0, b"first").await);
        assert!(!board(&again, 0, b"first").await, "it joins");
        assert!(board(&again, 1, b"second").await);
        lost.end(Error::Stopping);
        let (batch, grounded) = queue.take_batch(now, Some(TERM));
        assert_eq!((batch.len(), grounded.len()), (0, 2), "the second would come before the first");
        assert!(again.is_broken());
    }

    #[test]
    fn a_queue_that_is_closed_is_not_full() {
        let queue = Queue::default();
        queue.place(QUEUE_BYTES_MAX / 2).expect("room").keep();
        queue.place(QUEUE_BYTES_MAX / 3).expect("room").keep();
        assert_eq!(queue.place(QUEUE_BYTES_MAX / 2).err(), Some(Error::Overloaded));
        queue.close();
        assert_eq!(queue.place(1).err(), Some(Error::Stopping));
    }
}
