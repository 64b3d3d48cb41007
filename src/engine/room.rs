//! Room for commands, by their number and their bytes.
//!
//! - Who wants room at once gets it or hears that there is none; who can wait gets it in turn.
//! - A place that is dropped makes room again; one that is kept is given back by number and bytes.

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, TryAcquireError};

/// What one permit stands for; a command of any size takes at least one.
const BYTES_A_PERMIT: usize = 1 << 10;

/// A bounded room.
pub(super) struct Room {
    places: Semaphore,
    bytes: Semaphore,
}

/// Room for one command.
pub(super) struct Place<'a> {
    place: SemaphorePermit<'a>,
    bytes: SemaphorePermit<'a>,
}

/// Why there is no room at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// There will be, when others leave.
    Full,
    /// There never will be: the room is closed.
    Closed,
}

impl From<TryAcquireError> for NoRoom {
    fn from(error: TryAcquireError) -> Self {
        match error {
            TryAcquireError::NoPermits => Self::Full,
            TryAcquireError::Closed => Self::Closed,
        }
    }
}

impl Room {
    pub(super) fn new(count: usize, bytes: usize) -> Self {
        Self { places: Semaphore::new(count), bytes: Semaphore::new(bytes / BYTES_A_PERMIT) }
    }

    /// Room for a command of this many bytes, if there is any.
    pub(super) fn try_enter(&self, bytes: usize) -> Result<Place<'_>, NoRoom> {
        let place = self.places.try_acquire()?;
        let bytes = self.bytes.try_acquire_many(permits(bytes))?;
        Ok(Place { place, bytes })
    }

    /// Waits for room. None: the room was closed.
    pub(super) async fn enter(&self, bytes: usize) -> Option<Place<'_>> {
        let enter = async || -> Result<Place<'_>, AcquireError> {
            let place = self.places.acquire().await?;
            Ok(Place { place, bytes: self.bytes.acquire_many(permits(bytes)).await? })
        };
        enter().await.ok()
    }

    /// Makes room again for places that were kept, by the bytes of each.
    pub(super) fn leave(&self, kept: impl IntoIterator<Item = usize>) {
        let (mut count, mut sum) = (0, 0);
        for bytes in kept {
            count += 1;
            sum += permits(bytes) as usize;
        }
        self.places.add_permits(count);
        self.bytes.add_permits(sum);
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.places.close();
        self.bytes.close();
    }
}

impl Place<'_> {
    /// Stays until [`Room::leave`].
    pub(super) fn keep(self) {
        self.place.forget();
        self.bytes.forget();
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes / BYTES_A_PERMIT + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_room_takes_nobody_at_once_and_the_next_in_turn() {
        let room = Room::new(2, 1 << 20);
        room.try_enter(10).expect("room").keep();
        let second = room.try_enter(10).expect("room");
        assert_eq!(room.try_enter(10).err(), Some(NoRoom::Full));
        let mut third = std::pin::pin!(room.enter(10));
        assert!(futures::poll!(&mut third).is_pending());
        room.leave([10]);
        let third = third.await.expect("room");
        assert_eq!(room.try_enter(10).err(), Some(NoRoom::Full));
        drop((second, third));
        assert!(room.try_enter(10).is_ok());
    }

    #[tokio::test]
    async fn bytes_fill_a_room_as_places_do() {
        let room = Room::new(100, 10 << 10);
        room.try_enter(8 << 10).expect("room").keep();
        assert_eq!(room.try_enter(8 << 10).err(), Some(NoRoom::Full));
        room.leave([8 << 10]);
        assert!(room.try_enter(8 << 10).is_ok());
    }

    #[tokio::test]
    async fn a_closed_room_sends_away_who_waits() {
        let room = Room::new(1, 1 << 10);
        room.try_enter(1).expect("room").keep();
        let mut waiting = std::pin::pin!(room.enter(1));
        assert!(futures::poll!(&mut waiting).is_pending());
        room.close();
        assert!(waiting.await.is_none());
        assert_eq!(room.try_enter(1).err(), Some(NoRoom::Closed), "closed is not full: waiting helps nobody");
    }
}
