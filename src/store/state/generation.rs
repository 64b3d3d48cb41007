//! One generation of the state: a `RocksDB` and the rows that are read from it.
//!
//! - A generation is a whole state. An installed snapshot is another generation, never a change of this one.
//! - A row that can't be read is an error, never an absent row.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rocksdb::{
    ColumnFamily, DB, DBPinnableSlice, Direction, ErrorKind, FlushOptions, IteratorMode, ReadOptions, ReadTier,
    Snapshot, WriteBatch,
};

use super::error::Error;
use super::lease::Lease;
use super::{keys, rows, settings};
use crate::machine::{Digest, Effect, Globals, LogHead, Remembered, Space, genesis};
use crate::store::{entry, files};
use crate::types::{Id, LogId, LogIndex, LogName, SpaceName, SpaceNumber, StoredMembership};

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

    /// What this state is the result of.
    pub(super) fn applied(&self) -> Result<Applied, Error> {
        read_applied(&self.database)
    }

    /// The remembered digests, oldest first.
    pub(super) fn remembered_digests(&self) -> Result<VecDeque<(LogIndex, Digest)>, Error> {
        let first = keys::REMEMBERED_DIGESTS;
        let mut options = scanning();
        options.set_iterate_upper_bound(keys::after_prefix(&first).unwrap_or_default());
        let mode = IteratorMode::From(&first, Direction::Forward);
        let mut remembered = VecDeque::new();
        for row in self.database.iterator_cf_opt(self.small(), options, mode) {
            let (key, value) = row.map_err(Error::database("read the remembered digests"))?;
            let index = keys::remembered_digest_index(&key)
                .ok_or_else(|| Error::corrupt("remembered digests", "a key is not an index"))?;
            let digest = rows::read_digest(value.into()).map_err(Error::undecodable(format!("digest of {index}")))?;
            remembered.push_back((index, digest));
        }
        Ok(remembered)
    }

    /// A space, in the database or a moment of it.
    pub(super) fn space(&self, from: &impl ReadRow, name: &SpaceName) -> Result<Option<Space>, Error> {
        let value = from.row(self.small(), &keys::space(name))?;
        value.map(|value| rows::read_space(value).map_err(Error::undecodable(format!("space {name}")))).transpose()
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

    /// What is remembered under keys that are sorted, each in its place.
    pub(super) fn remembered_sorted(&self, keys: &[&[u8]]) -> Result<Vec<Option<Remembered>>, Error> {
        let found = self.database.batched_multi_get_cf(self.ids(), keys.iter().copied(), true);
        let read = |(value, key): (Result<Option<DBPinnableSlice<'_>>, rocksdb::Error>, &&[u8])| {
            let Some(value) = value.map_err(Error::database("look ids up"))? else {
                return Ok(None);
            };
            let remembered = rows::read_remembered(Bytes::copy_from_slice(&value));
            remembered
                .map(Some)
                .map_err(|error| Error::corrupt(format!("id under key {}", key.escape_ascii()), error.to_string()))
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
}

impl ReadRow for DB {
    fn row(&self, family: &ColumnFamily, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.get_cf(family, key).map_err(Error::database("read a row"))?.map(Bytes::from))
    }
}

impl ReadRow for Snapshot<'_> {
    fn row(&self, family: &ColumnFamily, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.get_cf(family, key).map_err(Error::database("read a row"))?.map(Bytes::from))
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
    DB::open_cf_descriptors(&settings::database(create, direct_io), path, settings::families())
        .map_err(Error::database("open the state"))
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
        globals: rows::read_globals(read(keys::GLOBALS, "globals")?).map_err(Error::undecodable("globals"))?,
        digest: rows::read_digest(read(keys::DIGEST, "digest")?).map_err(Error::undecodable("digest"))?,
    })
}

/// Reads that fill no cache: a scan is not asked again soon.
pub(super) fn scanning() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options
}
