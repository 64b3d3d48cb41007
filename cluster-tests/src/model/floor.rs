//! Until when a space remembers ids, and which it still takes.
//!
//! - A space forgets in buckets: a 64th of its memory, and at least a second. An id that nobody knows is too old when it
//!   was born before the bucket that lies a whole memory back.
//! - The bound never goes back. A new memory changes the width of buckets only for births that no id can have yet.
//! - An id that is known keeps its outcome until its bucket is forgotten, which the next entry after that time does.

use uuid::{Uuid, Variant};

use crate::proto::CommandId;

/// How many buckets a memory has.
const BUCKETS: u64 = 64;
/// The least width of a bucket.
const SECOND_MS: u64 = 1_000;
/// How far ahead of the clock an id may be born.
pub const AHEAD_MS: u64 = 600_000;
/// How many widths of buckets a space keeps.
const WIDTHS: usize = 64;

/// How long a space remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    ms: u64,
    /// What was too old when the memory changed last stays so.
    closed_ms: u64,
    /// From which birth on buckets have which width, oldest first.
    widths: Vec<(u64, u64)>,
}

/// Whether a space may get another memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// It may.
    pub allowed: bool,
    /// It may be refused as one too many.
    pub refused: bool,
}

impl Memory {
    /// That of a new space.
    pub fn new(memory_ms: u64) -> Self {
        Self { ms: memory_ms, closed_ms: 0, widths: vec![(0, width(memory_ms))] }
    }

    /// The bucket of a birth: its first birth, and the first after it.
    pub fn bucket(&self, birth_ms: u64) -> (u64, u64) {
        let place = self.widths.partition_point(|(from, _)| *from <= birth_ms);
        let (from, width) = place.checked_sub(1).and_then(|place| self.widths.get(place)).copied().unwrap_or((0, 1));
        let start = birth_ms - (birth_ms - from) % width;
        let next = self.widths.get(place).map_or(u64::MAX, |(next, _)| *next);
        (start, next.min(start.saturating_add(width)))
    }

    /// The least birth of an id that is taken, when the space's clock shows this.
    pub fn closed(&self, clock_ms: u64) -> u64 {
        let (start, _) = self.bucket(clock_ms.saturating_sub(self.ms));
        start.max(self.closed_ms)
    }

    /// How long that is.
    pub fn ms(&self) -> u64 {
        self.ms
    }

    /// What was too old when it changed last.
    pub fn closed_before(&self) -> u64 {
        self.closed_ms
    }

    /// The widths of buckets that a space may keep: these, or the last of them.
    pub fn widths(&self) -> &[(u64, u64)] {
        &self.widths
    }

    /// The space remembers for another time from now on.
    pub fn change(&mut self, memory_ms: u64, clock_ms: u64) -> Change {
        self.closed_ms = self.closed(clock_ms);
        // Ids may be born ten minutes ahead, and not a millisecond more: the bucket of that one ends in the old width.
        let (_, from) = self.bucket(clock_ms + AHEAD_MS + 1);
        self.widths.retain(|(earlier, _)| *earlier < from);
        if self.widths.last().is_none_or(|(_, last)| *last != width(memory_ms)) {
            self.widths.push((from, width(memory_ms)));
        }
        self.ms = memory_ms;
        // Widths that only forgotten births had may be gone; the model does not know how far the space has forgotten.
        let over = self.widths.iter().skip(1).take_while(|(next, _)| *next <= self.closed_ms).count();
        Change { allowed: self.widths.len() - over <= WIDTHS, refused: self.widths.len() > WIDTHS }
    }
}

fn width(memory_ms: u64) -> u64 {
    (memory_ms / BUCKETS).max(SECOND_MS)
}

/// When an id was born, as far as it says so: a canonical `UUIDv7` does by itself.
pub fn birth(id: &CommandId) -> Option<u64> {
    id.birth_ms.or_else(|| carried(&id.text))
}

/// The birth that a text carries by itself.
pub(super) fn carried(text: &str) -> Option<u64> {
    let uuid = Uuid::try_parse(text).ok()?;
    let is_canonical = uuid.hyphenated().to_string() == text;
    let is_v7 = uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122;
    // The first 48 bits of a `UUIDv7` are its birth.
    let birth_ms = u64::try_from(uuid.as_u128() >> 80).ok()?;
    (is_canonical && is_v7).then_some(birth_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_64th_and_at_least_a_second() {
        assert_eq!(Memory::new(60_000).bucket(61_500), (61_000, 62_000));
        assert_eq!(Memory::new(640_000).bucket(61_500), (60_000, 70_000));
        assert_eq!(Memory::new(60_000).closed(121_999), 61_000);
        assert_eq!(Memory::new(60_000).closed(122_000), 62_000);
    }

    #[test]
    fn a_longer_memory_takes_nothing_back() {
        let mut memory = Memory::new(60_000);
        assert_eq!(memory.change(600_000, 1_000_000), Change { allowed: true, refused: false });
        assert_eq!(memory.closed(1_000_000), 940_000);
        assert_eq!(memory.closed(2_000_000), 1_400_000);
    }

    #[test]
    fn a_uuid_says_when_it_was_born_and_no_other_text_does() {
        let id = |text: &str, birth_ms| CommandId { text: text.to_owned(), birth_ms };
        assert_eq!(birth(&id("0199c7d2-1c00-7000-8000-000000000000", None)), Some(0x0199_c7d2_1c00));
        assert_eq!(birth(&id("0199C7D2-1c00-7000-8000-000000000000", None)), None);
        assert_eq!(birth(&id("0199c7d2-1c00-4000-8000-000000000000", None)), None);
        assert_eq!(birth(&id("press-1", Some(7))), Some(7));
    }
}
