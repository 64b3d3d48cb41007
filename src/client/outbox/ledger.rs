//! What waits, in memory and on disk: always the same.
//!
//! - An entry waits from the moment it is synced until it is confirmed. Its number is greater than that of every entry
//!   ever kept before it.
//! - A confirmation is written at once, so it outlives the process, and synced with the next entries. A power cut may
//!   take it back: then the entry is sent again under its id, which is a replay.
//! - What is written and not synced is always a single frame. The next frame says it again and takes its place; so no
//!   frame ever stands behind one that a power cut may tear, and recovery can tell a torn write from damage.
//! - After an error of any function nothing on disk is certain, and the ledger is of no more use.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Entry, EntryNumber};
use super::error::Error;
use super::file::OutboxFile;
use super::frame::{self, HEADER_BYTES};
use crate::types::limits::{OUTBOX_UNSYNCED_BYTES_TARGET, OUTBOX_WAITING_BYTES_MAX};
use crate::types::{Command, MalformedCommand};

/// A command on its way into the file.
#[derive(Debug)]
pub(super) struct Packed {
    command: Command,
    bytes: Bytes,
}

impl Packed {
    /// Checks what every node would check, so that nothing is kept which can never be sent.
    pub(super) fn new(command: Command) -> Result<Self, MalformedCommand> {
        command.check()?;
        Ok(Self { bytes: frame::encode_command(&command), command })
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }
}

#[derive(Debug)]
pub(super) struct Ledger {
    file: OutboxFile,
    waiting: BTreeMap<EntryNumber, Arc<Entry>>,
    /// Of what waits, all together.
    waiting_bytes: usize,
    next: EntryNumber,
    /// Confirmed by the frame that is written and not synced.
    unsynced: Vec<EntryNumber>,
    /// How many bytes that frame has.
    unsynced_bytes: usize,
    /// How many bytes that nobody needs are left in the file before it is written anew.
    garbage_bytes: u64,
    /// How long the file must be before that is tried again.
    compact_from: u64,
}

impl Ledger {
    /// Opens a file, or makes it. It is written anew when `garbage_bytes` of it are of no use, and as many as of use.
    pub(super) fn open(path: &Path, garbage_bytes: u64) -> Result<Self, Error> {
        let (file, recovered) = OutboxFile::open(path)?;
        let mut ledger = Self {
            file,
            waiting_bytes: recovered.waiting.values().map(|entry| entry.bytes).sum(),
            waiting: recovered.waiting.into_iter().map(|(number, entry)| (number, Arc::new(entry))).collect(),
            next: recovered.next,
            unsynced: Vec::new(),
            unsynced_bytes: 0,
            garbage_bytes,
            compact_from: 0,
        };
        ledger.shrink()?;
        Ok(ledger)
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// What waits, in the order in which it was kept.
    pub(super) fn waiting(&self) -> Vec<Arc<Entry>> {
        self.waiting.values().cloned().collect()
    }

    /// Whether this many bytes more may wait.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.waiting_bytes.saturating_add(bytes) <= OUTBOX_WAITING_BYTES_MAX
    }

    /// Confirms and keeps with one write, and with one sync if anything is kept. Confirming what does not wait changes
    /// nothing.
    pub(super) fn commit(
        &mut self,
        confirmed: &BTreeSet<EntryNumber>,
        kept: Vec<Packed>,
    ) -> Result<Vec<Arc<Entry>>, Error> {
        let mut said = self.unsynced.clone();
        said.extend(confirmed.iter().filter(|number| self.waiting.contains_key(number)));
        if kept.is_empty() && said.len() == self.unsynced.len() {
            return Ok(Vec::new());
        }
        let numbers = iter::successors(Some(self.next), |number| Some(number.next()));
        let numbered: Vec<_> = numbers.zip(kept).collect();
        let next = numbered.last().map_or(self.next, |(number, _)| number.next());
        let entries = numbered.iter().map(|(number, packed)| (*number, packed.bytes.as_ref()));
        let frame = frame::encode(self.file.salt(), self.file.end(), &said, entries);
        self.file.write(&frame)?;
        if numbered.is_empty() && frame.len() < OUTBOX_UNSYNCED_BYTES_TARGET {
            (self.unsynced, self.unsynced_bytes) = (said, frame.len());
        } else {
            self.file.sync(frame.len())?;
            self.nothing_is_unsynced();
        }
        for entry in confirmed.iter().filter_map(|number| self.waiting.remove(number)) {
            self.waiting_bytes -= entry.bytes;
        }
        self.next = next;
        Ok(numbered.into_iter().map(|(number, packed)| self.add(number, packed)).collect())
    }

    /// Writes the file anew without what is confirmed, if enough of it is.
    pub(super) fn compact_if_worth_it(&mut self) -> Result<(), Error> {
        let live = self.waiting_bytes as u64;
        let garbage = self.file_bytes().saturating_sub(HEADER_BYTES as u64 + live);
        let worth_it = garbage >= self.garbage_bytes.max(live) && self.file_bytes() >= self.compact_from;
        if worth_it { self.compact() } else { Ok(()) }
    }

    /// Makes everything durable and lets go of the file.
    pub(super) fn close(mut self) -> Result<(), Error> {
        self.shrink()?;
        if self.unsynced.is_empty() { Ok(()) } else { self.file.sync(self.unsynced_bytes) }
    }

    /// Leaves nothing but the header when nothing waits. Done at each end of a run and not at each confirmation, which
    /// would cost a program that sends one by one three syncs for each entry; in between the garbage is bounded.
    fn shrink(&mut self) -> Result<(), Error> {
        let has_frames = self.file_bytes() > HEADER_BYTES as u64;
        if self.waiting.is_empty() && has_frames { self.compact() } else { Ok(()) }
    }

    /// Until the new file has the name, a crash leaves the old one, and failing is no harm. From then on either may be
    /// there after a crash. Both hold all that waits, for nothing is kept meanwhile; but if the name can't be made
    /// durable, what is kept later may be in the file that goes.
    fn compact(&mut self) -> Result<(), Error> {
        match self.file.prepare(self.next, self.waiting.values().map(Arc::as_ref)) {
            Ok(replacement) => {
                self.file.replace(replacement)?;
                self.nothing_is_unsynced();
                self.compact_from = 0;
            }
            Err(error) => {
                tracing::warn!(%error, "the outbox can't be written anew and grows until it can");
                self.compact_from = 2 * self.file_bytes();
            }
        }
        Ok(())
    }

    fn add(&mut self, number: EntryNumber, packed: Packed) -> Arc<Entry> {
        let entry = Arc::new(Entry { number, bytes: packed.size(), command: packed.command });
        self.waiting_bytes += entry.bytes;
        self.waiting.insert(number, Arc::clone(&entry));
        entry
    }

    fn file_bytes(&self) -> u64 {
        self.file.end() + self.unsynced_bytes as u64
    }

    fn nothing_is_unsynced(&mut self) {
        self.unsynced.clear();
        self.unsynced_bytes = 0;
    }

    #[cfg(test)]
    pub(super) fn file(&mut self) -> &mut OutboxFile {
        &mut self.file
    }
}
