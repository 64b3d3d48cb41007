//! How much a node takes on at once: commands by their bytes, reads by their number.
//!
//! - A command is taken or turned away at once. A read waits its turn.
//! - Whoever was taken holds a ticket until it is answered; a node that stops waits for all tickets.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::types::limits::{ADMITTED_BYTES_MAX, READS_AT_ONCE_MAX};

use super::error::Error;

/// What one permit stands for; a command of any size takes at least one.
const BYTES_A_PERMIT: usize = 1 << 10;
const PERMITS: usize = ADMITTED_BYTES_MAX / BYTES_A_PERMIT;

/// The door of the engine.
pub(super) struct Admission {
    commands: Semaphore,
    reads: Semaphore,
    closed: AtomicBool,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            commands: Semaphore::new(PERMITS),
            reads: Semaphore::new(READS_AT_ONCE_MAX),
            closed: AtomicBool::new(false),
        }
    }
}

impl Admission {
    /// Takes a command of this many bytes, or turns it away.
    pub(super) fn command(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Stopping);
        }
        self.commands.try_acquire_many(permits(bytes)).map_err(|_| Error::Overloaded)
    }

    /// Waits for a read's turn.
    pub(super) async fn read(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.reads.acquire().await.map_err(|_| Error::Stopping)
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
        drop(ticket);
        draining.await;
    }
}
