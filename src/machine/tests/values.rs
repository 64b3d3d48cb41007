//! Any value of the machine's words, for the round trips.

use bytes::Bytes;
use proptest::prelude::*;

use crate::types::limits::TIME_MS_MAX;
use crate::types::{
    Action, ActionResult, Answer, Cancel, Command, Guard, Header, History, Id, LogName, LogTime, NewRecord, Offset,
    Outcome, Proposal, Refusal, Rejection, Sequence, SpaceName, Verdict,
};

pub(super) fn proposal() -> impl Strategy<Value = Proposal> {
    prop_oneof![
        4 => command().prop_map(Proposal::Command),
        1 => (space(), id()).prop_map(|(space, target)| Proposal::Cancel(Cancel { space, target })),
    ]
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    let guard = (log(), any::<u64>()).prop_map(|(log, end)| Guard::LogEnd { log, end: Offset(end) });
    let action =
        (log(), prop::collection::vec(record(), 0..4)).prop_map(|(log, records)| Action::Append { log, records });
    (space(), id(), prop::collection::vec(guard, 0..3), prop::collection::vec(action, 0..3))
        .prop_map(|(space, id, guards, actions)| Command { space, id, guards, actions })
}

pub(super) fn outcome() -> impl Strategy<Value = Outcome> {
    let result =
        (any::<u64>(), any::<u32>()).prop_map(|(first, count)| ActionResult::Appended { first: Offset(first), count });
    let refusal =
        (any::<u32>(), any::<u64>()).prop_map(|(guard, found)| Refusal::LogEnd { guard, found: Offset(found) });
    let verdict = prop_oneof![
        prop::collection::vec(result, 0..4).prop_map(Verdict::Applied),
        refusal.prop_map(Verdict::Refused),
        Just(Verdict::Cancelled),
    ];
    (verdict, any::<u64>(), any::<u64>(), time()).prop_map(|(verdict, sequence, history, time)| Outcome {
        verdict,
        sequence: Sequence(sequence),
        history: History(history),
        time,
    })
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    let rejection = prop_oneof![
        Just(Rejection::NoSuchSpace),
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
    "[a-z0-9._-]{1,12}".prop_map(|name| SpaceName::new(&name).expect("of the alphabet"))
}

fn log() -> impl Strategy<Value = LogName> {
    "[a-z0-9._-]{1,12}".prop_map(|name| LogName::new(&name).expect("of the alphabet"))
}
