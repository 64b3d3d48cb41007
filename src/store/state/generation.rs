//! One generation of the state: a `RocksDB` and the rows that are read from it.
//!
//! - A generation is a whole state. An installed snapshot is another generation, never a change of this one.
//! - A row that can't be read is an error, never an absent row.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rocksdb::{
    ColumnFamily, DB, DBPinnableSlice, Direction, ErrorKind, FlushOptions, IteratorMode, ReadOptions, ReadTier,
    Snapshot, WriteBatch,
};

use super::error::Error;
use super::lease::Lease;
use super::{keys, rows, settings};
use crate::machine::{Bucket, DeletedLog, Digest, Due, Effect, Globals, LogHead, Remembered, Space, genesis};
use crate::store::{entry, files};
use crate::types::codec::DecodeError;
use crate::types::{
    Cell, CellKey, Id, Lock, LockName, LogId, LogIndex, LogName, LogTime, Offset, Position, ReaderName, SpaceName,
    SpaceNumber, StoredMembership, Version,
};

/// A `RocksDB` in its directory.
pub(super) struct Generation {
    // Dropped before the lease: the database is closed when its directory goes.
    database: DB,
    lease: Lease,
    number: u64,
}

/// What a state is the result of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The last entry; none before the first.
    pub log_id: Option<LogId>,
    /// The last membership.
    pub membership: StoredMembership,
    /// What holds for all spaces.
    pub globals: Globals,
    /// The digest after the last entry.
    pub digest: Digest,
}

impl Generation {
    /// Makes the first generation, as it is before any entry, on disk.
    pub(super) fn create(path: PathBuf, number: u64, direct_io: bool) -> Result<(), Error> {
        let database = open(&path, true, direct_io)?;
        let generation = Self { database, lease: Lease::new(path), number };
        let mut batch = WriteBatch::default();
        for effect in genesis() {
            let Effect::Space { name, space } = &effect else { unreachable!("a state begins with spaces alone") };
            batch.put_cf(generation.small(), keys::space(name), rows::space(space));
        }
        batch.put_cf(generation.small(), keys::GLOBALS, rows::globals(&Globals::default()));
        batch.put_cf(generation.small(), keys::APPLIED, entry::encode_log_id(None));
        batch.put_cf(
            generation.small(),
            keys::MEMBERSHIP,
            entry::encode_stored_membership(&StoredMembership::default()),
        );
        batch.put_cf(generation.small(), keys::DIGEST, rows::digest(Digest::default()));
        generation.write(batch)?;
        generation.flush()
    }

    /// Opens a generation that is there.
    pub(super) fn open(path: PathBuf, number: u64, direct_io: bool) -> Result<Self, Error> {
        let database = open(&path, false, direct_io)?;
        Ok(Self { database, lease: Lease::new(path), number })
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn path(&self) -> &Path {
        self.lease.path()
    }

    /// Another generation is the current one: the directory goes with the last handle.
    pub(super) fn give_up(&self) {
        self.lease.give_up();
    }

    /// It is the current one after all.
    pub(super) fn keep(&self) {
        self.lease.keep();
    }

    pub(super) fn database(&self) -> &DB {
        &self.database
    }

    pub(super) fn records(&self) -> &ColumnFamily {
        self.family(settings::RECORDS)
    }

    pub(super) fn ids(&self) -> &ColumnFamily {
        self.family(settings::IDS)
    }

    pub(super) fn small(&self) -> &ColumnFamily {
        self.family(settings::SMALL)
    }

    fn family(&self, name: &str) -> &ColumnFamily {
        self.database.cf_handle(name).expect("every family was opened with the database")
    }

    /// Writes all of a batch or nothing. It is durable after the next flush, or lost together with all after it.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), Error> {
        self.database.write_opt(batch, &settings::writing()).map_err(Error::database("write to the state"))
    }

    /// Makes everything written so far durable, in all families at once.
    ///
    /// `flush` would flush the default family alone, and `flush_cf` one, even when flushes are atomic.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let families = [self.records(), self.ids(), self.small()];
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.database.flush_cfs_opt(&families, &options).map_err(Error::database("flush the state"))
    }

    /// Forgets every id: no whole state does, only a seeded bug.
    pub(super) fn forget_ids(&self) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(self.ids(), &[][..], &[u8::MAX; 16][..]);
        self.write(batch)
    }

    /// Forgets what stays of all that was deleted: no whole state does, only a seeded bug.
    pub(super) fn forget_marks(&self) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        let Range { start, end } = keys::MARKS;
        batch.delete_range_cf(self.small(), start, end);
        self.write(batch)
    }

    /// What this state is the result of.
    pub(super) fn applied(&self) -> Result<Applied, Error> {
        read_applied(&self.database)
    }

    /// The remembered digests, oldest first.
    pub(super) fn remembered_digests(&self) -> Result<VecDeque<(LogIndex, Digest)>, Error> {
        let prefix = keys::REMEMBERED_DIGESTS;
        let mut remembered = VecDeque::new();
        for row in self.scan(&self.database, &prefix, &prefix) {
            let (key, value) = row?;
            let index = keys::remembered_digest_index(&key)
                .ok_or_else(|| Error::corrupt("remembered digests", "a key is not an index"))?;
            let digest = rows::read_digest(value).map_err(Error::undecodable(format!("digest of {index}")))?;
            remembered.push_back((index, digest));
        }
        Ok(remembered)
    }

    /// What holds for all spaces, in the database or a moment of it.
    pub(super) fn globals(&self, from: &impl ReadRow) -> Result<Globals, Error> {
        read_globals(from, self.small())
    }

    /// A space, in the database or a moment of it.
    pub(super) fn space(&self, from: &impl ReadRow, name: &SpaceName) -> Result<Option<Space>, Error> {
        let value = from.row(self.small(), &keys::space(name))?;
        value.map(|value| rows::read_space(value).map_err(Error::undecodable(format!("space {name}")))).transpose()
    }

    /// When a space was deleted that had this name, in the database or a moment of it.
    pub(super) fn deleted_space(&self, from: &impl ReadRow, name: &SpaceName) -> Result<Option<LogTime>, Error> {
        let value = from.row(self.small(), &keys::deleted_space(name))?;
        let place = || format!("what stayed of space {name}");
        value.map(|value| rows::read_deleted_space(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// What stayed of a log that has no head, in the database or a moment of it.
    pub(super) fn deleted_log(
        &self,
        from: &impl ReadRow,
        space: SpaceNumber,
        name: &LogName,
    ) -> Result<Option<DeletedLog>, Error> {
        let value = from.row(self.small(), &keys::deleted_log(space, name))?;
        let place = || format!("what stayed of log {name} in space {space}");
        value.map(|value| rows::read_deleted_log(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// A log's head, in the database or a moment of it.
    pub(super) fn log(
        &self,
        from: &impl ReadRow,
        space: SpaceNumber,
        name: &LogName,
    ) -> Result<Option<LogHead>, Error> {
        let value = from.row(self.small(), &keys::log(space, name))?;
        let place = || format!("head of log {name} in space {space}");
        value.map(|value| rows::read_log(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// Where a log ends, or ended when it was deleted, in the database or a moment of it.
    pub(super) fn log_end(&self, from: &impl ReadRow, space: SpaceNumber, name: &LogName) -> Result<Offset, Error> {
        if let Some(head) = self.log(from, space, name)? {
            return Ok(head.end);
        }
        Ok(self.deleted_log(from, space, name)?.map(|mark| mark.end).unwrap_or_default())
    }

    /// A cell, in the database or a moment of it.
    pub(super) fn cell(&self, from: &impl ReadRow, space: SpaceNumber, key: &CellKey) -> Result<Option<Cell>, Error> {
        let value = from.row(self.small(), &keys::cell(space, key))?;
        let place = || format!("cell {key} in space {space}");
        value.map(|value| rows::read_cell(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// A reader's position, in the database or a moment of it.
    pub(super) fn position(
        &self,
        from: &impl ReadRow,
        space: SpaceNumber,
        reader: &ReaderName,
        log: &LogName,
    ) -> Result<Option<Position>, Error> {
        let value = from.row(self.small(), &keys::position(space, reader, log))?;
        let place = || format!("position of {reader} in log {log} in space {space}");
        value.map(|value| rows::read_position(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// The version of a reader that has no position, in the database or a moment of it.
    pub(super) fn deleted_position(
        &self,
        from: &impl ReadRow,
        space: SpaceNumber,
        reader: &ReaderName,
        log: &LogName,
    ) -> Result<Option<Version>, Error> {
        let value = from.row(self.small(), &keys::deleted_position(space, reader, log))?;
        let place = || format!("what stayed of the position of {reader} in log {log} in space {space}");
        value.map(|value| rows::read_deleted_position(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// A lock, in the database or a moment of it.
    pub(super) fn lock(&self, from: &impl ReadRow, space: SpaceNumber, name: &LockName) -> Result<Option<Lock>, Error> {
        let value = from.row(self.small(), &keys::lock(space, name))?;
        let place = || format!("lock {name} in space {space}");
        value.map(|value| rows::read_lock(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// A bucket of a space.
    pub(super) fn bucket(&self, space: SpaceNumber, start: LogTime) -> Result<Option<Bucket>, Error> {
        let value = self.database.row(self.small(), &keys::bucket(space, start))?;
        let place = || format!("bucket {start} of space {space}");
        value.map(|value| rows::read_bucket(value).map_err(Error::undecodable(place()))).transpose()
    }

    /// The oldest buckets of a space, in order: at most `limit`. None is below the floor, and the rows of those that were
    /// are not gone through again.
    pub(super) fn buckets(
        &self,
        space: SpaceNumber,
        floor: LogTime,
        limit: usize,
    ) -> Result<Vec<(LogTime, Bucket)>, Error> {
        let mut buckets = Vec::new();
        for row in self.scan(&self.database, &keys::buckets(space), &keys::bucket(space, floor)).take(limit) {
            let (key, value) = row?;
            let place = || format!("the buckets of space {space}");
            let start =
                keys::bucket_start(space, &key).ok_or_else(|| Error::corrupt(place(), "a key is not a bucket's"))?;
            buckets.push((start, rows::read_bucket(value).map_err(Error::undecodable(place()))?));
        }
        Ok(buckets)
    }

    /// What is due, in order, from a key on: at most `limit`.
    pub(super) fn due(&self, first: &[u8], limit: usize) -> Result<Vec<(LogTime, Due)>, Error> {
        let mut due = Vec::new();
        for row in self.scan(&self.database, &keys::ALL_DUE, first).take(limit) {
            let (key, value) = row?;
            let place = || "what is due".to_owned();
            rows::read_due(value).map_err(Error::undecodable(place()))?;
            due.push(
                keys::read_due(&key).ok_or_else(|| Error::corrupt(place(), "a key says nothing that may be due"))?,
            );
        }
        Ok(due)
    }

    /// The small rows whose keys begin with `prefix`, from `first` on, in the database or a moment of it.
    pub(super) fn scan<'a>(&'a self, from: &'a impl ReadRow, prefix: &[u8], first: &[u8]) -> Rows<'a> {
        let mut options = scanning();
        if let Some(end) = keys::after_prefix(prefix) {
            options.set_iterate_upper_bound(end);
        }
        from.rows(self.small(), options, first)
    }

    /// What is remembered under keys that are sorted, each in its place.
    pub(super) fn remembered_sorted(&self, keys: &[&[u8]]) -> Result<Vec<Option<Remembered>>, Error> {
        self.sorted(self.ids(), keys, rows::read_remembered)
    }

    /// The rows under keys that are sorted, each in its place: one pass over the tables finds all.
    pub(super) fn sorted<T>(
        &self,
        family: &ColumnFamily,
        keys: &[&[u8]],
        read: impl Fn(Bytes) -> Result<T, DecodeError>,
    ) -> Result<Vec<Option<T>>, Error> {
        let found = self.database.batched_multi_get_cf(family, keys.iter().copied(), true);
        let read = |(value, key): (Result<Option<DBPinnableSlice<'_>>, rocksdb::Error>, &&[u8])| {
            let Some(value) = value.map_err(Error::database("read rows"))? else {
                return Ok(None);
            };
            read(Bytes::copy_from_slice(&value))
                .map(Some)
                .map_err(|error| Error::corrupt(format!("row under key {}", key.escape_ascii()), error.to_string()))
        };
        found.into_iter().zip(keys).map(read).collect()
    }

    /// Whether memory alone can tell that an id of a space is not remembered.
    pub(super) fn surely_lacks(&self, space: &SpaceName, id: &Id) -> Result<bool, Error> {
        let row = match self.look_in_memory(self.small(), &keys::space(space))? {
            Glimpse::Absent => return Ok(true),
            Glimpse::OnDisk => return Ok(false),
            Glimpse::Present(value) => value,
        };
        let space = rows::read_space(row).map_err(Error::undecodable(format!("space {space}")))?;
        let id = self.look_in_memory(self.ids(), &keys::id(space.number, id))?;
        Ok(matches!(id, Glimpse::Absent))
    }

    /// What can be said of a row without a disk: filters tell of most that are absent.
    fn look_in_memory(&self, family: &ColumnFamily, key: &[u8]) -> Result<Glimpse, Error> {
        let mut options = ReadOptions::default();
        options.set_read_tier(ReadTier::BlockCache);
        match self.database.get_cf_opt(family, key, &options) {
            Ok(None) => Ok(Glimpse::Absent),
            Ok(Some(value)) => Ok(Glimpse::Present(value.into())),
            Err(error) if error.kind() == ErrorKind::Incomplete => Ok(Glimpse::OnDisk),
            Err(error) => Err(Error::database("read a row")(error)),
        }
    }

    /// How many bytes its files have.
    pub(super) fn bytes(&self) -> u64 {
        files::size_of_directory(self.path())
    }
}

/// The database, or one moment of it.
pub(super) trait ReadRow {
    /// The value under a key.
    fn row(&self, family: &ColumnFamily, key: &[u8]) -> Result<Option<Bytes>, Error>;
    /// The rows from a key on.
    fn rows<'a>(&'a self, family: &'a ColumnFamily, options: ReadOptions, first: &[u8]) -> Rows<'a>;
}

/// Rows with their keys, in the order of these.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Result<(Box<[u8]>, Bytes), Error>> + 'a>;

impl ReadRow for DB {
    fn row(&self, family: &ColumnFamily, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.get_cf(family, key).map_err(Error::database("read a row"))?.map(Bytes::from))
    }

    fn rows<'a>(&'a self, family: &'a ColumnFamily, options: ReadOptions, first: &[u8]) -> Rows<'a> {
        let rows = self.iterator_cf_opt(family, options, IteratorMode::From(first, Direction::Forward));
        Box::new(rows.map(|row| {
            let (key, value) = row.map_err(Error::database("read rows"))?;
            Ok((key, value.into()))
        }))
    }
}

impl ReadRow for Snapshot<'_> {
    fn row(&self, family: &ColumnFamily, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.get_cf(family, key).map_err(Error::database("read a row"))?.map(Bytes::from))
    }

    fn rows<'a>(&'a self, family: &'a ColumnFamily, options: ReadOptions, first: &[u8]) -> Rows<'a> {
        let rows = self.iterator_cf_opt(family, options, IteratorMode::From(first, Direction::Forward));
        Box::new(rows.map(|row| {
            let (key, value) = row.map_err(Error::database("read rows"))?;
            Ok((key, value.into()))
        }))
    }
}

/// What memory alone says of a row.
enum Glimpse {
    Absent,
    Present(Bytes),
    /// Only a disk could tell.
    OnDisk,
}

impl std::fmt::Debug for Generation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Generation").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// What the state in a directory is the result of, without opening it for writing.
pub(super) fn glance(path: &Path) -> Result<Applied, Error> {
    let database = DB::open_cf_for_read_only(&settings::glance(), path, [settings::SMALL], false)
        .map_err(Error::database("open a snapshot"))?;
    read_applied(&database)
}

fn open(path: &Path, create: bool, direct_io: bool) -> Result<DB, Error> {
    let opened = DB::open_cf_descriptors(&settings::database(create, direct_io), path, settings::families());
    let settled = opened.and_then(|database| settings::settle(&database).map(|()| database));
    settled.map_err(Error::database("open the state"))
}

fn read_applied(database: &DB) -> Result<Applied, Error> {
    let small = database.cf_handle(settings::SMALL).expect("the family was opened with the database");
    let read = |key: [u8; 1], what: &'static str| {
        database.row(small, &key)?.ok_or_else(|| Error::corrupt(what, "the row is missing"))
    };
    Ok(Applied {
        log_id: entry::decode_log_id(read(keys::APPLIED, "applied log id")?)
            .map_err(Error::undecodable("applied log id"))?,
        membership: entry::decode_stored_membership(read(keys::MEMBERSHIP, "membership")?)
            .map_err(Error::undecodable("membership"))?,
        globals: read_globals(database, small)?,
        digest: rows::read_digest(read(keys::DIGEST, "digest")?).map_err(Error::undecodable("digest"))?,
    })
}

fn read_globals(from: &impl ReadRow, small: &ColumnFamily) -> Result<Globals, Error> {
    let row = from.row(small, &keys::GLOBALS)?.ok_or_else(|| Error::corrupt("globals", "the row is missing"))?;
    rows::read_globals(row).map_err(Error::undecodable("globals"))
}

/// Reads that fill no cache: a scan is not asked again soon.
pub(super) fn scanning() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options
}
