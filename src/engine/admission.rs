//! How much a node takes on at once: commands by their bytes, reads by their number.
//!
//! - A command is taken or turned away at once. A read waits its turn.
//! - Whoever was taken holds a ticket until it is answered; a node that stops waits for all tickets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::types::limits::{ADMITTED_BYTES_MAX, READS_AT_ONCE_MAX, STREAMS_MAX, WATCHES_MAX};

use super::error::Error;

/// What one permit stands for; a command of any size takes at least one.
const BYTES_A_PERMIT: usize = 1 << 10;
const PERMITS: usize = ADMITTED_BYTES_MAX / BYTES_A_PERMIT;

/// The door of the engine.
pub(super) struct Admission {
    commands: Arc<Semaphore>,
    reads: Semaphore,
    streams: Arc<Semaphore>,
    watches: Arc<Semaphore>,
    closed: AtomicBool,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            commands: Arc::new(Semaphore::new(PERMITS)),
            reads: Semaphore::new(READS_AT_ONCE_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            watches: Arc::new(Semaphore::new(WATCHES_MAX)),
            closed: AtomicBool::new(false),
        }
    }
}

impl Admission {
    /// Takes a command of this many bytes, or turns it away.
    pub(super) fn command(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Error> {
        if self.is_closed() {
            return Err(Error::Stopping);
        }
        self.commands.try_acquire_many(permits(bytes)).map_err(|_| self.turned_away())
    }

    /// Takes one more stream of commands, or turns it away.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Error> {
        if self.is_closed() {
            return Err(Error::Stopping);
        }
        self.streams.clone().try_acquire_owned().map_err(|_| self.turned_away())
    }

    /// Waits for room for a command of this many bytes: for a stream, which is read no further meanwhile.
    pub(super) async fn command_in_turn(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let turn = match self.commands.clone().try_acquire_many_owned(permits(bytes)) {
            Ok(turn) => Ok(turn),
            Err(_) => self.commands.clone().acquire_many_owned(permits(bytes)).await,
        };
        if self.is_closed() { Err(Error::Stopping) } else { turn.map_err(|_| Error::Stopping) }
    }

    /// Waits for a read's turn.
    pub(super) async fn read(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.reads.acquire().await.map_err(|_| Error::Stopping)
    }

    /// Takes one who waits for something to happen, or turns it away.
    pub(super) fn watch(&self) -> Result<OwnedSemaphorePermit, Error> {
        if self.is_closed() {
            return Err(Error::Stopping);
        }
        self.watches.clone().try_acquire_owned().map_err(|_| self.turned_away())
    }

    /// Why there is no permit. A node that drains takes all that are left, and is not overloaded for it.
    fn turned_away(&self) -> Error {
        if self.is_closed() { Error::Stopping } else { Error::Overloaded }
    }

    /// Whether the node is going down.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Takes no more commands, and waits until those that were taken are answered.
    pub(super) async fn drain(&self) {
        self.closed.store(true, Ordering::Release);
        let all = u32::try_from(PERMITS).expect("the number of permits fits");
        let _drained = self.commands.acquire_many(all).await;
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes / BYTES_A_PERMIT + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::limits::COMMAND_BYTES_MAX;

    #[tokio::test]
    async fn what_is_too_much_is_turned_away_and_a_ticket_given_back_makes_room() {
        let admission = Admission::default();
        let half = admission.command(ADMITTED_BYTES_MAX / 2).expect("room");
        let _third = admission.command(ADMITTED_BYTES_MAX / 3).expect("room");
        assert_eq!(admission.command(ADMITTED_BYTES_MAX / 2).err(), Some(Error::Overloaded));
        drop(half);
        assert!(admission.command(COMMAND_BYTES_MAX).is_ok());
    }

    #[tokio::test]
    async fn a_node_that_stops_takes_nothing_more_and_waits_for_what_it_took() {
        let admission = Admission::default();
        let ticket = admission.command(10).expect("room");
        let mut draining = std::pin::pin!(admission.drain());
        assert!(futures::poll!(&mut draining).is_pending());
        assert_eq!(admission.command(10).err(), Some(Error::Stopping));
        assert!(admission.commands.try_acquire().is_err(), "whoever came in just before finds no permit");
        assert_eq!(admission.turned_away(), Error::Stopping, "and this node is not overloaded for it");
        drop(ticket);
        draining.await;
    }
}
