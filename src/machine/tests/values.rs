//! Any value of the machine's words, for the round trips.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;

use crate::types::limits::TIME_MS_MAX;
use crate::types::{
    Action, ActionResult, Answer, Cancel, CellKey, CellValue, Command, FateIs, FateKind, Found, Guard, Header, History,
    Holder, Id, LockName, LogCreation, LogName, LogTime, MachineVersion, Memory, NewRecord, Offset, Outcome, Proposal,
    ReaderName, Refusal, Rejection, Retention, Sequence, SpaceName, SpacePolicy, Step, Token, Verdict, Version,
};

pub(super) fn proposal() -> impl Strategy<Value = Proposal> {
    prop_oneof![
        4 => command().prop_map(Proposal::Command),
        1 => (space(), id()).prop_map(|(space, target)| Proposal::Cancel(Cancel { space, target })),
    ]
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    (space(), id(), prop::collection::vec(guard(), 0..3), prop::collection::vec(action(), 0..4))
        .prop_map(|(space, id, guards, actions)| Command { space, id, guards, actions })
}

fn guard() -> impl Strategy<Value = Guard> {
    let is = select(vec![FateIs::Applied, FateIs::InForce, FateIs::Refused, FateIs::Cancelled, FateIs::Unknown]);
    prop_oneof![
        (log(), offset()).prop_map(|(log, end)| Guard::LogEnd { log, end }),
        cell().prop_map(|key| Guard::CellAbsent { key }),
        (cell(), version()).prop_map(|(key, version)| Guard::CellVersion { key, version }),
        (cell(), any::<i64>()).prop_map(|(key, least)| Guard::CellAtLeast { key, least }),
        (reader(), log(), offset(), version()).prop_map(|(reader, log, offset, version)| Guard::Position {
            reader,
            log,
            offset,
            version
        }),
        (lock(), token()).prop_map(|(lock, token)| Guard::LockHeld { lock, token }),
        (id(), is).prop_map(|(target, is)| Guard::Fate { target, is }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![action_on_a_log(), action_on_a_cell_or_a_lock(), action_on_a_space()]
}

fn action_on_a_log() -> impl Strategy<Value = Action> {
    prop_oneof![
        (log(), prop::collection::vec(record(), 0..4)).prop_map(|(log, records)| Action::Append { log, records }),
        (reader(), log(), offset()).prop_map(|(reader, log, to)| Action::Move { reader, log, to }),
        (log(), offset()).prop_map(|(log, before)| Action::Trim { log, before }),
        (log(), retention()).prop_map(|(log, retention)| Action::CreateLog { log, retention }),
        (log(), retention()).prop_map(|(log, retention)| Action::SetRetention { log, retention }),
        log().prop_map(|log| Action::DeleteLog { log }),
        (reader(), log()).prop_map(|(reader, log)| Action::DeleteReader { reader, log }),
    ]
}

fn action_on_a_cell_or_a_lock() -> impl Strategy<Value = Action> {
    let numbers = (any::<i64>(), any::<i64>(), any::<i64>(), any::<Option<i64>>());
    prop_oneof![
        (cell(), value()).prop_map(|(key, value)| Action::Put { key, value }),
        cell().prop_map(|key| Action::Delete { key }),
        (cell(), numbers).prop_map(|(key, (amount, least, most, absent))| Action::Add {
            key,
            amount,
            least,
            most,
            absent
        }),
        (lock(), holder(), duration()).prop_map(|(lock, holder, time)| Action::Acquire { lock, holder, time }),
        (lock(), token(), duration()).prop_map(|(lock, token, time)| Action::Renew { lock, token, time }),
        (lock(), token()).prop_map(|(lock, token)| Action::Release { lock, token }),
    ]
}

fn action_on_a_space() -> impl Strategy<Value = Action> {
    let policy = (prop::option::of(duration()), creation())
        .prop_map(|(memory, logs)| SpacePolicy { memory: memory.map_or(Memory::Forever, Memory::For), logs });
    prop_oneof![
        id().prop_map(|target| Action::Compensate { target }),
        (space(), policy).prop_map(|(name, policy)| Action::CreateSpace { name, policy }),
        (space(), prop::option::of(duration()), prop::option::of(creation()))
            .prop_map(|(name, memory, logs)| Action::SetSpace { name, memory, logs }),
        space().prop_map(|name| Action::DeleteSpace { name }),
        machine_version().prop_map(|to| Action::RaiseVersion { to }),
    ]
}

pub(super) fn outcome() -> impl Strategy<Value = Outcome> {
    let refusal = (any::<bool>(), any::<u32>(), found()).prop_map(|(is_guard, place, found)| Refusal {
        step: if is_guard { Step::Guard(place) } else { Step::Action(place) },
        found,
    });
    let verdict = prop_oneof![
        2 => prop::collection::vec(result(), 0..4).prop_map(Verdict::Applied),
        2 => refusal.prop_map(Verdict::Refused),
        1 => Just(Verdict::Cancelled),
        1 => Just(Verdict::NothingToUndo),
    ];
    (verdict, any::<u64>(), any::<u64>(), time()).prop_map(|(verdict, sequence, history, time)| Outcome {
        verdict,
        sequence: Sequence(sequence),
        history: History(history),
        time,
    })
}

fn result() -> impl Strategy<Value = ActionResult> {
    let without_a_field = vec![
        ActionResult::Released,
        ActionResult::Compensated,
        ActionResult::LogCreated,
        ActionResult::RetentionSet,
        ActionResult::SpaceCreated,
        ActionResult::SpaceSet,
        ActionResult::SpaceDeleted,
    ];
    prop_oneof![
        3 => select(without_a_field),
        1 => (offset(), any::<u32>()).prop_map(|(first, count)| ActionResult::Appended { first, count }),
        1 => version().prop_map(|version| ActionResult::Put { version }),
        1 => version().prop_map(|version| ActionResult::Deleted { version }),
        1 => (any::<i64>(), version()).prop_map(|(value, version)| ActionResult::Added { value, version }),
        1 => version().prop_map(|version| ActionResult::Moved { version }),
        1 => (token(), time()).prop_map(|(token, expires)| ActionResult::Locked { token, expires }),
        1 => offset().prop_map(|start| ActionResult::Trimmed { start }),
        1 => machine_version().prop_map(|version| ActionResult::VersionRaised { version }),
        1 => offset().prop_map(|end| ActionResult::LogDeleted { end }),
        1 => version().prop_map(|version| ActionResult::ReaderDeleted { version }),
    ]
}

fn found() -> impl Strategy<Value = Found> {
    let without_a_field = vec![
        Found::NoLog,
        Found::LogExists,
        Found::NoCell,
        Found::NotANumber,
        Found::NoReader,
        Found::LockFree,
        Found::NoSpace,
        Found::SpaceExists,
        Found::MemoryIsFixed,
        Found::TooManyChanges,
    ];
    prop_oneof![2 => select(without_a_field), 1 => found_in_a_space(), 1 => found_of_an_id()]
}

fn found_in_a_space() -> impl Strategy<Value = Found> {
    prop_oneof![
        offset().prop_map(Found::LogEnd),
        offset().prop_map(Found::PastEnd),
        version().prop_map(Found::CellVersion),
        any::<i64>().prop_map(Found::TooLittle),
        any::<i64>().prop_map(Found::OutOfBounds),
        (offset(), version()).prop_map(|(offset, version)| Found::Position { offset, version }),
        (holder(), token(), time()).prop_map(|(holder, token, expires)| Found::LockHeld { holder, token, expires }),
        machine_version().prop_map(Found::VersionInForce),
        time().prop_map(|at| Found::SpaceDeleted { at }),
    ]
}

fn found_of_an_id() -> impl Strategy<Value = Found> {
    let kinds =
        vec![FateKind::Unknown, FateKind::Applied, FateKind::Compensated, FateKind::Refused, FateKind::Cancelled];
    prop_oneof![
        select(kinds).prop_map(Found::Fate),
        time().prop_map(|floor| Found::TargetTooOld { floor }),
        time().prop_map(|clock| Found::TargetBornAhead { clock }),
        id().prop_map(|by| Found::AlreadyCompensated { by }),
    ]
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    let rejection = prop_oneof![
        Just(Rejection::NoSuchSpace),
        time().prop_map(|at| Rejection::SpaceDeleted { at }),
        time().prop_map(|floor| Rejection::TooOld { floor }),
        Just(Rejection::WithoutBirth),
        Just(Rejection::BirthBesideForever),
        time().prop_map(|clock| Rejection::BornAhead { clock }),
        Just(Rejection::Reused),
        Just(Rejection::Malformed),
    ];
    prop_oneof![
        (outcome(), any::<bool>()).prop_map(|(outcome, replayed)| Answer::Decided { outcome, replayed }),
        rejection.prop_map(Answer::Rejected),
    ]
}

pub(super) fn time() -> impl Strategy<Value = LogTime> {
    prop_oneof![Just(LogTime::ZERO), (0..=TIME_MS_MAX).prop_map(LogTime::from_ms_saturating)]
}

fn id() -> impl Strategy<Value = Id> {
    prop_oneof![
        "\\PC{1,20}".prop_map(|text| Id::new(text).expect("short")),
        ("\\PC{1,20}", time()).prop_map(|(text, birth)| Id::with_birth(text, birth).expect("short")),
        any::<u128>().prop_map(|random| {
            let mut builder = uuid::Builder::from_u128(random);
            builder.set_variant(uuid::Variant::RFC4122).set_version(uuid::Version::SortRand);
            let uuid = builder.into_uuid();
            Id::new(uuid.hyphenated().to_string()).expect("short")
        }),
    ]
}

fn record() -> impl Strategy<Value = NewRecord> {
    let header = ("\\PC{1,8}", blob()).prop_map(|(key, value)| Header { key, value });
    (blob(), prop::collection::vec(header, 0..3)).prop_map(|(payload, headers)| NewRecord { payload, headers })
}

fn blob() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn space() -> impl Strategy<Value = SpaceName> {
    "[a-z0-9_][a-z0-9._-]{0,11}".prop_map(|name| SpaceName::new(&name).expect("of the alphabet"))
}

fn log() -> impl Strategy<Value = LogName> {
    "[a-z0-9_][a-z0-9._-]{0,11}".prop_map(|name| LogName::new(&name).expect("of the alphabet"))
}

fn cell() -> impl Strategy<Value = CellKey> {
    "\\PC{1,12}".prop_map(|key| CellKey::new(&key).expect("short"))
}

fn reader() -> impl Strategy<Value = ReaderName> {
    "\\PC{1,12}".prop_map(|name| ReaderName::new(&name).expect("short"))
}

fn lock() -> impl Strategy<Value = LockName> {
    "\\PC{1,12}".prop_map(|name| LockName::new(&name).expect("short"))
}

fn holder() -> impl Strategy<Value = Holder> {
    "\\PC{1,12}".prop_map(|name| Holder::new(&name).expect("short"))
}

fn value() -> impl Strategy<Value = CellValue> {
    prop_oneof![blob().prop_map(CellValue::Bytes), any::<i64>().prop_map(CellValue::Integer)]
}

fn offset() -> impl Strategy<Value = Offset> {
    any::<u64>().prop_map(Offset)
}

fn version() -> impl Strategy<Value = Version> {
    any::<u64>().prop_map(Version)
}

fn machine_version() -> impl Strategy<Value = MachineVersion> {
    any::<u16>().prop_map(MachineVersion)
}

fn token() -> impl Strategy<Value = Token> {
    any::<(u64, u64)>()
        .prop_map(|(history, sequence)| Token { history: History(history), sequence: Sequence(sequence) })
}

fn duration() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_millis)
}

fn creation() -> impl Strategy<Value = LogCreation> {
    select(vec![LogCreation::ByAppend, LogCreation::Explicit])
}

fn retention() -> impl Strategy<Value = Retention> {
    (prop::option::of(duration()), any::<Option<u64>>(), any::<Option<u64>>())
        .prop_map(|(age, bytes, records)| Retention { age, bytes, records })
}
