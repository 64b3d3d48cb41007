//! Random histories: what is proposed when, said so that it can be shrunk, and looked up in the model when it depends on
//! what was there (a version that holds, a token, a time at which something is due).

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::resolve::space_name;
use crate::types::{
    Action, CellKey, CellValue, FateIs, Header, Holder, LockName, LogCreation, LogName, MachineVersion, Memory,
    NewRecord, Offset, ReaderName, Retention, SpacePolicy,
};

/// A few entries that are fetched for at once, and whether the node restarts before them.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) restart: bool,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    pub(super) steps: Vec<Step>,
}

/// An entry's stamp.
#[derive(Debug, Clone)]
pub(super) enum Stamp {
    /// This far from the clock.
    Clock(i64),
    /// This far from when something is due.
    Due(Index, i64),
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Propose {
        space: &'static str,
        id: SomeId,
        guards: Vec<SomeGuard>,
        actions: Vec<SomeAction>,
    },
    Cancel {
        space: &'static str,
        id: SomeId,
    },
    /// The same again as at some step before.
    Again(Index),
    /// A cancel of the id of some step before.
    CancelOf(Index),
    /// The id of some step before, with other content.
    Reuse(Index, Vec<SomeAction>),
    /// More locks than time takes away in one entry.
    ManyLocks {
        space: &'static str,
        id: SomeId,
        time_ms: u64,
    },
}

#[derive(Debug, Clone)]
pub(super) enum SomeId {
    Plain(u8),
    Beside(u8, When),
    Uuid(u8, When),
    /// Of the form that the space wants.
    Right(u8, When),
}

/// A birth.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Clock(i64),
    Floor(i64),
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The id of some step before in the same space, if there is one.
    Earlier(Index),
    /// As it comes.
    Some(SomeId),
    /// The command's own, which is malformed.
    Own,
}

/// A version, an offset or a token that is there or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Right(pub(super) bool);

#[derive(Debug, Clone)]
pub(super) enum SomeGuard {
    LogEnd(LogName, Right),
    CellAbsent(CellKey),
    CellVersion(CellKey, Right),
    CellAtLeast(CellKey, i64),
    Position(ReaderName, LogName, Right),
    LockHeld(LockName, Right),
    Fate(Target, FateIs),
}

#[derive(Debug, Clone)]
pub(super) enum SomeAction {
    As(Action),
    Renew(LockName, Right, u64),
    Release(LockName, Right),
    Compensate(Target),
}

/// What every history begins with, so that there is something to ask for, to change and to keep: it is proposed like all else.
pub(super) fn beginning() -> Chunk {
    let log = |name| LogName::new(name).expect("valid");
    let create = |name, retention| SomeAction::As(Action::CreateLog { log: log(name), retention });
    let put = |key, value| SomeAction::As(Action::Put { key: CellKey::new(key).expect("valid"), value });
    let lock = LockName::new("M").expect("valid");
    let acquire = Action::Acquire { lock, holder: Holder::new("ann").expect("valid"), time: Duration::from_mins(1) };
    let reader = || ReaderName::new("S").expect("valid");
    let record = NewRecord { payload: Bytes::from_static(b"one"), headers: Vec::new() };
    let read_and_deleted = [
        Action::Append { log: log("y"), records: vec![record] },
        Action::Move { reader: reader(), log: log("y"), to: Offset(1) },
        Action::DeleteReader { reader: reader(), log: log("y") },
    ];
    let mut actions = vec![
        create("x", Retention { age: Some(Duration::from_secs(2)), ..Retention::EVERYTHING }),
        create("y", Retention { records: Some(2), ..Retention::EVERYTHING }),
        put("A", CellValue::Integer(5)),
        put("B", CellValue::Bytes(Bytes::from_static(b"text"))),
        SomeAction::As(acquire),
    ];
    actions.extend(read_and_deleted.map(SomeAction::As));
    let step = Step::Propose { space: "main", id: SomeId::Plain(255), guards: Vec::new(), actions };
    Chunk { restart: false, entries: vec![Entry { stamp: Stamp::Clock(0), steps: vec![step] }] }
}

pub(super) fn chunk() -> impl Strategy<Value = Chunk> {
    (any::<bool>(), prop::collection::vec(entry(), 1..4)).prop_map(|(restart, entries)| Chunk { restart, entries })
}

fn entry() -> impl Strategy<Value = Entry> {
    (stamp(), prop::collection::vec(step(), 0..8)).prop_map(|(stamp, steps)| Entry { stamp, steps })
}

fn stamp() -> impl Strategy<Value = Stamp> {
    prop_oneof![
        12 => select(vec![-5_000, -1, 0, 0, 0, 1, 2, 500, 999, 1_000]).prop_map(Stamp::Clock),
        4 => (any::<Index>(), -1..2_i64).prop_map(|(place, offset)| Stamp::Due(place, offset)),
        1 => select(vec![63_000, 64_000, 601_000, 3_600_000]).prop_map(Stamp::Clock),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let id = || (space(), some_id());
    prop_oneof![
        24 => (id(), some_of(guard(), 2), mostly_some(action()))
            .prop_map(|((space, id), guards, actions)| Step::Propose { space, id, guards, actions }),
        3 => (some_id(), some_of(guard(), 2), mostly_some(system_action())).prop_map(|(id, guards, actions)| {
            Step::Propose { space: "oncelog.system", id, guards, actions }
        }),
        6 => any::<Index>().prop_map(Step::Again),
        2 => any::<Index>().prop_map(Step::CancelOf),
        2 => id().prop_map(|(space, id)| Step::Cancel { space, id }),
        1 => (any::<Index>(), mostly_some(action())).prop_map(|(place, actions)| Step::Reuse(place, actions)),
        1 => (id(), select(vec![0, 1_000, 2_000]))
            .prop_map(|((space, id), time_ms)| Step::ManyLocks { space, id, time_ms }),
    ]
}

/// Mostly none, and otherwise some.
fn some_of<T: std::fmt::Debug>(element: impl Strategy<Value = T>, most: usize) -> impl Strategy<Value = Vec<T>> {
    (prop::collection::vec(element, 1..=most), 0..5)
        .prop_map(|(elements, chance)| if chance < 2 { Vec::new() } else { elements })
}

/// Mostly one, up to three, and now and then none at all, which is malformed.
fn mostly_some<T: std::fmt::Debug>(element: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    (prop::collection::vec(element, 1..4), 0..60).prop_map(|(mut elements, chance)| {
        match chance {
            0 => elements.clear(),
            1..40 => elements.truncate(1),
            _ => {}
        }
        elements
    })
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        10 => Just("main"), 2 => Just("ledger"), 10 => Just("finite"), 2 => Just("worn"), 2 => Just("new"),
        1 => Just("nowhere"),
    ]
}

fn some_id() -> impl Strategy<Value = SomeId> {
    let text = || 0..60_u8;
    prop_oneof![
        12 => (text(), when()).prop_map(|(text, when)| SomeId::Right(text, when)),
        6 => (0..4_u8, when()).prop_map(|(text, when)| SomeId::Uuid(text, when)),
        1 => text().prop_map(SomeId::Plain),
        1 => (text(), when()).prop_map(|(text, when)| SomeId::Beside(text, when)),
    ]
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        6 => select(vec![-1_000, -1, 0, 1, 999]).prop_map(When::Clock),
        3 => select(vec![-70_000, -64_000, -63_001, 600_000, 600_001, 601_000]).prop_map(When::Clock),
        2 => (-1..2_i64).prop_map(When::Floor),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        12 => any::<Index>().prop_map(Target::Earlier),
        5 => some_id().prop_map(Target::Some),
        1 => Just(Target::Own),
    ]
}

fn right() -> impl Strategy<Value = Right> {
    (0..8).prop_map(|chance| Right(chance > 0))
}

fn guard() -> impl Strategy<Value = SomeGuard> {
    let fate = select(vec![FateIs::Applied, FateIs::InForce, FateIs::Refused, FateIs::Cancelled, FateIs::Unknown]);
    prop_oneof![
        1 => (log(), right()).prop_map(|(log, right)| SomeGuard::LogEnd(log, right)),
        1 => cell().prop_map(SomeGuard::CellAbsent),
        1 => (cell(), right()).prop_map(|(key, right)| SomeGuard::CellVersion(key, right)),
        1 => (cell(), -5..9_i64).prop_map(|(key, least)| SomeGuard::CellAtLeast(key, least)),
        1 => (reader(), log(), right()).prop_map(|(reader, log, right)| SomeGuard::Position(reader, log, right)),
        2 => (lock(), right()).prop_map(|(lock, right)| SomeGuard::LockHeld(lock, right)),
        2 => (target(), fate).prop_map(|(target, is)| SomeGuard::Fate(target, is)),
    ]
}

fn action() -> impl Strategy<Value = SomeAction> {
    prop_oneof![18 => action_on_a_log(), 18 => action_on_another()]
}

fn action_on_a_log() -> impl Strategy<Value = SomeAction> {
    prop_oneof![
        8 => (log(), mostly_some(record()))
            .prop_map(|(log, records)| SomeAction::As(Action::Append { log, records })),
        3 => (reader(), log(), 0..7_u64)
            .prop_map(|(reader, log, to)| SomeAction::As(Action::Move { reader, log, to: Offset(to) })),
        2 => (log(), 0..9_u64).prop_map(|(log, to)| SomeAction::As(Action::Trim { log, before: Offset(to) })),
        1 => (log(), retention())
            .prop_map(|(log, retention)| SomeAction::As(Action::CreateLog { log, retention })),
        3 => (log(), retention())
            .prop_map(|(log, retention)| SomeAction::As(Action::SetRetention { log, retention })),
        1 => log().prop_map(|log| SomeAction::As(Action::DeleteLog { log })),
        1 => (reader(), log()).prop_map(|(reader, log)| SomeAction::As(Action::DeleteReader { reader, log })),
    ]
}

fn action_on_another() -> impl Strategy<Value = SomeAction> {
    prop_oneof![
        2 => (cell(), value()).prop_map(|(key, value)| SomeAction::As(Action::Put { key, value })),
        1 => cell().prop_map(|key| SomeAction::As(Action::Delete { key })),
        4 => add().prop_map(SomeAction::As),
        4 => (lock(), select(vec!["ann", "bob"]), lock_time()).prop_map(|(lock, holder, time_ms)| {
            let (holder, time) = (Holder::new(holder).expect("valid"), Duration::from_millis(time_ms));
            SomeAction::As(Action::Acquire { lock, holder, time })
        }),
        3 => (lock(), right(), lock_time()).prop_map(|(lock, right, time)| SomeAction::Renew(lock, right, time)),
        2 => (lock(), right()).prop_map(|(lock, right)| SomeAction::Release(lock, right)),
        5 => target().prop_map(SomeAction::Compensate),
    ]
}

fn add() -> impl Strategy<Value = Action> {
    let amount = select(vec![-7, -1, -1, 0, 1, 1, 1, 3, 3, 9, i64::MAX, i64::MIN]);
    let bounds = prop_oneof![
        20 => select(vec![(i64::MIN, i64::MAX), (0, i64::MAX), (0, 20), (-10, 10)]),
        1 => Just((1, 0)),
    ];
    let absent = select(vec![None, Some(0), Some(0), Some(0), Some(5), Some(-11)]);
    (cell(), amount, bounds, absent).prop_map(|(key, amount, (least, most), absent)| Action::Add {
        key,
        amount,
        least,
        most,
        absent,
    })
}

fn system_action() -> impl Strategy<Value = SomeAction> {
    let name = || select(vec!["new", "new", "finite", "worn", "main", "nowhere"]).prop_map(space_name);
    let ms = || select(vec![0, 1_000, 32_000, 64_000, 64_001, 128_000, 640_000, 6_400_000_u64]);
    let logs = || select(vec![LogCreation::ByAppend, LogCreation::ByAppend, LogCreation::Explicit]);
    let policy = (prop::option::weighted(0.7, ms()), logs()).prop_map(|(memory_ms, logs)| SpacePolicy {
        memory: memory_ms.map_or(Memory::Forever, |ms| Memory::For(Duration::from_millis(ms))),
        logs,
    });
    let set = (name(), prop::option::weighted(0.9, ms()), prop::option::weighted(0.3, logs()));
    prop_oneof![
        2 => (name(), policy).prop_map(|(name, policy)| Action::CreateSpace { name, policy }),
        4 => set.prop_map(|(name, ms, logs)| Action::SetSpace { name, memory: ms.map(Duration::from_millis), logs }),
        1 => select(vec!["new", "new", "new", "finite", "main", "nowhere"])
            .prop_map(|name| Action::DeleteSpace { name: space_name(name) }),
        1 => (0..4_u16).prop_map(|to| Action::RaiseVersion { to: MachineVersion(to) }),
    ]
    .prop_map(SomeAction::As)
}

fn retention() -> impl Strategy<Value = Retention> {
    let age = prop_oneof![
        20 => select(vec![None, Some(1), Some(1_000), Some(64_000), Some(128_000)]),
        1 => Just(Some(0)),
    ];
    let number =
        |values: &[u64]| select(values.iter().copied().map(Some).chain([None, None, None]).collect::<Vec<_>>());
    (prop::option::weighted(0.9, (age, number(&[1, 4, 20]), number(&[1, 2, 3, 130]))), any::<bool>()).prop_map(
        |(bounds, has_age)| {
            let (age, bytes, records) = bounds.unwrap_or_default();
            Retention { age: age.filter(|_| has_age).map(Duration::from_millis), bytes, records }
        },
    )
}

fn value() -> impl Strategy<Value = CellValue> {
    prop_oneof![
        1 => Just(CellValue::Bytes(Bytes::from_static(b"text"))),
        3 => (-5..15_i64).prop_map(CellValue::Integer),
    ]
}

fn lock_time() -> impl Strategy<Value = u64> {
    select(vec![0, 1, 1_000, 2_000, 60_000, 600_000])
}

fn log() -> impl Strategy<Value = LogName> {
    select(vec!["x", "y", "z"]).prop_map(|name| LogName::new(name).expect("valid"))
}

fn cell() -> impl Strategy<Value = CellKey> {
    select(vec!["A", "B", "C"]).prop_map(|key| CellKey::new(key).expect("valid"))
}

fn reader() -> impl Strategy<Value = ReaderName> {
    select(vec!["R", "S"]).prop_map(|name| ReaderName::new(name).expect("valid"))
}

fn lock() -> impl Strategy<Value = LockName> {
    select(vec!["L", "M"]).prop_map(|name| LockName::new(name).expect("valid"))
}

fn record() -> impl Strategy<Value = NewRecord> {
    let header = Header { key: "kind".to_owned(), value: Bytes::from_static(b"order") };
    (select(vec!["", "one", "two"]), select(vec![vec![], vec![header]]))
        .prop_map(|(payload, headers)| NewRecord { payload: Bytes::from_static(payload.as_bytes()), headers })
}
