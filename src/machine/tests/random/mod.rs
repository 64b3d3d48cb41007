//! The machine and the naive model go through the same random history and must never differ.
//!
//! The machine runs twice: over an overlay that is kept from entry to entry and rebuilt at each restart from what effects
//! wrote, and over overlays that hold only what [`Reads`] and time name for the next few entries. All three must agree.

mod history;
mod resolve;
mod seen;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::history::Chunk;
use self::resolve::{Resolver, time};
use self::seen::Seen;
use super::model::{Kind, Model, ModelLog, ModelSpace};
use super::table::Table;
use crate::machine::{
    Batch, Bucket, DeletedLog, Due, Effect, Fingerprint, Globals, LogHead, Reads, Remembered, Space, due_in_entry,
    encode_outcome, genesis, run,
};
use crate::types::{
    Cell, CellKey, Era, History, Lock, LockName, LogCreation, LogName, LogNumber, LogTime, MachineVersion, Memory,
    Offset, Position, Proposal, ReaderName, Sequence, SpaceName, SpaceNumber, Version,
};

const HISTORY: u64 = 7;
const CLOCK_MS: u64 = 1_700_000_000_000;
const MEMORY_MS: u64 = 64_000;

#[test]
fn the_machine_does_what_the_naive_model_does() {
    let seen = RefCell::new(Seen::default());
    let history = prop::collection::vec(history::chunk(), 1..16);
    TestRunner::new(Config { cases: 3_072, ..Config::default() })
        .run(&history, |chunks| {
            check(&chunks, &mut seen.borrow_mut());
            Ok(())
        })
        .expect("machine and model agree");
    let missing = seen.borrow().missing();
    assert!(missing.is_empty(), "the random histories lacked, or the list lacks, {missing:#?}");
}

fn check(chunks: &[Chunk], seen: &mut Seen) {
    let (mut table, mut model) = begin();
    let mut kept = table.load();
    let mut earlier: Vec<Proposal> = Vec::new();
    for chunk in std::iter::once(&history::beginning()).chain(chunks) {
        let batches = resolve(chunk, &model, &mut earlier);
        if chunk.restart {
            kept = table.load();
            seen.note("beside each other", "restart");
        }
        let mut reads = Reads::default();
        batches.iter().flat_map(|batch| &batch.proposals).for_each(|proposal| reads.add(proposal));
        let stamp = batches.iter().map(|batch| batch.stamp).max().unwrap_or_default();
        let due = batches.iter().map(|batch| due_in_entry(batch.proposals.len())).sum();
        let mut fetched = table.fetch(&reads, stamp, due);

        for batch in &batches {
            let before = model.clone();
            let done = model.hear_stamp(batch.stamp.as_ms(), batch.proposals.len());
            seen.note_time(&before, &model, batch.stamp, &done);
            let mut expected = Vec::new();
            for proposal in &batch.proposals {
                let before = model.clone();
                let answer = model.decide(proposal);
                seen.note_answer(&before, &model, proposal, &answer);
                expected.push(answer);
            }

            let ran = run(&mut kept, batch);
            let travelled = Batch::decode(batch.encode()).expect("what was encoded is read back");
            assert_eq!(run(&mut fetched, &travelled), ran, "what Reads and time name is all that is read");
            assert_eq!(ran.answers, expected);
            seen.note_entry(batch, &ran.effects);
            table.apply_entry(&ran.effects);
            compare(&table, &model);
        }
        assert_eq!(kept, table.load(), "the overlay is what the effects wrote");
    }
}

fn resolve(chunk: &Chunk, model: &Model, earlier: &mut Vec<Proposal>) -> Vec<Batch> {
    let mut resolver = Resolver { model, clock_ms: model.clock_ms, earlier };
    let batches = chunk.entries.iter().map(|entry| {
        let stamp = resolver.stamp(&entry.stamp);
        let proposals = entry.steps.iter().map(|step| resolver.proposal(step)).collect();
        Batch { machine_version: MachineVersion::CURRENT, stamp, proposals }
    });
    batches.collect()
}

/// Genesis, a second space that remembers for ever, one that does not, and one whose memory was changed 63 times.
fn begin() -> (Table, Model) {
    let mut table = Table::default();
    for effect in genesis() {
        table.apply(&effect);
    }
    let mut spaces = BTreeMap::from([
        ("oncelog.system".to_owned(), ModelSpace::new(0, None, false, 0)),
        ("main".to_owned(), ModelSpace::new(1, None, false, 0)),
        ("ledger".to_owned(), ModelSpace::new(2, None, true, 0)),
        ("finite".to_owned(), ModelSpace::new(3, Some(MEMORY_MS), false, 0)),
        ("worn".to_owned(), ModelSpace::new(4, Some(MEMORY_MS), false, 0)),
    ]);
    let eras = (1..64).map(|place| (CLOCK_MS - 200_000 + place * 5_000, if place % 2 == 0 { 1_000 } else { 3_000 }));
    spaces.get_mut("worn").expect("just made").eras.extend(eras);
    for (name, space) in spaces.iter().filter(|(_, space)| space.number > 1) {
        let row = Space {
            number: SpaceNumber(space.number),
            memory: space.memory_ms.map_or(Memory::Forever, |ms| Memory::For(Duration::from_millis(ms))),
            logs: if space.explicit_logs { LogCreation::Explicit } else { LogCreation::ByAppend },
            floor: LogTime::ZERO,
            closed: LogTime::ZERO,
            eras: eras_of(space),
            due: None,
            ids: 0,
            id_bytes: 0,
            last_sequence: Sequence(0),
            next_log: LogNumber(1),
        };
        table.apply(&Effect::Space { name: SpaceName::new(name).expect("valid"), space: row });
    }
    let globals = Globals {
        history: History(HISTORY),
        clock: time(CLOCK_MS),
        version: MachineVersion(1),
        next_space: SpaceNumber(5),
    };
    table.apply(&Effect::Globals(globals));
    let model = Model {
        history: HISTORY,
        clock_ms: CLOCK_MS,
        version: 1,
        next_space: 5,
        spaces,
        deleted_spaces: BTreeMap::new(),
        left_behind: Vec::new(),
    };
    (table, model)
}

fn eras_of(space: &ModelSpace) -> Vec<Era> {
    let era = |&(from_ms, width_ms): &(u64, u64)| Era { from: time(from_ms), width: Duration::from_millis(width_ms) };
    space.eras.iter().map(era).collect()
}

/// Everything that is there is there on both sides, and nothing else.
fn compare(table: &Table, model: &Model) {
    let globals = Globals {
        history: History(model.history),
        clock: time(model.clock_ms),
        version: MachineVersion(model.version),
        next_space: SpaceNumber(model.next_space),
    };
    assert_eq!(table.globals, globals);
    assert_eq!(table.spaces.len(), model.spaces.len());
    let (mut logs, mut ids, mut cells, mut positions, mut locks, mut buckets) = (0, 0, 0, 0, 0, 0);
    for (name, expected) in &model.spaces {
        let space = &table.spaces[&SpaceName::new(name).expect("valid")];
        compare_space(table, space, expected);
        compare_ids(table, space.number, expected);
        logs += expected.logs.iter().filter(|log| log.deleted_ms.is_none()).count();
        ids += expected.decided.len();
        cells += expected.cells.len();
        positions += expected.positions.len();
        locks += expected.locks.len();
        buckets += expected.buckets().len();
        for (log, number) in expected.logs.iter().zip(1..) {
            let key = (space.number, LogName::new(&log.name).expect("valid"));
            if let Some(deleted_ms) = log.deleted_ms {
                let mark = DeletedLog { number: LogNumber(number), end: Offset(log.end()), at: time(deleted_ms) };
                assert_eq!(table.deleted_logs[&key], mark);
                assert!(table.records.get(&(space.number, mark.number)).is_none_or(BTreeMap::is_empty));
                continue;
            }
            let head = &table.logs[&key];
            assert_eq!(head.number, LogNumber(number));
            compare_log(table, space.number, head, log);
        }
        for (key, cell) in &expected.cells {
            let found = &table.cells[&(space.number, CellKey::new(key).expect("valid"))];
            let (value, version, time) = (cell.value.clone(), Version(cell.version), time(cell.time_ms));
            assert_eq!(found, &Cell { value, version, time });
        }
        for ((reader, log), position) in &expected.positions {
            let reader = ReaderName::new(reader).expect("valid");
            let found = &table.positions[&(space.number, reader, LogName::new(log).expect("valid"))];
            let (offset, version) = (Offset(position.offset), Version(position.version));
            assert_eq!(found, &Position { offset, version, time: time(position.time_ms) });
        }
        for ((reader, log), version) in &expected.deleted_positions {
            let reader = ReaderName::new(reader).expect("valid");
            let found = &table.deleted_positions[&(space.number, reader, LogName::new(log).expect("valid"))];
            assert_eq!(found, &Version(*version));
        }
        for (lock, held) in &expected.locks {
            let found: &Lock = &table.locks[&(space.number, LockName::new(lock).expect("valid"))];
            assert_eq!((found.holder.as_str(), found.token), (held.holder.as_str(), held.token));
            assert_eq!(found.expires, time(held.expires_ms));
        }
    }
    let found = (table.logs.len(), table.ids.len(), table.cells.len(), table.positions.len());
    assert_eq!(found, (logs, ids, cells, positions), "and nothing else");
    assert_eq!((table.locks.len(), table.buckets.len()), (locks, buckets), "and nothing else");
    let deleted: BTreeMap<_, _> =
        table.deleted_spaces.iter().map(|(name, at)| (name.to_string(), at.as_ms())).collect();
    assert_eq!(deleted, model.deleted_spaces);
    compare_what_is_left(table, model);
    compare_due(table, model);
}

/// Nothing is left of spaces that were deleted.
fn compare_what_is_left(table: &Table, model: &Model) {
    let is_there = |space: SpaceNumber| model.spaces.values().any(|known| known.number == space.0);
    let of_logs = table.records.keys().map(|(space, _)| *space);
    let marks = table.deleted_logs.keys().map(|(space, _)| *space);
    let of_readers = table.deleted_positions.keys().map(|(space, ..)| *space);
    assert!(of_logs.chain(marks).chain(of_readers).all(is_there));
}

fn compare_space(table: &Table, space: &Space, expected: &ModelSpace) {
    let memory = expected.memory_ms.map_or(Memory::Forever, |ms| Memory::For(Duration::from_millis(ms)));
    let logs = if expected.explicit_logs { LogCreation::Explicit } else { LogCreation::ByAppend };
    assert_eq!((space.number, space.memory, space.logs), (SpaceNumber(expected.number), memory, logs));
    assert_eq!(space.floor, time(expected.floor_ms));
    assert_eq!(space.closed, time(expected.closed_ms));
    assert_eq!(space.due, expected.forgets_at().map(time));
    assert_eq!(space.ids, expected.decided.len() as u64);
    assert_eq!(space.last_sequence, Sequence(expected.last_sequence));
    assert_eq!(space.next_log, LogNumber(expected.logs.len() as u64 + 1));
    assert_eq!(space.eras, eras_of(expected));

    let mut bytes = 0;
    for ((start_ms, end_ms), count) in expected.buckets() {
        let bucket: &Bucket = &table.buckets[&(space.number, time(start_ms))];
        assert_eq!((bucket.end, bucket.ids), (time(end_ms), count));
        assert!(bucket.end > space.floor, "what is below the floor is forgotten");
        assert!(start_ms >= expected.floor_ms, "the floor is between two buckets");
        bytes += bucket.bytes;
    }
    if expected.memory_ms.is_some() {
        assert_eq!(space.id_bytes, bytes);
    }
}

fn compare_ids(table: &Table, space: SpaceNumber, expected: &ModelSpace) {
    let mut bytes = 0;
    for known in &expected.decided {
        let remembered = Remembered {
            fingerprint: known.command.as_ref().map(Fingerprint::of),
            outcome: known.outcome.clone(),
            compensated_by: known.compensated_by.clone(),
        };
        assert_eq!(table.ids[&(space, known.id.clone())], remembered);
        bytes += known.id.text().len() as u64 + 24 + encode_outcome(&known.outcome).len() as u64;
    }
    let row = table.spaces.values().find(|row| row.number == space).expect("just seen");
    assert_eq!(row.id_bytes, bytes);
}

fn compare_log(table: &Table, space: SpaceNumber, head: &LogHead, log: &ModelLog) {
    let found = (head.start, head.end, head.created, head.last, head.retention);
    let (created, last) = (time(log.created_ms), time(log.last_ms));
    assert_eq!(found, (Offset(log.start), Offset(log.end()), created, last, log.retention));
    assert_eq!(head.bytes_ever, log.bytes_from(log.base));
    assert_eq!(head.bytes(), log.bytes_from(log.pieces[0].0));
    assert_eq!(head.due, log.due_ms.map(time));
    let pieces: Vec<_> = head.marks.iter().map(|mark| (mark.first.0, mark.opened.as_ms())).collect();
    assert_eq!(pieces, log.pieces);
    for mark in &head.marks {
        assert_eq!(log.bytes_from(log.base) - mark.bytes_before, log.bytes_from(mark.first.0));
    }
    let none = BTreeMap::new();
    let records = table.records.get(&(space, head.number)).unwrap_or(&none);
    let expected = (0..).map(Offset).zip(&log.records).filter(|(offset, _)| offset.0 >= log.start);
    assert!(
        records
            .iter()
            .map(|(offset, (record, id, time))| (*offset, record, id, time.as_ms()))
            .eq(expected.map(|(offset, (record, id, ms))| (offset, record, id, *ms)))
    );
}

fn compare_due(table: &Table, model: &Model) {
    let found: Vec<_> = table
        .due
        .iter()
        .map(|(at, due)| match due {
            Due::Floor(space) => (at.as_ms(), Kind::Floor, 0, space.as_str().to_owned()),
            Due::Lock(space, lock) => (at.as_ms(), Kind::Lock, space.0, lock.as_str().to_owned()),
            Due::Log(space, log) => (at.as_ms(), Kind::Log, space.0, log.as_str().to_owned()),
        })
        .collect();
    let mut expected = model.due_things();
    expected.sort();
    assert_eq!(found, expected, "the due index is what the rows say, in the same order");
}
