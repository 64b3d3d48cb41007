//! The machine and the naive model go through the same random history and must never differ.
//!
//! The machine runs twice: over an overlay that is kept from entry to entry and rebuilt at each restart from what effects
//! wrote, and over overlays that hold only what [`Reads`] names for the next few entries. All three must agree.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

use super::model::{Model, ModelSpace};
use super::table::Table;
use crate::machine::{Batch, Effect, Fingerprint, Globals, Reads, Remembered, Space, genesis, run};
use crate::types::{
    Action, Answer, Cancel, Command, Guard, Header, History, Id, LogName, LogNumber, LogTime, MachineVersion, Memory,
    NewRecord, Offset, Proposal, Rejection, Sequence, SpaceName, SpaceNumber, Verdict,
};

const HISTORY: u64 = 7;
const CLOCK_MS: u64 = 1_700_000_000_000;
const FLOOR_MS: u64 = CLOCK_MS - 3_600_000;
const AHEAD_MS: u64 = CLOCK_MS + 600_000;

#[derive(Debug, Clone)]
enum Step {
    Propose(Proposal),
    /// The same again as at some step before.
    Again(Index),
    /// A cancel of the id of some step before.
    CancelOf(Index),
}

#[derive(Debug, Clone)]
struct Entry {
    stamp_ms: u64,
    steps: Vec<Step>,
}

/// A few entries that are fetched for at once, and whether the node restarts before them.
#[derive(Debug, Clone)]
struct Chunk {
    restart: bool,
    entries: Vec<Entry>,
}

#[test]
fn the_machine_does_what_the_naive_model_does() {
    let seen = RefCell::new(BTreeSet::new());
    let history = prop::collection::vec(chunk(), 1..8);
    TestRunner::new(Config { cases: 2_048, ..Config::default() })
        .run(&history, |chunks| {
            check(&chunks, &mut seen.borrow_mut());
            Ok(())
        })
        .expect("machine and model agree");
    let all = [
        "applied",
        "refused",
        "cancelled",
        "applied again",
        "refused again",
        "cancelled again",
        "cancel after the command",
        "command after the cancel",
        "duplicate inside one entry",
        "NoSuchSpace",
        "TooOld",
        "WithoutBirth",
        "BirthBesideForever",
        "BornAhead",
        "Reused",
        "Malformed",
        "stamp goes back",
        "restart",
    ];
    let missing: Vec<_> = all.into_iter().filter(|what| !seen.borrow().contains(what)).collect();
    assert!(missing.is_empty(), "the random histories lacked {missing:?}");
}

fn check(chunks: &[Chunk], seen: &mut BTreeSet<&'static str>) {
    let (mut table, mut model) = begin();
    let mut kept = table.load();
    let mut earlier: Vec<Proposal> = Vec::new();
    for chunk in chunks {
        let batches: Vec<Batch> = chunk.entries.iter().map(|entry| batch(entry, &mut earlier)).collect();
        if chunk.restart {
            kept = table.load();
            seen.insert("restart");
        }
        let mut reads = Reads::default();
        batches.iter().flat_map(|batch| &batch.proposals).for_each(|proposal| reads.add(proposal));
        let mut fetched = table.fetch(&reads);

        for batch in &batches {
            note_batch(batch, model.clock_ms, seen);
            model.hear_stamp(batch.stamp.as_ms());
            let expected: Vec<Answer> = batch.proposals.iter().map(|proposal| model.decide(proposal)).collect();

            let ran = run(&mut kept, batch);
            let travelled = Batch::decode(batch.encode()).expect("what was encoded is read back");
            assert_eq!(run(&mut fetched, &travelled), ran, "what Reads names is all that is read");
            assert_eq!(ran.answers, expected);
            ran.effects.iter().for_each(|effect| table.apply(effect));
            compare(&table, &model);
            batch.proposals.iter().zip(&ran.answers).for_each(|(proposal, answer)| note(proposal, answer, seen));
        }
        assert_eq!(kept, table.load(), "the overlay is what the effects wrote");
    }
}

/// Genesis, a second space that remembers for ever and one that does not.
fn begin() -> (Table, Model) {
    let mut table = Table::default();
    for effect in genesis() {
        table.apply(&effect);
    }
    let globals = Globals { history: History(HISTORY), clock: time(CLOCK_MS) };
    table.apply(&Effect::Globals(globals));
    for (name, number, memory, floor) in [
        ("ledger", 2, Memory::Forever, LogTime::ZERO),
        ("finite", 3, Memory::For(Duration::from_hours(1)), time(FLOOR_MS)),
    ] {
        let number = SpaceNumber(number);
        let space = Space { number, memory, floor, last_sequence: Sequence(0), next_log: LogNumber(1) };
        table.apply(&Effect::Space { name: SpaceName::new(name).expect("valid"), space });
    }
    let finite = ModelSpace { floor_ms: Some(FLOOR_MS), ..ModelSpace::default() };
    let spaces = [("main", ModelSpace::default()), ("ledger", ModelSpace::default()), ("finite", finite)];
    let spaces = spaces.map(|(name, space)| (name.to_owned(), space)).into();
    (table, Model { history: HISTORY, clock_ms: CLOCK_MS, spaces })
}

fn compare(table: &Table, model: &Model) {
    assert_eq!(table.globals, Globals { history: History(model.history), clock: time(model.clock_ms) });
    assert_eq!(table.spaces.len(), model.spaces.len() + 1, "the system's space and the model's");
    let (mut logs, mut ids) = (0, 0);
    for (name, expected) in &model.spaces {
        let space = &table.spaces[&SpaceName::new(name).expect("valid")];
        assert_eq!(space.last_sequence.0, expected.decided.len() as u64);
        assert_eq!(space.next_log.0, expected.logs.len() as u64 + 1);
        for (log, number) in expected.logs.iter().zip(1..) {
            let head = &table.logs[&(space.number, LogName::new(&log.name).expect("valid"))];
            let size = |record: &NewRecord| {
                let of_header = |header: &Header| header.key.len() + header.value.len();
                record.payload.len() + record.headers.iter().map(of_header).sum::<usize>()
            };
            assert_eq!((head.number, head.start, head.created.as_ms()), (LogNumber(number), Offset(0), log.created_ms));
            assert_eq!(head.end.0, log.records.len() as u64);
            assert_eq!(head.bytes, log.records.iter().map(|(record, _, _)| size(record) as u64).sum::<u64>());
            let records = &table.records[&(space.number, head.number)];
            assert!(
                records
                    .iter()
                    .map(|(record, id, time)| (record, id, time.as_ms()))
                    .eq(log.records.iter().map(|(record, id, ms)| (record, id, *ms)))
            );
            logs += 1;
        }
        for (id, command, outcome) in &expected.decided {
            let remembered =
                Remembered { fingerprint: command.as_ref().map(Fingerprint::of), outcome: outcome.clone() };
            assert_eq!(table.ids[&(space.number, id.clone())], remembered);
            ids += 1;
        }
    }
    assert_eq!((table.logs.len(), table.records.len(), table.ids.len()), (logs, logs, ids), "and nothing else");
}

fn batch(entry: &Entry, earlier: &mut Vec<Proposal>) -> Batch {
    let proposals = entry.steps.iter().map(|step| {
        let proposal = match step {
            Step::Propose(proposal) => proposal.clone(),
            Step::Again(_) | Step::CancelOf(_) if earlier.is_empty() => cancel("main", id("a", None)),
            Step::Again(index) => index.get(earlier).clone(),
            Step::CancelOf(index) => {
                let before = index.get(earlier);
                Proposal::Cancel(Cancel { space: before.space().clone(), target: before.id().clone() })
            }
        };
        earlier.push(proposal.clone());
        proposal
    });
    let proposals = proposals.collect();
    Batch { machine_version: MachineVersion::CURRENT, stamp: time(entry.stamp_ms), proposals }
}

fn note_batch(batch: &Batch, clock_ms: u64, seen: &mut BTreeSet<&'static str>) {
    if batch.stamp.as_ms() < clock_ms {
        seen.insert("stamp goes back");
    }
    if (1..batch.proposals.len()).any(|place| batch.proposals[..place].contains(&batch.proposals[place])) {
        seen.insert("duplicate inside one entry");
    }
}

fn note(proposal: &Proposal, answer: &Answer, seen: &mut BTreeSet<&'static str>) {
    let what = match (proposal, answer) {
        (_, Answer::Rejected(rejection)) => match rejection {
            Rejection::NoSuchSpace => "NoSuchSpace",
            Rejection::TooOld { .. } => "TooOld",
            Rejection::WithoutBirth => "WithoutBirth",
            Rejection::BirthBesideForever => "BirthBesideForever",
            Rejection::BornAhead { .. } => "BornAhead",
            Rejection::Reused => "Reused",
            Rejection::Malformed => "Malformed",
        },
        (Proposal::Command(_), Answer::Decided { outcome, replayed }) => match (&outcome.verdict, replayed) {
            (Verdict::Applied(_), false) => "applied",
            (Verdict::Applied(_), true) => "applied again",
            (Verdict::Refused(_), false) => "refused",
            (Verdict::Refused(_), true) => "refused again",
            (Verdict::Cancelled, _) => "command after the cancel",
        },
        (Proposal::Cancel(_), Answer::Decided { outcome, replayed }) => match (&outcome.verdict, replayed) {
            (Verdict::Cancelled, false) => "cancelled",
            (Verdict::Cancelled, true) => "cancelled again",
            (Verdict::Applied(_) | Verdict::Refused(_), _) => "cancel after the command",
        },
    };
    seen.insert(what);
}

fn chunk() -> impl Strategy<Value = Chunk> {
    (any::<bool>(), prop::collection::vec(entry(), 1..4)).prop_map(|(restart, entries)| Chunk { restart, entries })
}

fn entry() -> impl Strategy<Value = Entry> {
    (CLOCK_MS - 3..CLOCK_MS + 6, prop::collection::vec(step(), 0..6))
        .prop_map(|(stamp_ms, steps)| Entry { stamp_ms, steps })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => command().prop_map(Step::Propose),
        3 => any::<Index>().prop_map(Step::Again),
        1 => any::<Index>().prop_map(Step::CancelOf),
        1 => (space(), some_id()).prop_map(|(space, id)| Step::Propose(cancel(space, id))),
    ]
}

fn command() -> impl Strategy<Value = Proposal> {
    let guard = (log(), 0..5_u64).prop_map(|(log, end)| Guard::LogEnd { log, end: Offset(end) });
    let action = (log(), mostly_some(record())).prop_map(|(log, records)| Action::Append { log, records });
    let guards = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(guard, 1..3)];
    let actions = mostly_some(action);
    (space(), some_id(), guards, actions).prop_map(|(space, id, guards, actions)| {
        Proposal::Command(Command { space: SpaceName::new(space).expect("valid"), id, guards, actions })
    })
}

/// One to three, and now and then none at all, which is malformed.
fn mostly_some<T: std::fmt::Debug>(element: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    (prop::collection::vec(element, 1..4), 0..30)
        .prop_map(|(elements, chance)| if chance == 0 { Vec::new() } else { elements })
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("main"), 2 => Just("ledger"), 6 => Just("finite"), 1 => Just("oncelog.system"), 1 => Just("nowhere"),
    ]
}

fn some_id() -> impl Strategy<Value = Id> {
    let births = [
        FLOOR_MS - 1,
        FLOOR_MS,
        FLOOR_MS + 1,
        CLOCK_MS,
        AHEAD_MS,
        AHEAD_MS + 1,
        AHEAD_MS + 3,
        AHEAD_MS + 5,
        AHEAD_MS + 6,
    ];
    let texts = select(vec!["a", "b", "c"]);
    prop_oneof![
        3 => texts.clone().prop_map(|text| id(text, None)),
        3 => (texts, select(births.to_vec())).prop_map(|(text, birth)| id(text, Some(birth))),
        2 => (select(births.to_vec()), 0..2).prop_map(|(ms, tail)| {
            let (high, low) = (ms >> 16, ms & 0xffff);
            id(&format!("{high:08x}-{low:04x}-7000-8000-00000000000{tail}"), None)
        }),
    ]
}

fn log() -> impl Strategy<Value = LogName> {
    select(vec!["x", "y", "z"]).prop_map(|name| LogName::new(name).expect("valid"))
}

fn record() -> impl Strategy<Value = NewRecord> {
    let header = Header { key: "kind".to_owned(), value: Bytes::from_static(b"order") };
    (select(vec!["", "one", "two"]), select(vec![vec![], vec![header]]))
        .prop_map(|(payload, headers)| NewRecord { payload: Bytes::from_static(payload.as_bytes()), headers })
}

fn cancel(space: &str, target: Id) -> Proposal {
    Proposal::Cancel(Cancel { space: SpaceName::new(space).expect("valid"), target })
}

fn id(text: &str, birth_ms: Option<u64>) -> Id {
    match birth_ms {
        None => Id::new(text),
        Some(ms) => Id::with_birth(text, time(ms)),
    }
    .expect("valid")
}

fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("48 bits")
}
