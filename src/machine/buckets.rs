//! How a finite space counts its ids by birth, so that it can forget them in whole buckets.
//!
//! - Each id that is remembered is counted in one bucket, and each bucket has an id: the floor moves to where something
//!   is forgotten.
//! - Where buckets begin and end never changes where an id can have been born: another width holds from beyond that on.
//!   So a floor is always between two buckets.
//! - A space's `due` is its oldest bucket's end and its memory.

use std::time::Duration;

use crate::types::limits::BORN_AHEAD_MAX;
use crate::types::{Era, LogNumber, LogTime, Memory, Sequence, SpaceNumber, SpacePolicy};

use super::rows::{Bucket, Space, remembered_for};
use super::view::View;

/// About how many buckets a space's memory has.
const PARTS: u64 = 64;
/// How often a memory may change while ids of the time before are still taken.
const ERAS: usize = 64;
const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// The memory was changed too often for what is not forgotten yet.
pub(super) struct TooManyChanges;

impl Space {
    /// A space in which nothing has happened. What it would forget at once, it never takes.
    pub(super) fn new(number: SpaceNumber, policy: SpacePolicy, clock: LogTime) -> Self {
        let eras = match policy.memory {
            Memory::Forever => Vec::new(),
            Memory::For(memory) => vec![Era { from: LogTime::ZERO, width: width_for(memory) }],
        };
        let mut space = Self {
            number,
            memory: policy.memory,
            logs: policy.logs,
            floor: LogTime::ZERO,
            closed: LogTime::ZERO,
            eras,
            due: None,
            ids: 0,
            id_bytes: 0,
            last_sequence: Sequence(0),
            next_log: LogNumber(1),
        };
        space.floor = space.closed_by(clock);
        space
    }
}

/// How much time a bucket covers.
fn width_for(memory: Duration) -> Duration {
    let ms = u64::try_from(memory.as_millis()).unwrap_or(u64::MAX) / PARTS;
    Duration::from_millis(ms).max(SECOND)
}

/// When a space whose oldest bucket this is has something to forget.
pub(super) fn due(space: &Space, oldest: &Bucket) -> Option<LogTime> {
    match space.memory {
        Memory::Forever => None,
        Memory::For(memory) => Some(oldest.end.saturating_add(remembered_for(memory))),
    }
}

/// A finite space remembers for another time from now on. What it has forgotten stays forgotten.
pub(super) fn change_memory(view: &impl View, space: &mut Space, memory: Duration) -> Result<(), TooManyChanges> {
    // What is too old by now stays so, however long the memory becomes.
    space.closed = space.closed_by(view.globals().clock);
    let oldest = view.bucket_after(space.number, None).map(|(_, oldest)| *oldest);
    if oldest.is_none() {
        space.floor = space.closed;
    }
    let none_born_from = view.globals().clock.saturating_add(BORN_AHEAD_MAX).saturating_add(MILLISECOND);
    let (_, from) = space.bucket_of(none_born_from).expect("a finite space has eras");
    space.eras.retain(|era| era.from < from);
    let width = width_for(memory);
    if space.eras.last().is_none_or(|era| era.width != width) {
        space.eras.push(Era { from, width });
    }
    let is_over = |next: &Era| next.from <= space.floor;
    let over = space.eras.iter().skip(1).take_while(|next| is_over(next)).count();
    space.eras.drain(..over);
    if space.eras.len() > ERAS {
        return Err(TooManyChanges);
    }
    space.memory = Memory::For(memory);
    space.due = oldest.and_then(|oldest| due(space, &oldest));
    Ok(())
}
