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
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;

use super::ledger::{Ledger, Packed};
use super::{Entry, EntryNumber, Error};
use crate::types::{
    Action, CellKey, Command, FateIs, Guard, Header, History, Holder, Id, LockName, LogName, LogTime, NewRecord,
    Offset, ReaderName, Retention, Sequence, SpaceName, Token, Version,
};

/// Never reached by a small test.
const NO_COMPACTION: u64 = 1 << 40;

/// A small command: it has a guard, appends this payload, and counts.
pub(super) fn command(id: &str, payload: &str) -> Command {
    let count = CellKey::new("paid").unwrap();
    Command {
        space: SpaceName::main(),
        id: Id::new(id).unwrap(),
        guards: vec![Guard::cell_at_least(&count, 0)],
        actions: vec![
            Action::append(&LogName::new("payments").unwrap(), [payload]),
            Action::add_from(&count, 0, 1, 0..),
        ],
    }
}

fn log_names() -> impl Strategy<Value = LogName> {
    "[a-z]{1,8}".prop_map(|name| LogName::new(&name).unwrap())
}

fn keys() -> impl Strategy<Value = CellKey> {
    "[a-zA-Z/ ]{1,8}".prop_map(|key| CellKey::new(&key).unwrap())
}

fn ids_of_any_kind() -> impl Strategy<Value = Id> {
    ("[!-~]{1,8}", proptest::option::of(0_u64..1 << 40)).prop_map(|(text, birth)| match birth {
        Some(birth) => Id::with_birth(text, LogTime::from_ms(birth).unwrap()).unwrap(),
        None => Id::new(text).unwrap(),
    })
}

fn tokens() -> impl Strategy<Value = Token> {
    any::<(u64, u64)>()
        .prop_map(|(history, sequence)| Token { history: History(history), sequence: Sequence(sequence) })
}

fn guards() -> impl Strategy<Value = Guard> {
    prop_oneof![
        (log_names(), any::<u64>()).prop_map(|(log, end)| Guard::log_end(&log, Offset(end))),
        keys().prop_map(|key| Guard::cell_absent(&key)),
        (keys(), any::<u64>()).prop_map(|(key, version)| Guard::cell_version(&key, Version(version))),
        (keys(), any::<i64>()).prop_map(|(key, least)| Guard::cell_at_least(&key, least)),
        (log_names(), any::<(u64, u64)>()).prop_map(|(log, (offset, version))| {
            Guard::position(&ReaderName::new("billing").unwrap(), &log, Offset(offset), Version(version))
        }),
        tokens().prop_map(|token| Guard::lock_held(&LockName::new("nightly").unwrap(), token)),
        // Longer than the id of the command itself.
        ids_of_any_kind()
            .prop_map(|id| Guard::fate(&Id::new(format!("other-{}", id.text())).unwrap(), FateIs::InForce)),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let header = ("\\PC{1,8}", bytes()).prop_map(|(key, value)| Header { key, value: value.into() });
    let record = (bytes(), proptest::collection::vec(header, 0..3))
        .prop_map(|(payload, headers)| NewRecord { payload: payload.into(), headers });
    let lock = || LockName::new("nightly").unwrap();
    prop_oneof![
        4 => (log_names(), proptest::collection::vec(record, 1..4)).prop_map(|(log, records)| Action::append(&log, records)),
        2 => (keys(), bytes()).prop_map(|(key, value)| Action::put(&key, Bytes::from(value))),
        1 => (keys(), any::<i64>()).prop_map(|(key, value)| Action::put(&key, value)),
        1 => keys().prop_map(|key| Action::delete(&key)),
        2 => (keys(), any::<i64>(), any::<Option<i64>>()).prop_map(|(key, amount, absent)| match absent {
            Some(absent) => Action::add_from(&key, absent, amount, -5..),
            None => Action::add(&key, amount, ..9),
        }),
        1 => (log_names(), any::<u64>()).prop_map(|(log, to)| {
            Action::move_reader(&ReaderName::new("billing").unwrap(), &log, Offset(to))
        }),
        1 => Just(Action::acquire(&lock(), &Holder::new("me").unwrap(), Duration::from_secs(7))),
        1 => tokens().prop_map(move |token| Action::renew(&lock(), token, Duration::from_mins(1))),
        1 => tokens().prop_map(move |token| Action::release(&lock(), token)),
        1 => (log_names(), any::<u64>()).prop_map(|(log, before)| Action::trim(&log, Offset(before))),
        1 => log_names().prop_map(|log| Action::create_log(&log, Retention::EVERYTHING)),
        1 => (log_names(), 1_u64..).prop_map(|(log, bytes)| {
            Action::set_retention(&log, Retention { bytes: Some(bytes), ..Retention::EVERYTHING })
        }),
    ]
}

/// Any commands of ordinary spaces.
pub(super) fn commands(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Command>> {
    let compensated = proptest::option::weighted(0.2, ids_of_any_kind());
    let steps = (proptest::collection::vec(guards(), 0..4), proptest::collection::vec(actions(), 1..4), compensated);
    let command =
        ("[a-z]{1,8}", ids_of_any_kind(), steps).prop_map(|(space, id, (guards, mut actions, compensated))| {
            let target = compensated.map(|id| Id::new(format!("other-{}", id.text())).unwrap());
            actions.extend(target.map(|target| Action::compensate(&target)));
            Command { space: SpaceName::new(&space).unwrap(), id, guards, actions }
        });
    proptest::collection::vec(command, count)
}

fn path_in(directory: &TempDir) -> PathBuf {
    directory.path().join("outbox")
}

fn open(path: &Path) -> Ledger {
    Ledger::open(path, NO_COMPACTION).unwrap()
}

fn keep(ledger: &mut Ledger, ids: &[&str]) -> Result<Vec<Arc<Entry>>, Error> {
    let packed = ids.iter().map(|id| Packed::new(command(id, &format!("payload of {id}"))).unwrap()).collect();
    ledger.commit(&BTreeSet::new(), packed)
}

fn confirm(ledger: &mut Ledger, numbers: &[u64]) -> Result<(), Error> {
    ledger.commit(&numbers.iter().copied().map(EntryNumber).collect(), Vec::new()).map(drop)
}

fn ids(waiting: &[Arc<Entry>]) -> Vec<&str> {
    waiting.iter().map(|entry| entry.command.id.text()).collect()
}

fn waiting(ledger: &Ledger) -> Vec<String> {
    ids(&ledger.waiting()).into_iter().map(str::to_owned).collect()
}
