//! What the state promises, told as stories over whole states.

mod applying;
mod corruption;
mod crashes;
mod model;
mod random;
mod reading;
mod speed;
mod travel;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use rocksdb::IteratorMode;
use tempfile::TempDir;

use super::generation::Generation;
use super::{Options, State, settings};
use crate::machine::{Batch, Digest};
use crate::types::{
    Action, Answer, Command, EntryKind, History, Id, Incarnation, LogEntry, LogId, LogIndex, LogName, LogTime,
    MachineVersion, Member, Membership, NewRecord, NodeId, Outcome, Proposal, SpaceName,
};

/// All rows of a state: family, key, value.
type Rows = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

fn options() -> Options {
    Options { direct_io: false, ..Options::default() }
}

fn open(path: &Path) -> State {
    State::open(path, options()).expect("the state opens")
}

fn fresh() -> (TempDir, State) {
    let directory = tempfile::tempdir().expect("a directory");
    let state = open(&directory.path().join("0"));
    (directory, state)
}

fn rows(state: &State) -> Rows {
    let generation = state.current().generation.clone();
    rows_of(&generation)
}

fn rows_of(generation: &Generation) -> Rows {
    let mut rows = Rows::new();
    for name in settings::FAMILIES {
        let family = generation.database().cf_handle(name).expect("a family");
        for row in generation.database().iterator_cf(family, IteratorMode::Start) {
            let (key, value) = row.expect("a row");
            rows.insert((name, key.into()), value.into());
        }
    }
    rows
}

fn main_space() -> SpaceName {
    SpaceName::main()
}

fn log(name: &str) -> LogName {
    LogName::new(name).expect("a name")
}

fn id(text: impl Into<String>) -> Id {
    Id::new(text).expect("an id")
}

fn log_id(index: u64) -> LogId {
    LogId { term: 1, node: NodeId(1), index: LogIndex(index) }
}

fn blank(index: u64) -> LogEntry {
    LogEntry { id: log_id(index), kind: EntryKind::Blank }
}

fn batch(index: u64, proposals: Vec<Proposal>) -> LogEntry {
    let stamp = LogTime::from_ms(1_000 + index).expect("a time");
    let batch = Batch { machine_version: MachineVersion::CURRENT, stamp, proposals };
    LogEntry { id: log_id(index), kind: EntryKind::Batch(batch.encode()) }
}

fn membership(index: u64, history: u64) -> LogEntry {
    let member = Member {
        peer_address: "127.0.0.1:7421".to_owned(),
        client_address: "127.0.0.1:7420".to_owned(),
        incarnation: Incarnation::from_bytes([9; 16]),
        history: History(history),
    };
    let membership = Membership { configs: vec![[NodeId(1)].into()], members: [(NodeId(1), member)].into() };
    LogEntry { id: log_id(index), kind: EntryKind::Membership(membership) }
}

fn append(text: &str, name: &str, payloads: &[&str]) -> Proposal {
    let record = |payload: &&str| NewRecord { payload: Bytes::copy_from_slice(payload.as_bytes()), headers: vec![] };
    let records = payloads.iter().map(record).collect();
    Proposal::Command(Command {
        space: main_space(),
        id: id(text),
        guards: vec![],
        actions: vec![Action::Append { log: log(name), records }],
    })
}

/// Entries that make a little of everything: index 0 is a membership, the others append to three logs.
fn story(entries: u64) -> Vec<LogEntry> {
    let entry = |index: u64| match index {
        0 => membership(0, 77),
        index if index % 7 == 3 => blank(index),
        index => {
            let name = format!("log-{}", index % 3);
            let payload = format!("payload {index}");
            batch(
                index,
                vec![
                    append(&format!("id-{index}"), &name, &[&payload, "second"]),
                    append(&format!("id-{}", index / 2), &name, &["a duplicate, mostly with other content"]),
                ],
            )
        }
    };
    (0..entries).map(entry).collect()
}

fn outcome(answer: &Answer) -> (&Outcome, bool) {
    match answer {
        Answer::Decided { outcome, replayed } => (outcome, *replayed),
        Answer::Rejected(rejection) => panic!("rejected: {rejection:?}"),
    }
}

/// What a state says of itself, for comparing two.
fn standing(state: &State) -> (Option<LogId>, Digest) {
    let applied = state.applied();
    (applied.log_id, applied.digest)
}
