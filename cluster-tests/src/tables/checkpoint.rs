//! Reads a checkpoint of a state, as it lies on a disk.

use std::collections::BTreeMap;
use std::path::Path;

use rocksdb::{DB, IteratorMode, Options, ReadOptions};

use super::{LogNumber, Rows, Small, Sums, Table, Tables, hex, records};
use crate::oracle::{LogDump, Stored};

/// A replica's logs by space and log, as they are named there, and all of its other rows.
#[derive(Debug, Default)]
pub struct Read {
    /// The logs.
    pub logs: BTreeMap<(String, String), LogDump>,
    /// Everything else.
    pub tables: Tables,
}

impl Tables {
    /// Reads the checkpoint in a directory, which nobody writes to. `RocksDB` may fail to, and says why.
    pub fn read(directory: &Path) -> Result<Read, String> {
        let failed = |error: rocksdb::Error| format!("read the tables in {}: {error}", directory.display());
        let mut options = Options::default();
        options.set_skip_stats_update_on_db_open(true);
        options.set_max_open_files(64);
        let families = DB::list_cf(&options, directory).map_err(failed)?;
        let database = DB::open_cf_for_read_only(&options, directory, &families, false).map_err(failed)?;
        let mut gathered = Gathered::default();
        for family in &families {
            let handle = database.cf_handle(family).expect("the family was opened with the database");
            let mut reading = ReadOptions::default();
            reading.fill_cache(false);
            for row in database.iterator_cf_opt(handle, reading, IteratorMode::Start) {
                let (key, value) = row.map_err(failed)?;
                gathered.take(Table::named(family), &key, &value)?;
            }
        }
        Ok(gathered.finish())
    }

    /// Reads rows, which are in the order of their keys.
    pub fn read_rows<'a>(rows: impl IntoIterator<Item = (Table, &'a [u8], &'a [u8])>) -> Result<Read, String> {
        let mut gathered = Gathered::default();
        for (table, key, value) in rows {
            gathered.take(table, key, value)?;
        }
        Ok(gathered.finish())
    }
}

/// Rows, as they come.
#[derive(Debug, Default)]
struct Gathered {
    rows: BTreeMap<Table, Rows>,
    logs: BTreeMap<LogNumber, Vec<Stored>>,
    hasher: blake3::Hasher,
    sums: Sums,
}

impl Gathered {
    fn take(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), String> {
        if table == Table::Records {
            for part in [key, value] {
                self.hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
            }
            self.sums.count += 1;
            if let Ok((number, stored, header_bytes)) = records::read(key, value) {
                if header_bytes > 0 {
                    self.sums.headers.push((number, stored.offset, header_bytes));
                }
                self.logs.entry(number).or_default().push(stored);
                return Ok(());
            }
        }
        if self.rows.entry(table).or_default().push(key, value) {
            Ok(())
        } else {
            Err(format!("the key {} of {} is not in its order", hex(key), table.name()))
        }
    }

    fn finish(mut self) -> Read {
        let small = Small::read(self.rows.entry(Table::Small).or_default(), &mut |_, _| ());
        let names: BTreeMap<u32, &str> =
            small.spaces.iter().map(|(name, space)| (space.number, name.as_str())).collect();
        let mut logs = BTreeMap::new();
        for ((space, name), head) in &small.logs {
            let Some(in_space) = names.get(space) else { continue };
            let records = self.logs.remove(&(*space, head.number)).unwrap_or_default();
            let log = LogDump { start: head.start, end: head.end, records };
            logs.insert(((*in_space).to_owned(), name.clone()), log);
        }
        self.sums.strays = self.logs.into_iter().collect();
        self.sums.hash = hex(self.hasher.finalize().as_bytes().first_chunk::<16>().expect("a hash has 32 bytes"));
        Read { logs, tables: Tables::new(self.rows, self.sums) }
    }
}
