//! Random commands, chunks and restarts, against the model.

use proptest::prelude::*;
use std::time::Duration;

use super::super::keys;
use super::model::Model;
use super::*;
use crate::machine::{Effect, Space};
use crate::types::{Cancel, Guard, Header, LogNumber, Memory, Offset, Sequence, SpaceNumber};

/// What happens to a state.
#[derive(Debug, Clone)]
enum Event {
    Apply(Vec<Content>),
    Flush,
    Checkpoint,
    Restart,
}

#[derive(Debug, Clone)]
enum Content {
    Blank,
    Membership(u64),
    Proposals(u64, Vec<Proposal>),
}

fn spaces() -> impl Strategy<Value = SpaceName> {
    prop_oneof![
        6 => Just(SpaceName::main()),
        3 => Just(SpaceName::new("finite").unwrap()),
        1 => Just(SpaceName::new("unknown").unwrap()),
    ]
}

fn ids() -> impl Strategy<Value = Id> {
    let birth = |ms| LogTime::from_ms(ms).unwrap();
    prop_oneof![
        (0..6).prop_map(|number| id(format!("text-{number}"))),
        (0..4).prop_map(|number| id(format!("00000000-03e8-7abc-8def-01234567890{number}"))),
        (990_u64..1_003, 0..3).prop_map(move |(ms, number)| Id::with_birth(format!("b{number}"), birth(ms)).unwrap()),
    ]
}

fn records() -> impl Strategy<Value = Vec<NewRecord>> {
    let headers = proptest::collection::vec(("[a-z]{1,3}", any::<[u8; 2]>()), 0..2);
    let record = (any::<[u8; 3]>(), headers).prop_map(|(payload, headers)| NewRecord {
        payload: Bytes::copy_from_slice(&payload),
        headers: headers
            .into_iter()
            .map(|(key, value)| Header { key, value: Bytes::copy_from_slice(&value) })
            .collect(),
    });
    proptest::collection::vec(record, 1..4)
}

fn proposals() -> impl Strategy<Value = Proposal> {
    let logs = || (0..4).prop_map(|number| log(&format!("log-{number}")));
    let action = (logs(), records()).prop_map(|(log, records)| Action::Append { log, records });
    let guard = (logs(), 0_u64..6).prop_map(|(log, end)| Guard::LogEnd { log, end: Offset(end) });
    let command = (spaces(), ids(), proptest::collection::vec(guard, 0..2), proptest::collection::vec(action, 1..3))
        .prop_map(|(space, id, guards, actions)| Proposal::Command(Command { space, id, guards, actions }));
    let cancel = (spaces(), ids()).prop_map(|(space, target)| Proposal::Cancel(Cancel { space, target }));
    prop_oneof![5 => command, 1 => cancel]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let content = prop_oneof![
        1 => Just(Content::Blank),
        1 => (0_u64..5).prop_map(Content::Membership),
        6 => (900_u64..1_100, proptest::collection::vec(proposals(), 0..6))
            .prop_map(|(stamp, proposals)| Content::Proposals(stamp, proposals)),
    ];
    let event = prop_oneof![
        8 => proptest::collection::vec(content, 0..5).prop_map(Event::Apply),
        1 => Just(Event::Flush),
        1 => Just(Event::Checkpoint),
        1 => Just(Event::Restart),
    ];
    proptest::collection::vec(event, 1..14)
}

fn entry(index: u64, content: Content) -> LogEntry {
    match content {
        Content::Blank => blank(index),
        Content::Membership(history) => membership(index, history),
        Content::Proposals(stamp, proposals) => {
            let stamp = LogTime::from_ms(stamp).unwrap();
            let batch = Batch { machine_version: MachineVersion::CURRENT, stamp, proposals };
            LogEntry { id: log_id(index), kind: EntryKind::Batch(batch.encode()) }
        }
    }
}

/// A space that forgets, which no command makes yet, so that births beside ids are stored too.
fn finite_space() -> Effect {
    Effect::Space {
        name: SpaceName::new("finite").unwrap(),
        space: Space {
            number: SpaceNumber(2),
            memory: Memory::For(Duration::from_hours(1)),
            floor: LogTime::from_ms(995).unwrap(),
            last_sequence: Sequence(0),
            next_log: LogNumber(1),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_state_is_what_the_machine_says_whatever_the_chunks_flushes_and_restarts(events in events()) {
        let (directory, mut state) = fresh();
        let mut model = Model::new();
        let Effect::Space { name, space } = finite_space() else { unreachable!() };
        model.take(&finite_space());
        {
            let generation = state.current().generation.clone();
            let mut batch = rocksdb::WriteBatch::default();
            batch.put_cf(generation.small(), keys::space(&name), super::super::rows::space(&space));
            generation.write(batch).unwrap();
        }
        let mut index = 0;
        for event in events {
            match event {
                Event::Apply(contents) => {
                    let chunk: Vec<_> = contents.into_iter().map(|content| {
                        index += 1;
                        entry(index - 1, content)
                    }).collect();
                    let expected: Vec<_> = chunk.iter().map(|entry| model.apply(entry)).collect();
                    prop_assert_eq!(state.apply(chunk).unwrap(), expected);
                }
                Event::Flush => {
                    prop_assert_eq!(state.flush().unwrap(), model.log_id);
                }
                Event::Checkpoint => {
                    prop_assert_eq!(state.checkpoint().unwrap().last(), model.log_id);
                }
                Event::Restart => {
                    state.flush().unwrap();
                    drop(state);
                    state = open(&directory.path().join("0"));
                }
            }
            let applied = state.applied();
            prop_assert_eq!((applied.log_id, applied.digest), (model.log_id, model.digest));
        }
        prop_assert_eq!(rows(&state), model.rows());
        prop_assert_eq!(state.applied().membership, model.membership);
    }
}
