//! The database of the log: its settings, and reads and writes in the log's own words.

use std::path::Path;

use bytes::Bytes;
use rocksdb::{BlockBasedOptions, Cache, DB, DBRawIterator, DBRecoveryMode, LogLevel, ReadOptions, WriteOptions};

use super::error::Error;
use super::keys::Key;
use super::record::{Link, StoredEntry};
use crate::store::files;
use crate::types::LogIndex;

/// How much is written before it becomes a table file; also bounds the write-ahead log that an open reads.
const MEMTABLE_BYTES: usize = 32 << 20;
const MEMTABLES_MAX: i32 = 4;
const BLOCK_CACHE_BYTES: usize = 8 << 20;
const TABLE_BLOCK_BYTES: usize = 32 << 10;
const CHATTER_BYTES_MAX: usize = 1 << 20;

/// Which write-ahead logs are accepted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recovery {
    /// Refuse every damage but a write that was cut off.
    Strict,
    /// Stop before the first damage.
    PointInTime,
}

pub(super) struct Database {
    inner: DB,
    group: u32,
}

impl Database {
    pub(super) fn open(path: &Path, group: u32, recovery: Recovery, create: bool) -> Result<Self, rocksdb::Error> {
        DB::open(&settings(recovery, create), path).map(|inner| Self { inner, group })
    }

    pub(super) fn get(&self, key: Key) -> Result<Option<Bytes>, Error> {
        let value = self.inner.get(key.encode(self.group)).map_err(Error::storage("read"))?;
        Ok(value.map(Bytes::from))
    }

    /// The link stored with an entry.
    pub(super) fn link(&self, index: LogIndex) -> Result<Link, Error> {
        let value = self.get(Key::Entry(index))?.ok_or(Error::Hole(index))?;
        StoredEntry::decode(value).map(|stored| stored.link).map_err(|_| Error::Hole(index))
    }

    /// Stored entries from this index on, in order.
    pub(super) fn entries_from(&self, first: LogIndex) -> Entries<'_> {
        let mut options = ReadOptions::default();
        if let Some(next) = self.group.checked_add(1) {
            options.set_iterate_upper_bound(Key::Vote.encode(next));
        }
        options.fill_cache(false);
        let mut iterator = self.inner.raw_iterator_opt(options);
        iterator.seek(Key::Entry(first).encode(self.group));
        Entries { iterator, group: self.group }
    }

    pub(super) fn batch(&self) -> Batch {
        Batch { inner: rocksdb::WriteBatch::default(), group: self.group }
    }

    /// Writes all of it or nothing, and returns when it is on disk.
    pub(super) fn write(&self, batch: Batch) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(files::syncs());
        self.inner.write_opt(batch.inner, &options).map_err(Error::storage("write"))
    }

    /// Puts everything into table files.
    #[cfg(test)]
    pub(super) fn flush(&self) {
        self.inner.flush().unwrap();
    }
}

/// Changes that are written together.
pub(super) struct Batch {
    inner: rocksdb::WriteBatch,
    group: u32,
}

impl Batch {
    pub(super) fn put(&mut self, key: Key, value: impl AsRef<[u8]>) {
        self.inner.put(key.encode(self.group), value);
    }

    /// Removes the entries from `first` up to and without `end`.
    pub(super) fn remove(&mut self, first: LogIndex, end: LogIndex) {
        if first < end {
            self.inner.delete_range(Key::Entry(first).encode(self.group), Key::Entry(end).encode(self.group));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

/// Stored entries in the order of their index.
pub(super) struct Entries<'a> {
    iterator: DBRawIterator<'a>,
    group: u32,
}

impl Iterator for Entries<'_> {
    type Item = Result<(LogIndex, Bytes), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some((key, value)) = self.iterator.item() else {
            // The end of the keys and a block that can't be read look the same but for this.
            return self.iterator.status().map_err(Error::storage("read")).err().map(Err);
        };
        let Some((group, Key::Entry(index))) = Key::decode(key) else {
            return None;
        };
        if group != self.group {
            return None;
        }
        let value = Bytes::copy_from_slice(value);
        self.iterator.next();
        Some(Ok((index, value)))
    }
}

fn settings(recovery: Recovery, create: bool) -> rocksdb::Options {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(&Cache::new_lru_cache(BLOCK_CACHE_BYTES));
    tables.set_block_size(TABLE_BLOCK_BYTES);

    let mut options = rocksdb::Options::default();
    options.create_if_missing(create);
    options.set_wal_recovery_mode(match recovery {
        Recovery::Strict => DBRecoveryMode::TolerateCorruptedTailRecords,
        Recovery::PointInTime => DBRecoveryMode::PointInTime,
    });
    // A recycled file would hold old groups behind the newest: nothing could then tell a torn tail from a damage.
    options.set_recycle_log_file_num(0);
    // A whole file that is gone or short is found by the database itself.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_paranoid_checks(true);
    options.set_block_based_table_factory(&tables);
    options.set_compression_type(rocksdb::DBCompressionType::None);
    options.set_write_buffer_size(MEMTABLE_BYTES);
    options.set_max_write_buffer_number(MEMTABLES_MAX);
    // Entries are written once, read rarely and removed from the front: many small files harm nobody, stalls do.
    options.set_level_zero_slowdown_writes_trigger(40);
    options.set_level_zero_stop_writes_trigger(80);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(1 << 20);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(CHATTER_BYTES_MAX);
    options.set_log_level(LogLevel::Warn);
    options.set_stats_dump_period_sec(0);
    options
}
