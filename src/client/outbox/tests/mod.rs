//! The outbox under crashes, damage and failing disks, and against a list that cannot fail.

mod crash;
mod failure;
mod flips;
mod kill;
mod model;
mod use_cases;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::ledger::{Ledger, Packed};
use super::{Append, Entry, EntryNumber, Error};
use crate::types::{Header, Id, LogName, LogTime, NewRecord, SpaceName};

/// Never reached by a small test.
const NO_COMPACTION: u64 = 1 << 40;

/// A small append.
pub(super) fn append(id: &str, payload: &str) -> Append {
    Append {
        space: SpaceName::main(),
        id: Id::new(id).unwrap(),
        log: LogName::new("payments").unwrap(),
        records: vec![NewRecord { payload: payload.to_owned().into(), headers: Vec::new() }],
    }
}

/// Any appends.
pub(super) fn appends(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Append>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let header = ("\\PC{1,8}", bytes()).prop_map(|(key, value)| Header { key, value: value.into() });
    let record = (bytes(), proptest::collection::vec(header, 0..3))
        .prop_map(|(payload, headers)| NewRecord { payload: payload.into(), headers });
    let id = ("\\PC{1,8}", proptest::option::of(0_u64..1 << 40)).prop_map(|(text, birth)| match birth {
        Some(birth) => Id::with_birth(text, LogTime::from_ms(birth).unwrap()).unwrap(),
        None => Id::new(text).unwrap(),
    });
    let append = ("[a-z]{1,8}", id, "[a-z_][a-z._-]{0,7}", proptest::collection::vec(record, 1..4)).prop_map(
        |(space, id, log, records)| Append {
            space: SpaceName::new(&space).unwrap(),
            id,
            log: LogName::new(&log).unwrap(),
            records,
        },
    );
    proptest::collection::vec(append, count)
}

fn path_in(directory: &TempDir) -> PathBuf {
    directory.path().join("outbox")
}

fn open(path: &Path) -> Ledger {
    Ledger::open(path, NO_COMPACTION).unwrap()
}

fn keep(ledger: &mut Ledger, ids: &[&str]) -> Result<Vec<Arc<Entry>>, Error> {
    let packed = ids.iter().map(|id| Packed::new(append(id, &format!("payload of {id}"))).unwrap()).collect();
    ledger.commit(&BTreeSet::new(), packed)
}

fn confirm(ledger: &mut Ledger, numbers: &[u64]) -> Result<(), Error> {
    ledger.commit(&numbers.iter().copied().map(EntryNumber).collect(), Vec::new()).map(drop)
}

fn ids(waiting: &[Arc<Entry>]) -> Vec<&str> {
    waiting.iter().map(|entry| entry.append.id.text()).collect()
}

fn waiting(ledger: &Ledger) -> Vec<String> {
    ids(&ledger.waiting()).into_iter().map(str::to_owned).collect()
}
