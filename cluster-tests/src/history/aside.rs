//! Bytes that wait on a disk instead of in memory, in one file without a name that goes with the process.
//!
//! - Whoever holds a [`Block`] can read it at any time. Where the last holder has dropped it, another one is written.
//! - The file is in the temporary directory, which `TMPDIR` moves. The kernel's page cache holds what it has memory for.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The sizes of places are multiples of this, so that blocks of about one size fit into the places of each other.
const PLACE_BYTES: u64 = 4 << 10;

/// Bytes that were put aside.
#[derive(Debug)]
pub(super) struct Block {
    place: Place,
    bytes: usize,
}

/// A part of the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    begins: u64,
    size: u64,
}

/// The places of the file that hold no block.
#[derive(Debug, Default)]
struct Free {
    /// By their size, where they begin.
    between: BTreeMap<u64, Vec<u64>>,
    /// Behind all others.
    behind: u64,
}

static FILE: LazyLock<File> =
    LazyLock::new(|| tempfile::tempfile().unwrap_or_else(|error| panic!("make a temporary file: {error}")));
static FREE: Mutex<Free> = Mutex::new(Free { between: BTreeMap::new(), behind: 0 });

impl Block {
    /// Puts bytes aside.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let size = (bytes.len() as u64).next_multiple_of(PLACE_BYTES);
        let place = free().take(size);
        let written = FILE.write_all_at(bytes, place.begins);
        written.unwrap_or_else(|error| panic!("write to a temporary file: {error}"));
        Self { place, bytes: bytes.len() }
    }

    /// All of the bytes.
    pub(super) fn read(&self, into: &mut Vec<u8>) {
        into.resize(self.bytes, 0);
        let read = FILE.read_exact_at(into, self.place.begins);
        read.unwrap_or_else(|error| panic!("read a temporary file: {error}"));
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        free().between.entry(self.place.size).or_default().push(self.place.begins);
    }
}

impl Free {
    /// A place of at least this size.
    fn take(&mut self, size: u64) -> Place {
        // A much larger one stays for a larger block.
        let between = self.between.range_mut(size..=2 * size).find_map(|(size, begins)| Some((*size, begins.pop()?)));
        if let Some((size, begins)) = between {
            return Place { begins, size };
        }
        let begins = self.behind;
        self.behind += size;
        Place { begins, size }
    }
}

fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_by_blocks_that_fit() {
        let mut free = Free::default();
        let [first, second] = [3, 5].map(|count| free.take(count * PLACE_BYTES));
        assert_eq!((first.begins, second.begins, free.behind), (0, 3 * PLACE_BYTES, 8 * PLACE_BYTES));
        free.between.entry(second.size).or_default().push(second.begins);
        assert_eq!(free.take(2 * PLACE_BYTES).begins, free.behind - 2 * PLACE_BYTES, "too large for so little");
        let again = free.take(4 * PLACE_BYTES);
        assert_eq!((again.begins, again.size), (second.begins, second.size));
        assert_eq!(free.take(4 * PLACE_BYTES).begins, 10 * PLACE_BYTES);
    }

    #[test]
    fn blocks_hold_what_was_put_into_them() {
        let of = |byte: u8| vec![byte; 5_000 * usize::from(byte)];
        let mut blocks: Vec<Block> = (0..20).map(|byte| Block::of(&of(byte))).collect();
        blocks.remove(7);
        blocks.insert(7, Block::of(&of(7)));
        let mut read = Vec::new();
        for (byte, block) in (0..20).zip(&blocks) {
            block.read(&mut read);
            assert_eq!(read, of(byte));
        }
    }
}
