//! A checkpoint that `RocksDB` has written is read, and each bit that is flipped in a row of it is found.

use std::fs;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{DB, Options};

use super::super::{Table, Tables, copy_snapshot};
use super::sample::Sample;
use crate::scratch::Scratch;

fn write(database: &DB, sample: &Sample) {
    for ((table, key), value) in sample.rows() {
        database.put_cf(database.cf_handle(table.name()).unwrap(), key, value).unwrap();
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options
}

#[test]
fn a_published_snapshot_is_copied_and_read_row_by_row() {
    let scratch = Scratch::new("tables");
    let state = scratch.path().join("state");
    fs::create_dir_all(&state).unwrap();
    let database = DB::open_cf(&options(), state.join("3"), Table::ALL.map(Table::name)).unwrap();
    let sample = Sample::sound();
    write(&database, &sample);
    let checkpoint = Checkpoint::new(&database).unwrap();
    checkpoint.create_checkpoint(state.join(format!("snapshot-3-{:020}", 2_100))).unwrap();

    let copy = scratch.path().join("copy");
    assert!(copy_snapshot(&state, 2_099, &copy).is_err(), "no snapshot ends there");
    // Twice: what a copy before has left is no part of it.
    for _ in 0..2 {
        copy_snapshot(&state, 2_100, &copy).unwrap();
        let read = Tables::read(&copy).unwrap();
        let dump = sample.dump();
        assert_eq!(Some(&read.tables), dump.tables.as_ref());
        assert_eq!(read.logs.len(), dump.logs.len());
    }
    assert!(Tables::read(&state).is_err(), "it is no database");
}
