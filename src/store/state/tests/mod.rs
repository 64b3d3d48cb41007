//! What the state promises, told as stories over whole states.

mod applying;
mod commands;
mod corruption;
mod crashes;
mod deleting;
mod forgetting;
mod listing;
mod model;
mod random;
mod reading;
mod speed;
mod travel;
mod watching;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rocksdb::IteratorMode;
use tempfile::TempDir;

use super::generation::Generation;
use super::{Options, State, settings};
use crate::machine::{Batch, Digest};
use crate::types::{
    Action, Answer, CellKey, Command, EntryKind, History, Holder, Id, Incarnation, LockName, LogCreation, LogEntry,
    LogId, LogIndex, LogName, LogTime, MachineVersion, Member, Membership, Memory, NewRecord, NodeId, Offset, Outcome,
    Proposal, ReaderName, Retention, SpaceName, SpacePolicy,
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

fn records(log: LogName, payloads: &[&str]) -> Action {
    let record = |payload: &&str| NewRecord { payload: Bytes::copy_from_slice(payload.as_bytes()), headers: vec![] };
    Action::Append { log, records: payloads.iter().map(record).collect() }
}

fn append(text: &str, name: &str, payloads: &[&str]) -> Proposal {
    command(text, vec![records(log(name), payloads)])
}

fn command(text: &str, actions: Vec<Action>) -> Proposal {
    command_in(&main_space(), id(text), actions)
}

fn command_in(space: &SpaceName, id: Id, actions: Vec<Action>) -> Proposal {
    Proposal::Command(Command { space: space.clone(), id, guards: vec![], actions })
}

fn ms(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("a time")
}

fn born(text: &str, at: u64) -> Id {
    Id::with_birth(text, ms(at)).expect("an id")
}

/// A batch at a time.
fn batch_at(index: u64, stamp: u64, proposals: Vec<Proposal>) -> LogEntry {
    let batch = Batch { machine_version: MachineVersion::FIRST, stamp: ms(stamp), proposals };
    LogEntry { id: log_id(index), kind: EntryKind::Batch(batch.encode()) }
}

fn finite_space() -> SpaceName {
    SpaceName::new("finite").expect("a name")
}

/// Makes the finite space, which remembers for a minute.
fn make_finite_space() -> Proposal {
    let policy = SpacePolicy { memory: Memory::For(Duration::from_mins(1)), logs: LogCreation::ByAppend };
    let action = Action::CreateSpace { name: finite_space(), policy };
    command_in(&SpaceName::system(), id("make it"), vec![action])
}

fn lock_name(number: u64) -> LockName {
    LockName::new(&format!("lock {number:05}")).expect("a name")
}

fn acquire(lock: LockName, seconds: u64) -> Action {
    Action::Acquire { lock, holder: Holder::new("me").expect("a name"), time: Duration::from_secs(seconds) }
}

fn integer(key: &str, value: i64) -> Action {
    Action::Put { key: CellKey::new(key).expect("a key"), value: value.into() }
}

/// Entries that make a little of everything, and let it go: index 0 is a membership. The clock goes on by seconds, so that
/// locks expire, a space forgets and a log is trimmed.
fn story(entries: u64) -> Vec<LogEntry> {
    let entry = |index: u64| match index {
        0 => membership(0, 77),
        index if index % 7 == 3 => blank(index),
        index => {
            let name = format!("log-{}", index % 3);
            let payload = format!("payload {index}");
            let stamp = 1_000 + index * 5_000;
            let short = log("short");
            let reader = ReaderName::new("reader").expect("a name");
            let kept = Retention { records: Some(4), ..Retention::EVERYTHING };
            let others = vec![
                acquire(lock_name(index % 5), 1 + index % 20),
                integer(&format!("cell {}", index % 4), 1),
                records(short.clone(), &[&payload, "second"]),
                Action::Move { reader, log: short.clone(), to: Offset(2) },
            ];
            batch_at(
                index,
                stamp,
                vec![
                    make_finite_space(),
                    command("retention", vec![Action::CreateLog { log: short, retention: kept }]),
                    append(&format!("id-{index}"), &name, &[&payload, "second"]),
                    append(&format!("id-{}", index / 2), &name, &["a duplicate, mostly with other content"]),
                    command_in(
                        &finite_space(),
                        born(&format!("b-{index}"), stamp - 2_000),
                        vec![records(log("finite"), &[&payload])],
                    ),
                    command(&format!("others-{index}"), others),
                    command(
                        &format!("undo-{index}"),
                        vec![Action::Compensate { target: id(format!("id-{}", index / 3)) }],
                    ),
                ]
                .into_iter()
                .chain(deletions(index))
                .collect(),
            )
        }
    };
    (0..entries).map(entry).collect()
}

/// A space that lives for ten entries, and now and then a log and a reader that go.
fn deletions(index: u64) -> Vec<Proposal> {
    let brief = SpaceName::new(&format!("brief-{}", index / 10)).expect("a name");
    let policy = SpacePolicy { memory: Memory::Forever, logs: LogCreation::ByAppend };
    let in_system = |text: &str, action| command_in(&SpaceName::system(), id(format!("{text}-{index}")), vec![action]);
    let used = vec![acquire(lock_name(1), 7), integer("cell", 1), records(log("l"), &["x"])];
    let mut proposals = vec![
        in_system("create", Action::CreateSpace { name: brief.clone(), policy }),
        command_in(&brief, id(format!("used-{index}")), used),
        append(&format!("draft-{index}"), "drafts", &["x", "y"]),
    ];
    if index % 10 == 8 {
        proposals.push(in_system("delete", Action::DeleteSpace { name: brief }));
    }
    if index % 9 == 5 {
        let reader = ReaderName::new("reader").expect("a name");
        let both = vec![Action::DeleteLog { log: log("drafts") }, Action::DeleteReader { reader, log: log("short") }];
        proposals.push(command(&format!("delete-{index}"), both));
    }
    proposals
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
