//! How `RocksDB` is set up for the state.
//!
//! - Families flush together or not at all: what one of them holds on disk, all hold.
//! - Nothing is written to a WAL, so pipelined writes, which need one to keep order, stay off.
//! - Filters stay in the table readers. In a small block cache they push each other out.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, LogLevel, Options as DatabaseOptions,
    WriteOptions,
};

use super::directory;

/// Records by space, log and offset.
pub(super) const RECORDS: &str = "records";
/// What became of every id.
pub(super) const IDS: &str = "ids";
/// Everything else.
pub(super) const SMALL: &str = "small";
/// All families that hold anything.
pub(super) const FAMILIES: [&str; 3] = [RECORDS, IDS, SMALL];

const MEMTABLE_BYTES_RECORDS: usize = 64 << 20;
/// Larger ones make every insert and every miss slower than the flushes that they save.
const MEMTABLE_BYTES_IDS: usize = 16 << 20;
const MEMTABLE_BYTES_SMALL: usize = 8 << 20;
const BLOCK_CACHE_BYTES: usize = 64 << 20;
const FILTER_BITS_PER_KEY: f64 = 10.0;

/// How a state is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether flushes and compactions go round the page cache, where the file system can do it.
    pub direct_io: bool,
    /// Whether there has to be a state: one that a member of a cluster does not have is lost, never new.
    pub must_exist: bool,
    /// Whether entries may be applied that do not follow each other. Only a test of storage alone has such entries.
    pub allow_gaps: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { direct_io: true, must_exist: false, allow_gaps: false }
    }
}

/// Settings of the whole database.
pub(super) fn database(create: bool, direct_io: bool) -> DatabaseOptions {
    let mut options = DatabaseOptions::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_error_if_exists(create);
    options.set_atomic_flush(true);
    options.set_enable_pipelined_write(false);
    options.set_allow_concurrent_memtable_write(false);
    options.set_max_background_jobs(2);
    options.set_max_open_files(-1);
    options.set_bytes_per_sync(1 << 20);
    options.set_use_direct_io_for_flush_and_compaction(direct_io);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(4 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// Settings for reading a few small rows of a database that nobody writes, without opening every table.
pub(super) fn glance() -> DatabaseOptions {
    let mut options = DatabaseOptions::default();
    options.set_max_open_files(16);
    options.set_skip_stats_update_on_db_open(true);
    options
}

/// The families with their settings.
pub(super) fn families() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
    FAMILIES.map(|name| ColumnFamilyDescriptor::new(name, family(name, &cache))).into()
}

fn family(name: &str, cache: &Cache) -> DatabaseOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(5);
    let mut options = DatabaseOptions::default();
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_max_write_buffer_number(4);
    match name {
        RECORDS => {
            // Records are read in runs: no filter would be asked.
            table.set_block_size(16 << 10);
            options.set_write_buffer_size(MEMTABLE_BYTES_RECORDS);
        }
        IDS => {
            // Nearly every look-up is of an id that was never seen: a miss must cost no block and no long search.
            table.set_block_size(4 << 10);
            table.set_bloom_filter(FILTER_BITS_PER_KEY, false);
            table.set_whole_key_filtering(true);
            options.set_write_buffer_size(MEMTABLE_BYTES_IDS);
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(0.05);
        }
        _ => {
            table.set_bloom_filter(FILTER_BITS_PER_KEY, false);
            table.set_whole_key_filtering(true);
            options.set_write_buffer_size(MEMTABLE_BYTES_SMALL);
        }
    }
    options.set_block_based_table_factory(&table);
    options
}

/// A memtable with so many deleted ranges is flushed: every read looks through them, however few bytes they have.
const RANGES_DELETED: u32 = 512;

/// Settings that can only be made once a database is open.
pub(super) fn settle(database: &DB) -> Result<(), rocksdb::Error> {
    let ranges = RANGES_DELETED.to_string();
    for name in FAMILIES {
        let family = database.cf_handle(name).expect("every family was opened with the database");
        database.set_options_cf(family, &[("memtable_max_range_deletions", &ranges)])?;
    }
    Ok(())
}

/// How everything is written: without a WAL, since the Raft log is one.
pub(super) fn writing() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    options
}

/// Whether flushes can go round the page cache here. Some file systems say no only when a table is written.
pub(super) fn direct_io_works(probe: &Path) -> bool {
    let flush = || {
        let database = DB::open(&database(true, true), probe)?;
        database.put_opt(b"probe", b"probe", &writing())?;
        database.flush()
    };
    let cleaned = directory::remove(probe).is_ok();
    let flushed = flush();
    if let Err(error) = &flushed {
        tracing::info!(%error, "no direct I/O here; flushes and compactions go through the page cache");
    }
    cleaned && flushed.is_ok() && directory::remove(probe).is_ok()
}
